# Look-alike characters are what is tested.
# ruff: noqa: RUF001
from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_plugin.core.segments import (
    MAX_BODY,
    Segments,
    fits,
    measure,
    normalise,
)

QUICK = settings(max_examples=80, deadline=None, derandomize=True)
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "^{}\\[~]|€\f"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("GSM-7", 0, 1)),
        ("a" * 160, ("GSM-7", 160, 1)),
        ("a" * 161, ("GSM-7", 161, 2)),
        ("a" * 306, ("GSM-7", 306, 2)),
        ("a" * 307, ("GSM-7", 307, 3)),
        ("€" * 80, ("GSM-7", 160, 1)),
        ("€" * 81, ("GSM-7", 162, 2)),
        ("a" * 152 + "€" + "a" * 151, ("GSM-7", 305, 2)),
        ("a" * 152 + "€" + "a" * 152, ("GSM-7", 306, 3)),
        ("’" + "a" * 69, ("UCS-2", 70, 1)),
        ("’" + "a" * 70, ("UCS-2", 71, 2)),
        ("’" + "a" * 133, ("UCS-2", 134, 2)),
        ("’" + "a" * 134, ("UCS-2", 135, 3)),
        ("😀" * 35, ("UCS-2", 70, 1)),
        ("😀" * 36, ("UCS-2", 72, 2)),
        ("😀" * 66, ("UCS-2", 132, 2)),
        ("😀" * 67, ("UCS-2", 134, 3)),
        ("`" * 160, ("UCS-2", 160, 3)),
        ("a" * 1600, ("GSM-7", 1600, 11)),
    ],
)
def test_published_vectors(text, expected):
    assert measure(text) == Segments(*expected)


def test_gsm_tables_are_complete():
    assert len(set(BASIC)) == 127
    assert [measure(char).units for char in BASIC] == [1] * 127
    assert [measure(char).units for char in EXTENSION] == [2] * 10


def slow_measure(text: str) -> tuple[str, int, int]:
    """The rules once more, character by character."""
    if all(char in BASIC + EXTENSION for char in text):
        encoding, single, part = "GSM-7", 160, 153
        sizes = [2 if char in EXTENSION else 1 for char in text]
    else:
        encoding, single, part = "UCS-2", 70, 67
        sizes = [2 if ord(char) > 0xFFFF else 1 for char in text]
    if sum(sizes) <= single:
        return encoding, sum(sizes), 1
    count, room = 1, part
    for size in sizes:
        if size > room:
            count, room = count + 1, part
        room -= size
    return encoding, sum(sizes), count


def long_texts(alphabet: str) -> st.SearchStrategy[str]:
    # Few distinct pieces repeated many times: boundaries are what matters.
    piece = st.tuples(st.sampled_from(alphabet), st.integers(1, 170))
    return st.lists(piece, max_size=8).map(lambda ps: "".join(c * n for c, n in ps))


@QUICK
@given(long_texts("aé€[") | long_texts("aé€’😀") | st.text(max_size=90))
def test_measure_agrees_with_a_slow_count(text):
    found = measure(text)

    assert (found.encoding, found.units, found.count) == slow_measure(text)


def test_lone_surrogates_are_counted_without_a_crash():
    assert measure("\ud83d" * 71) == Segments("UCS-2", 71, 2)


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("“Don’t” – ok…", '"Don\'t" - ok...'),
        ("a\u00a0b\tc", "a b c"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("a\u200bb\u202ec\u2066d\ufeff\x00\x07\x9f", "abcd"),
        ("ＳＴＯＰ`｀", "STOP''"),
        ("2½ weeks, ¾", "2 1/2 weeks, 3/4"),
        ("e\u0301", "é"),
        ("á ç 😀", "á ç 😀"),
        ("👩\u200d⚕️ a\u200db", "👩\u200d⚕️ ab"),
        ("x\ud800y", "xy"),
    ],
)
def test_normalise(typed, plain):
    assert normalise(typed) == plain


@QUICK
@given(
    st.text(max_size=60)
    | st.text(alphabet="a\u0301\u0344\u0323\u200d\u200b😀\r\n½1 ", max_size=60)
)
def test_normalise_is_stable_and_storable(text):
    once = normalise(text)

    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert not {"\x00", "\r", "\t", "\u202e"} & set(once)
    once.encode("utf-8")


@QUICK
@given(st.text(alphabet=BASIC + EXTENSION))
def test_normalise_never_makes_gsm_text_dearer(text):
    assert measure(normalise(text)).encoding == "GSM-7"
    assert measure(normalise(text)).units <= measure(text).units


def test_zalgo_is_trimmed_quickly():
    started = time.perf_counter()

    assert len(normalise("a" + "\u0301\u0323" * 50_000)) < 12
    assert time.perf_counter() - started < 0.25


def test_body_fits_by_code_points_and_by_utf16_units():
    assert fits("a" * MAX_BODY)
    assert not fits("a" * (MAX_BODY + 1))
    assert fits("😀" * 800)
    assert not fits("😀" * 801)
