"""What outcomes of calls say of the account that was called."""

from __future__ import annotations

import pytest

from sms_plugin.gateways.base import Outcome, Verdict
from sms_plugin.gateways.memory import MemoryGateway
from sms_plugin.services.signs import Sign, Tally, sign_of, tally
from tests.gateways.contract import CREDENTIALS

GATEWAY = MemoryGateway(CREDENTIALS)
ACCEPTED = Outcome(1, Verdict.ACCEPTED, sid="SM", http_status=201)
NO_CONNECTION = Outcome(1, Verdict.LATER, detail="cannot be reached")
NO_ANSWER = Outcome(1, Verdict.UNKNOWN)
TOO_FAST = Outcome(1, Verdict.LATER, code=20429, http_status=429)
DROPPED = Outcome(1, Verdict.LATER, detail="lease")
INVALID = Outcome(1, Verdict.REFUSED, code=21211, http_status=400)


def later(code=None, status=429, **more):
    return Outcome(1, Verdict.LATER, code=code, http_status=status, **more)


@pytest.mark.parametrize(
    ("outcome", "sign"),
    [
        (ACCEPTED, Sign.ANSWER),
        (INVALID, Sign.ANSWER),
        (Outcome(1, Verdict.REFUSED, code=20003, http_status=401), Sign.ANSWER),
        (later(20409, 409), Sign.ANSWER),
        (later(21611), Sign.ANSWER),
        (later(14107), Sign.ANSWER),
        (NO_CONNECTION, Sign.SILENCE),
        (NO_ANSWER, Sign.SILENCE),
        (Outcome(1, Verdict.UNKNOWN, http_status=201), Sign.SILENCE),
        (Outcome(1, Verdict.UNKNOWN, code=20500, http_status=500), Sign.SILENCE),
        (Outcome(1, Verdict.REFUSED, code=20503, http_status=503), Sign.SILENCE),
        (TOO_FAST, Sign.SLOWER),
        (later(), Sign.SLOWER),
        (later(63038), Sign.SLOWER),
        (DROPPED, Sign.NOTHING),
        (Outcome(1, Verdict.REFUSED, detail="cannot be encoded"), Sign.NOTHING),
    ],
)
def test_an_outcome_says_something_of_the_account(outcome, sign):
    assert sign_of(outcome, GATEWAY) is sign


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], Tally()),
        ([DROPPED], Tally()),
        ([ACCEPTED, INVALID], Tally(answered=True, heard=True)),
        ([NO_ANSWER, NO_CONNECTION], Tally(silent=2)),
        (
            [NO_ANSWER, ACCEPTED, NO_ANSWER, DROPPED],
            Tally(answered=True, heard=True, silent=1),
        ),
        ([ACCEPTED, NO_ANSWER, ACCEPTED], Tally(answered=True, heard=True)),
    ],
)
def test_calls_without_an_answer_are_counted_since_the_last_that_had_one(
    outcomes, expected
):
    assert tally(outcomes, GATEWAY) == expected


def test_the_longest_pause_that_was_asked_for_counts():
    told = tally([later(retry_after=7), later(retry_after=3), NO_ANSWER], GATEWAY)

    assert (told.pause, told.heard, told.answered, told.silent) == (7, True, False, 1)
    assert told.reason == "The texting service answered HTTP 429."


def test_a_pause_of_which_nobody_said_how_long_is_one_all_the_same():
    assert tally([TOO_FAST], GATEWAY).pause == 0


def test_the_code_decides_how_long_before_the_header():
    told = tally([later(63038, retry_after=1), TOO_FAST], GATEWAY)

    assert told.pause == 3600
    assert told.reason == "The texting account's daily limit has been reached."
