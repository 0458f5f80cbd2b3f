# Look-alike characters are what is tested.
# ruff: noqa: RUF001
from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_plugin.core.phones import (
    TERRITORIES,
    PhoneError,
    can_be_dialled,
    display,
    mask,
    parse,
    split_words,
    zones,
)

PHONE = "+14155550132"


@pytest.mark.parametrize(
    "raw",
    [
        *(
            "(415) 555-0132",
            "415-555-0132",
            "415.555.0132",
            "4155550132",
            " 4155550132 ",
        ),
        *("+1 415 555 0132", "1-415-555-0132", "+14155550132", "1 (415) 555-0132"),
        *("٤١٥٥٥٥٠١٣٢", "４１５５５５０１３２", "4155550132.0", "14155550132.00"),
        *(
            "\u202a+1 (415)\u00a0555\u20110132\u202c",
            "415/555/0132",
            "011 1 415 555 0132",
        ),
    ],
)
def test_usual_forms_are_read(raw):
    assert parse(raw) == PHONE


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "empty"),
        (" \u200b ", "empty"),
        ("+1 415 555 0132 ext 5", "extension"),
        ("4158675309x", "extension"),
        ("415-555-0132 x12", "extension"),
        ("+1-415-555-0132;ext=5", "extension"),
        ("415-555-0132 #5", "extension"),
        ("415-555-0132 (mom)", "letters"),
        ("cell: 415-555-0132", "letters"),
        ("800-FLOWERS", "letters"),
        ("a" * 5000, "letters"),
        ("4.155550132E+09", "scientific"),
        ("555-0132", "too_short"),
        ("911", "too_short"),
        ("+0", "too_short"),
        ("1" * 40, "too_long"),
        ("1" * 100, "too_long"),
        ("415 555 0132 / 415 555 0133", "too_long"),
        ("416 555 0132", "not_us"),
        ("876 555 0132", "not_us"),
        ("809-555-0132", "not_us"),
        ("+44 20 7946 0958", "not_us"),
        ("800 555 0199", "toll_free"),
        ("(888) 555-0199", "toll_free"),
        ("900 555 0199", "premium"),
        ("555 555 0132", "invalid"),
        ("211 555 0132", "invalid"),
        ("415\x00555", "too_short"),
    ],
)
def test_others_are_refused_with_a_reason(raw, code):
    with pytest.raises(PhoneError) as caught:
        parse(raw)

    assert caught.value.code == code
    assert caught.value.reason.endswith(".")


@pytest.mark.parametrize("raw", ["415-555-0132 (mom)", "416 555 0132", "+1 415 55"])
def test_a_refusal_never_repeats_the_number(raw):
    with pytest.raises(PhoneError) as caught:
        parse(raw)

    error = caught.value
    assert raw[-4:] not in f"{error!r}{error.__cause__!r}{error.reason}"


@pytest.mark.parametrize(
    ("raw", "zone"),
    [
        ("787 555 0132", "America/Puerto_Rico"),
        ("939 555 0132", "America/Puerto_Rico"),
        ("671 555 0132", "Pacific/Guam"),
        ("340 555 0132", "America/St_Thomas"),
        ("670 555 0132", "Pacific/Saipan"),
    ],
)
def test_territories_are_texted_and_have_their_zone(raw, zone):
    assert zones(parse(raw)) == (zone,)


def test_american_samoa_has_its_zone():
    example = phonenumbers.example_number("AS")
    written = phonenumbers.format_number(
        example, phonenumbers.PhoneNumberFormat.NATIONAL
    )

    assert zones(parse(written)) == ("Pacific/Pago_Pago",)


@pytest.mark.parametrize(
    "e164", ["+18005550199", "+15005550006", "12345", "", "Clinic"]
)
def test_a_number_without_a_place_has_no_zones(e164):
    assert zones(e164) == ()


@pytest.mark.parametrize(
    ("e164", "found"),
    [
        ("+12085550132", ("America/Boise", "America/Denver", "America/Los_Angeles")),
        # Gary is in the Central zone, and the library's word for its area is Eastern.
        ("+12195550132", ("America/Chicago", "America/New_York")),
        ("+13175550132", ("America/New_York",)),
        # Evansville; its younger area code is on the same ground.
        ("+18125550132", ("America/Chicago", "America/New_York")),
        ("+19305550132", ("America/Chicago", "America/New_York")),
    ],
)
def test_an_area_code_has_every_zone_in_which_a_mobile_may_be_at_home(e164, found):
    assert zones(e164) == found


def slow_parse(digits: str) -> str | None:
    """The library's verdict on one number, without any short cut."""
    number = phonenumbers.parse(digits, "US")
    kinds = phonenumbers.PhoneNumberType
    refused = {kinds.TOLL_FREE, kinds.PREMIUM_RATE}
    if (
        phonenumbers.is_valid_number(number)
        and phonenumbers.region_code_for_number(number) in TERRITORIES
        and phonenumbers.number_type(number) not in refused
    ):
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None


def parse_or_none(raw: str) -> str | None:
    try:
        return parse(raw)
    except PhoneError:
        return None


# Areas whose exchanges differ most: territories, personal numbers, 305, 505, 983.
AREAS = ["684", "670", "340", "671", "787", "305", "505", "983", "523", "500", "415"]


@settings(max_examples=250, deadline=None, derandomize=True)
@given(
    st.one_of(
        st.from_regex(r"[2-9][0-9]{2}[2-9][0-9]{6}", fullmatch=True),
        st.builds(
            "".join,
            st.tuples(
                st.sampled_from(AREAS), st.text("0123456789", min_size=7, max_size=7)
            ),
        ),
    )
)
def test_the_short_cut_by_exchange_agrees_with_the_library(digits):
    assert parse_or_none(digits) == slow_parse(digits)


@pytest.mark.parametrize("region", sorted(TERRITORIES))
def test_the_library_decides_by_area_code_and_exchange_alone(region):
    """Its patterns leave the last four digits free, on which the short cut rests."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    for kind in (
        metadata.fixed_line,
        metadata.mobile,
        metadata.toll_free,
        metadata.premium_rate,
        metadata.personal_number,
    ):
        depth, alternatives, current = 0, [], ""
        for char in kind.national_number_pattern:
            depth += (char == "(") - (char == ")")
            if char == "|" and not depth:
                alternatives.append(current)
                current = ""
            else:
                current += char
        for alternative in [*alternatives, current]:
            assert alternative.endswith((r"\d{4}", r"\d{6}", r"\d{7}")), alternative


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    st.from_regex(r"\+?1? ?\(?[2-9]1[0-9]\)? ?[2-9][0-9]{2}-?[0-9]{4}", fullmatch=True)
)
def test_parsing_again_changes_nothing(raw):
    e164 = parse_or_none(raw)

    assert e164 is None or parse(e164) == e164 == parse(display(e164))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(raw):
    e164 = parse_or_none(raw)

    assert e164 is None or (len(e164) == 12 and e164.startswith("+1"))


def test_display_and_mask():
    assert display(PHONE) == "(415) 555-0132"
    assert mask(PHONE) == "(•••) •••-0132"
    assert display("12345") == "12345"
    assert mask("12345") == mask("Clinic") == mask("") == "•••"


@pytest.mark.parametrize(
    ("raw", "number", "words"),
    [
        ("415-555-0132 (mom)", "415-555-0132", "mom"),
        ("(415) 555-0132 daughter", "(415) 555-0132", "daughter"),
        ("+1 415 555 0132, Ann's mobile", "+1 415 555 0132", "Ann's mobile"),
        ("4155550132 - móvil", "4155550132", "móvil"),
    ],
)
def test_words_behind_a_number_are_told_from_it(raw, number, words):
    assert split_words(raw) == (number, words)


@pytest.mark.parametrize(
    "raw",
    ["415-555-0132", "mom 415-555-0132", "415-555-0132 ext 5", "123 mom", "", "mom",
     "415-555-0132 x5", "900-555-0132 (mom)", "a" * 10_000, "1 " * 5_000],
)  # fmt: skip
def test_what_is_no_number_with_words_is_left_alone(raw):
    assert split_words(raw) is None


@pytest.mark.parametrize(
    ("sender", "answer"),
    [
        ("+12125550132", True),
        ("+16045550132", True),
        ("+447700900123", True),
        ("72345", False),
        ("ACMEBANK", False),
        ("+0", False),
        ("", False),
        ("+", False),
        ("1" * 16, False),
        ("+" + "1" * 15, False),
        ("\u202e+1", False),
        ("x17", False),
    ],
)
def test_a_sender_is_a_phone_of_some_country_or_cannot_be_written_to(sender, answer):
    assert can_be_dialled(sender) is answer
