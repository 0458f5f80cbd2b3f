# Look-alike characters are what is tested.
# ruff: noqa: RUF001
from __future__ import annotations

import time

import pytest

from sms_plugin.core.lint import (
    Flaw,
    collection_words,
    disclosures,
    flaws,
    foreign_links,
)

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


@pytest.mark.parametrize(
    "piece", ["a", "a.", "1.", "https://", "past ", "-", "a-", "$1", "1", "1,", "test "]
)
def test_long_input_takes_no_longer(piece):
    text = (piece * 100_000)[:100_000] + "!"
    started = time.process_time()  # what others do on this machine does not count
    foreign_links(text, OWN)
    collection_words(text)
    disclosures(text, amounts=False)

    assert time.process_time() - started < 0.05


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


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("you owe $12.34 now", "$12.34"),
        ("$ 1,250", "$ 1,250"),
        ("USD 12", "USD 12"),
        ("12.34 USD", "12.34 USD"),
        ("20 dollars", "20 dollars"),
        ("20 dólares", "20 dólares"),
        ("€5", "€5"),
        ("50 cents", "50 cents"),
    ],
)
def test_amounts_are_named(text, amount):
    (flaw,) = disclosures(text, amounts=False)

    assert flaw == Flaw("amount", amount, text.index(amount))
    assert disclosures(text, amounts=True) == ()


@pytest.mark.parametrize(
    "text", ["Call 415-555-0132", "at 9.30", "by 10/20/2026", "INV-10001", "room 12"]
)
def test_other_numbers_are_no_amounts(text):
    assert disclosures(text, amounts=False) == ()


@pytest.mark.parametrize(
    "text",
    ["your DIAGNOSIS", "the drug", "Rx", "test  results", "su cirugía", "tratamiento"],
)
def test_words_about_care_are_named(text):
    assert [flaw.problem for flaw in disclosures(text, amounts=True)] == ["service"]


@pytest.mark.parametrize("text", ["drugstore", "treat", "rxs", "recetario", "visit"])
def test_words_that_only_look_like_care_pass(text):
    assert disclosures(text, amounts=True) == ()


def test_a_link_of_ours_without_https_is_told_apart():
    text = "see http://pay.example.com/p"

    assert flaws(text, OWN) == (Flaw("insecure", "http://pay.example.com/p", 4),)
