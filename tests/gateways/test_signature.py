"""Vectors that Twilio publishes in the tests of its own package (token 12345)."""

from __future__ import annotations

import pytest
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from sms_plugin.gateways.signature import is_signed, sign

TOKEN = "12345"
PATH = "mycompany.com/myapp.php?foo=1&bar=2"
FORM = {
    "CallSid": ["CA1234567890ABCDE"],
    "Digits": ["1234"],
    "From": ["+14158675309"],
    "To": ["+18005551212"],
    "Caller": ["+14158675309"],
}
REPEATED = {
    "Sid": ["CA123"],
    "SidAccount": ["AC123"],
    "Digits": ["5678", "1234", "5678"],
}
WITH_BODY_HASH = (
    f"https://{PATH}&bodySHA256="
    "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
)

VECTORS = [
    (f"https://{PATH}", FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    (
        f"https://{PATH}".replace(".com", ".com:1234"),
        FORM,
        "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
    ),
    (f"https://{PATH}", FORM, "kvajT1Ptam85bY51eRf/AJRuM3w="),
    (
        f"http://{PATH}".replace(".com", ".com:1234"),
        FORM,
        "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=",
    ),
    (f"http://{PATH}", FORM, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    (f"https://{PATH}", REPEATED, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
    (WITH_BODY_HASH, {}, "a9nBmqA0ju/hNViExpshrM61xv4="),
]


@pytest.mark.parametrize(("url", "form", "signature"), VECTORS)
def test_published_signatures_are_taken(url, form, signature):
    assert is_signed([TOKEN], url, form, signature)


@pytest.mark.parametrize(("url", "form", "signature"), VECTORS)
def test_one_wrong_letter_is_not_taken(url, form, signature):
    wrong = ("A" if signature[0] != "A" else "B") + signature[1:]

    assert not is_signed([TOKEN], url, form, wrong)


def test_signature_is_the_one_that_twilios_package_computes():
    form = MultiDict([("B", "2"), ("A", "z"), ("A", "a"), ("A", "z"), ("Body", "é 😀")])
    url = "https://portal.example.com/sms/hooks/inbound"

    assert sign(TOKEN, url, form) == RequestValidator(TOKEN).compute_signature(
        url, form
    )


def test_form_of_werkzeug_and_plain_lists_are_the_same():
    form = MultiDict([("Digits", "5678"), ("Digits", "1234"), ("Sid", "CA123")])

    assert sign(TOKEN, "https://a.example", form) == sign(
        TOKEN, "https://a.example", form.to_dict(flat=False)
    )


def test_parameter_moved_over_a_boundary_is_left_to_field_checks():
    """The algorithm cannot tell these apart, so the caller checks each field's form."""
    one = sign(TOKEN, "https://a.example", {"AB": ["C"]})

    assert one == sign(TOKEN, "https://a.example", {"A": ["BC"]})


def test_nobody_can_sign_with_an_empty_token():
    with pytest.raises(ValueError, match="token"):
        sign("", "https://a.example", {})
    # What anybody could compute who guessed that a token is empty.
    forged = RequestValidator("").compute_signature("https://a.example", {})
    assert not is_signed(["", TOKEN], "https://a.example", {}, forged)
    genuine = sign(TOKEN, "https://a.example", {})
    assert is_signed(["", TOKEN], "https://a.example", {}, genuine)


def test_host_names_in_another_case_or_another_host_are_not_taken():
    signature = sign(TOKEN, "https://portal.example.com/hook", {})

    assert not is_signed([TOKEN], "https://evil.example.com/hook", {}, signature)
    assert not is_signed([TOKEN], "http://portal.example.com/hook", {}, signature)
