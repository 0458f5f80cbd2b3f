"""What needs a person, and what only deserves an eye, in sentences."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sms_plugin.services import installation, operations, processes, standstills
from sms_plugin.services.concerns import age, concerns
from sms_plugin.services.questions import Question
from sms_plugin.services.queues import Queue
from tests.support.clock import NOON

MINUTE = timedelta(minutes=1)


def process(kind, silence=timedelta(seconds=5), *, alive=True):
    return processes.Process(f"host:1:{kind}", kind, "1", NOON, silence, alive)


WELL = operations.Snapshot(
    at=NOON,
    installation=installation.State(ok=True, word="sending", sentence="It sends."),
    processes=[process("beat"), process("worker")],
    stopped=[],
    paused=[],
    questions=[],
    queues=[],
    open={},
    recent={},
    last_attempt=None,
    webhooks=operations.Webhooks(0, None, 0, 0, {}),
    drifted=[],
    checked_at=None,
    numbers=0,
)


def state(word):
    return installation.State(ok=False, word=word, sentence="Because.")


def hooks(**values):
    return replace(WELL.webhooks, **values)


def queue(minutes, waits_for=None):
    return Queue("Acme", 2, 1, NOON - minutes * MINUTE, waits_for, ())


def question(word, minutes):
    return Question(1, "Acme", word, NOON - minutes * MINUTE, "", "", "")


def said(**changes):
    return [
        (concern.urgent, concern.sentence)
        for concern in concerns(replace(WELL, **changes))
    ]


def test_where_all_is_well_nothing_is_said():
    assert said() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"installation": state("copied")}, "Nothing is sent. Because."),
        ({"installation": state("restored")}, "Nothing is sent. Because."),
        ({"processes": [process("worker")]}, "No beat runs."),
        ({"processes": [process("beat")]}, "No worker runs."),
        (
            {"stopped": [standstills.Stopped(1, "Acme", "It is closed.", NOON)]},
            "Acme stopped sending: It is closed.",
        ),
        ({"open": {"review": 1}}, "1 text needs a decision."),
        ({"open": {"review": 1200}}, "1,200 texts need a decision."),
        ({"queues": [queue(11)]}, "none was ever sent."),
        (
            {"queues": [queue(60)], "last_attempt": NOON - 12 * MINUTE},
            "handed to the gateway for 12 min.",
        ),
        (
            {"webhooks": hooks(waiting=2, oldest=NOON - 11 * MINUTE)},
            "2 webhook events could not be applied for 11 min",
        ),
        (
            {"drifted": [standstills.Drifted(1, "212", "Acme", "Gone.", NOON)]},
            "212 of Acme: Gone.",
        ),
    ],
)
def test_what_does_not_go_away_by_itself_needs_a_person(changes, words):
    [(urgent, sentence)] = said(**changes)

    assert urgent
    assert words in sentence


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"installation": state("asleep")}, "for the moment. Because."),
        (
            {"paused": [standstills.Paused("Account x", "Too fast.", NOON, NOON)]},
            "Account x rests: Too fast.",
        ),
        (
            {"questions": [question("unknown", 11)], "open": {"unknown": 1}},
            "1 text of unknown outcome for up to 11 min",
        ),
        (
            {"webhooks": hooks(refused={"signature": 1, "malformed": 5})},
            "1 webhook request bore a wrong signature",
        ),
        (
            {
                "processes": [
                    *WELL.processes,
                    process("worker", 30 * MINUTE, alive=False),
                ]
            },
            "The worker host:1:worker is silent for 30 min",
        ),
    ],
)
def test_what_goes_away_by_itself_is_only_watched(changes, words):
    [(urgent, sentence)] = said(**changes)

    assert not urgent
    assert words in sentence


@pytest.mark.parametrize(
    "changes",
    [
        {"queues": [queue(9)]},
        {"queues": [queue(60)], "last_attempt": NOON - 9 * MINUTE},
        {"queues": [queue(60, waits_for="off")]},
        {"queues": [Queue("Acme", 2, 0, None, None, ())]},
        {"webhooks": hooks(waiting=1, oldest=NOON - 9 * MINUTE)},
        {"webhooks": hooks(orphans=9, refused={"media_type": 9})},
        {"questions": [question("unknown", 9)], "open": {"unknown": 1}},
        {"open": {"pending": 9, "approved": 9, "accepted": 9}},
    ],
)
def test_daily_business_is_not_worth_a_word(changes):
    assert said(**changes) == []


def test_a_queue_that_waits_for_a_pause_is_not_stuck():
    rest = standstills.Paused("Account x", "Silent.", NOON, NOON)

    assert [urgent for urgent, _ in said(queues=[queue(60)], paused=[rest])] == [False]
    stopped = said(queues=[queue(60)], installation=state("asleep"))
    assert [urgent for urgent, _ in stopped] == [False]


def test_what_needs_a_person_comes_first():
    found = said(
        webhooks=hooks(refused={"signature": 9}),
        open={"review": 1},
        installation=state("asleep"),
    )

    assert [urgent for urgent, _ in found] == [True, False, False]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (89, "89 s"),
        (90, "1 min"),
        (5_399, "89 min"),
        (5_400, "1 h"),
        (172_799, "47 h"),
        (172_800, "2 days"),
    ],
)
def test_ages_are_short(seconds, words):
    assert age(timedelta(seconds=seconds)) == words
