"""Telling a text that went out by the body it was made from."""

from __future__ import annotations

import pytest

from sms_plugin.core.links import could_be, fill_links

BODY = "Acme: pay at [payment link]. Reply STOP (opt-out) to end."
LINK = "https://pay.example.com/sms/p/0123456789abcdefABCDEF"


def test_a_body_becomes_its_text_whatever_the_link_was():
    text = fill_links(BODY, payment=LINK, preference=None)

    assert could_be(text, BODY)
    assert could_be(text.replace("pay.example.com", "old.example.com"), BODY)


def test_a_body_without_a_mark_goes_out_as_it_is():
    assert could_be("See you [soon].", "See you [soon].")
    assert could_be("See you.", "See you.")
    assert not could_be("See you. ", "See you.")


@pytest.mark.parametrize(
    "text",
    [
        "",
        BODY,
        "Acme: pay at . Reply STOP (opt-out) to end.",
        "Acme: pay at soon. Reply STOP (opt-out) to end.",
        f"Acme: pay at {LINK}. Reply STOP (opt-out) to end. Now.",
        f"Acme: pay at {LINK} {LINK}. Reply STOP (opt-out) to end.",
        f"Acme: pay at {LINK}. Reply STOP opt-out to end.",
    ],
)
def test_another_text_is_not_taken_for_it(text):
    assert not could_be(text, BODY)


def test_both_links_of_a_body_may_be_any():
    body = "[payment link] and [preference link]"

    assert could_be(f"{LINK} and {LINK}", body)
    assert not could_be(LINK, body)
