from __future__ import annotations

import pytest

from sms_plugin.core.sender_names import SenderNameError, checked


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Acme", "Acme"),
        ("  Dr.  Smith & Sons ", "Dr. Smith & Sons"),
        ("Mary\u2019s Clinic", "Mary's Clinic"),
        ("Niños 24/7", "Niños 24/7"),
        ("x" * 60, "x" * 60),
    ],
)
def test_a_name_is_kept_as_it_goes_out(raw, name):
    assert checked(raw) == name


@pytest.mark.parametrize(
    "raw",
    [
        *("", "A", "x" * 61, "Acme\nPay", "Acme\u2028Pay", "Acme\x00Pay"),
        *("<b>Acme</b>", "{{ x }}", "[Payment Link]", "...", "--"),
        *("acme.com", "see https://pay.example.com", "http://acme", "10.0.0.1/x"),
    ],
)
def test_what_would_spoil_a_text_is_refused_in_words(raw):
    with pytest.raises(SenderNameError, match=r"[a-z]{3}.*\.$"):
        checked(raw)
