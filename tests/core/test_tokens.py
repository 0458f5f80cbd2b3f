from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_plugin.core.tokens import (
    TOKEN_PATTERN,
    body_hash,
    hash_token,
    keyed_hash,
    new_token,
)

QUICK = settings(max_examples=80, deadline=None, derandomize=True)
KEY = b"k" * 32


@QUICK
@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_tokens_are_url_safe_and_as_distinct_as_their_bytes(one, other):
    assert TOKEN_PATTERN.fullmatch(new_token(one))
    assert (new_token(one) == new_token(other)) == (one == other)


def test_all_bits_reach_the_token():
    assert new_token(b"\x00" * 16) == "0" * 22
    assert new_token(b"\xff" * 16) == "7n42DGM5Tflk9n8mt7Fhc7"


@pytest.mark.parametrize("size", [0, 15, 17])
def test_a_token_needs_sixteen_bytes(size):
    with pytest.raises(ValueError, match="16"):
        new_token(b"x" * size)


@pytest.mark.parametrize("forged", ["", "a" * 21, "a" * 23, "../" + "a" * 19, "é" * 22])
def test_other_strings_do_not_look_like_tokens(forged):
    assert not TOKEN_PATTERN.fullmatch(forged)


def test_token_hash_is_plain_sha256_and_takes_anything():
    assert hash_token("abc") == hashlib.sha256(b"abc").hexdigest()
    assert len(hash_token("\ud800")) == 64


def test_keyed_hash_is_hmac_of_length_prefixed_parts():
    expected = hmac.new(KEY, b"1:7,12:+14155550132,", "sha256").hexdigest()

    assert keyed_hash(KEY, "7", "+14155550132") == expected


def test_keyed_hash_refuses_an_empty_key():
    with pytest.raises(ValueError, match="key"):
        keyed_hash(b"", "a")


PARTS = st.lists(st.text(alphabet="a1:,é", max_size=4), max_size=4)


@QUICK
@given(PARTS, PARTS)
def test_different_parts_never_join_to_the_same_hash(one, other):
    assert (body_hash(*one) == body_hash(*other)) == (one == other)
    assert (keyed_hash(KEY, *one) == keyed_hash(KEY, *other)) == (one == other)
