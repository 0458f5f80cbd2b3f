from __future__ import annotations

import re

import pytest

from sms_plugin.gateways.base import Reaction, Scope
from sms_plugin.gateways.twilio_errors import _TABLE, explain, reaction

R = Reaction


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        (20429, 429, R.RETRY_LATER),
        (20409, 409, R.RETRY_LATER),
        (20500, 500, R.AMBIGUOUS),
        (21610, 400, R.OPT_OUT),
        (21211, 400, R.PERMANENT),
        (30003, None, R.PERMANENT),
        (20003, 401, R.CONFIG),
        (21660, 400, R.CONFIG),
        (30034, None, R.CONFIG),
        (21611, 429, R.THROTTLE),
        (30007, None, R.CONTENT),
        (30008, None, R.UNCONFIRMED),
        (30500, None, R.UNCONFIRMED),
    ],
)
def test_code_of_each_class_has_its_reaction(code, status, expected):
    assert reaction(code, status) is expected


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        (None, 429, R.RETRY_LATER),
        (None, 401, R.CONFIG),
        (None, 403, R.CONFIG),
        (None, 400, R.PERMANENT),
        (None, 404, R.PERMANENT),
        (None, 500, R.AMBIGUOUS),
        (None, 503, R.AMBIGUOUS),
        (None, 302, R.AMBIGUOUS),
        (None, None, R.AMBIGUOUS),
        (99_999, None, R.AMBIGUOUS),
        (99_999, 400, R.PERMANENT),
        (99_999, 502, R.AMBIGUOUS),
        (503, 503, R.AMBIGUOUS),
        (429, 429, R.RETRY_LATER),
    ],
)
def test_unknown_code_falls_to_the_safe_class_of_the_status(code, status, expected):
    assert reaction(code, status) is expected


def test_code_decides_before_the_status():
    """The daily limit of an account comes as 429, and asking at once would hammer."""
    limit = explain(63038, 429)

    assert limit.reaction is R.THROTTLE
    assert limit.pause_seconds >= 3600


@pytest.mark.parametrize(
    ("code", "status", "scope"),
    [
        (20429, 429, Scope.ACCOUNT),
        (None, 429, Scope.ACCOUNT),
        (63038, 429, Scope.ACCOUNT),
        (20003, 401, Scope.ACCOUNT),
        (30002, None, Scope.ACCOUNT),
        (None, 401, Scope.ACCOUNT),
        (21611, 429, Scope.NUMBER),
        (30022, None, Scope.NUMBER),
        (30027, None, Scope.NUMBER),
        (14107, 429, Scope.TEXT),
        (20409, 409, Scope.TEXT),
        (30034, None, Scope.TEXT),
        (None, 503, Scope.TEXT),
    ],
)
def test_code_tells_how_far_it_reaches(code, status, scope):
    assert explain(code, status).scope is scope


@pytest.mark.parametrize("code", sorted(_TABLE))
def test_what_makes_a_number_or_an_account_wait_says_for_how_long(code):
    row = explain(code)

    if row.reaction is R.THROTTLE and row.scope is not Scope.TEXT:
        assert row.pause_seconds >= 60


@pytest.mark.parametrize(
    ("code", "condition"),
    [
        (21211, "invalid"),
        (21614, "landline"),
        (30006, "landline"),
        (30005, "unreachable"),
        (21610, None),
        (20003, None),
        (99_999, None),
    ],
)
def test_code_tells_the_condition_of_the_phone(code, condition):
    assert explain(code).phone_condition == condition


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        (21635, 400, "This phone is a landline and cannot receive texts."),
        (99_999, 400, "The texting service reported error 99999."),
        (503, 503, "The texting service answered HTTP 503."),
        (None, None, "The texting service did not say what went wrong."),
    ],
)
def test_every_error_has_words_for_a_biller(code, status, words):
    assert explain(code, status).sentence == words


@pytest.mark.parametrize("code", sorted(_TABLE))
def test_row_is_one_sentence_in_plain_words(code):
    row = explain(code)

    assert re.fullmatch(r"[A-Z][^.]+\.", row.sentence)
    assert "Twilio" not in row.sentence
    assert (row.pause_seconds == 0) or row.reaction is R.THROTTLE
    assert code > 599, "an HTTP status is no code"
