# Look-alike characters are what is tested.
# ruff: noqa: RUF001
from __future__ import annotations

import time

import pytest

from sms_plugin.core.lint import Flaw, collection_words, flaws, foreign_links

OWN = ["pay.example.com"]


@pytest.mark.parametrize(
    "text",
    [
        "Pay at https://pay.example.com/p/AbC?x=1.",
        "Pay at pay.example.com/p/AbC, thanks.",
        "HTTPS://PAY.EXAMPLE.COM",
        "Call 415-555-0132. Open 9.30 to 5.00, $12.50 due. Dr. Who",
        "write to billing@example.org",
        "no link",
    ],
)
def test_own_links_and_plain_text_pass(text):
    assert foreign_links(text, OWN) == ()


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("see https://bit.ly/abc now", "https://bit.ly/abc"),
        ("see bit.ly/abc.", "bit.ly/abc"),
        ("tinyurl.com/x", "tinyurl.com/x"),
        ("..bit.ly/abc", "bit.ly/abc"),
        ("a.b.c.d.e.f.g.bit.ly/x", "a.b.c.d.e.f.g.bit.ly/x"),
        ("(t.co/x)", "t.co/x"),
        ("http://pay.example.com/p", "http://pay.example.com/p"),
        ("javascript://pay.example.com", "javascript://pay.example.com"),
        ("https://pаy.example.com/p", "https://pаy.example.com/p"),
        ("pаy.example.com/p", "pаy.example.com/p"),
        ("https://pay.example.com.evil.net/", "https://pay.example.com.evil.net/"),
        ("https://pay.example.com@evil.net/", "https://pay.example.com@evil.net/"),
        ("https://pay.example.com:8443/", "https://pay.example.com:8443/"),
        ("https://evil.net\\@pay.example.com", "https://evil.net\\@pay.example.com"),
        ("https://192.0.2.7/p", "https://192.0.2.7/p"),
        ("go to 192.0.2.7/p", "192.0.2.7/p"),
        ("https://[2001:db8::1]/p", "https://[2001:db8::1]/p"),
    ],
)
def test_other_links_are_named(text, link):
    assert foreign_links(text, OWN) == (link,)


def test_collection_words_are_named_once_in_order():
    text = "FINAL  NOTICE: your past-due debt. Past due! Debtor, recollection"

    assert collection_words(text) == ("final notice", "past due", "debt")
    assert collection_words("You have a new statement.") == ()


@pytest.mark.parametrize("piece", ["a", "a.", "1.", "https://", "past ", "-", "a-"])
def test_long_input_takes_no_longer(piece):
    text = (piece * 100_000)[:100_000] + "!"
    started = time.perf_counter()
    foreign_links(text, OWN)
    collection_words(text)

    assert time.perf_counter() - started < 0.05


def test_flaws_are_told_apart_and_named_with_their_place():
    text = "Pay past-due\nat https://bit.ly/x or shop.example.net, or pay.example.com"

    assert flaws(text, OWN) == (
        Flaw("words", "past due", 4),
        Flaw("shortener", "https://bit.ly/x", 16),
        Flaw("link", "shop.example.net", 36),
    )


def test_a_flaw_behind_look_alikes_is_named_without_a_place():
    (flaw,) = flaws("your 𝐝𝐞𝐛𝐭", OWN)

    assert flaw == Flaw("words", "debt", None)


@pytest.mark.parametrize(
    "text", ["Su deuda", "AVISO FINAL", "Último aviso", "ultimo  aviso", "moroso"]
)
def test_collection_words_are_known_in_spanish(text):
    assert collection_words(text)


def test_plain_wordings_have_no_flaw():
    assert flaws("Hi Ann, see https://pay.example.com/p Reply STOP.", OWN) == ()
