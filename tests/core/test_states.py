from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_plugin.core.states import (
    FINAL,
    RANK,
    TRANSITIONS,
    WORDS,
    State,
    advance,
    came_from,
    sentence,
)

QUICK = settings(max_examples=80, deadline=None, derandomize=True)
NEVER_OUT = [
    State.PENDING,
    State.SKIPPED,
    State.REJECTED,
    State.EXPIRED,
    State.WITHDRAWN,
    State.RECEIVED,
]
HANDED_OVER = [State.APPROVED, State.SUBMITTING, State.UNKNOWN, State.REVIEW]
TWILIO_WORDS = [
    *("queued", "sending", "sent", "failed", "delivered", "undelivered", "accepted"),
    *("scheduled", "read", "partially_delivered", "canceled", "receiving", "new_word"),
]


@pytest.mark.parametrize(
    ("current", "word", "expected"),
    [
        ("accepted", "sent", "sent"),
        ("sent", "delivered", "delivered"),
        ("accepted", "delivered", "delivered"),
        ("delivered", "sent", "delivered"),
        ("delivered", "undelivered", "delivered"),
        ("delivered", "failed", "delivered"),
        ("undelivered", "delivered", "delivered"),
        ("failed", "delivered", "delivered"),
        ("unconfirmed", "delivered", "delivered"),
        ("unconfirmed", "undelivered", "undelivered"),
        ("unconfirmed", "sent", "unconfirmed"),
        ("undelivered", "failed", "undelivered"),
        ("failed", "sent", "failed"),
        ("sent", "queued", "sent"),
        ("sent", "something_new", "sent"),
        ("sent", "partially_delivered", "sent"),
        ("sent", "read", "delivered"),
        ("accepted", "canceled", "failed"),
        ("submitting", "queued", "accepted"),
        ("submitting", "something_new", "accepted"),
        ("unknown", "sent", "sent"),
        ("review", "delivered", "delivered"),
        ("approved", "undelivered", "undelivered"),
        ("sent", " Delivered ", "delivered"),
    ],
)
def test_advance(current, word, expected):
    assert advance(State(current), word) is State(expected)


@pytest.mark.parametrize("state", NEVER_OUT)
@pytest.mark.parametrize("word", TWILIO_WORDS)
def test_what_never_went_out_stays(state, word):
    assert advance(state, word) is state


@pytest.mark.parametrize("state", HANDED_OVER)
@pytest.mark.parametrize("word", TWILIO_WORDS)
def test_any_word_proves_that_the_gateway_has_it(state, word):
    assert advance(state, word) in RANK


words = st.lists(st.sampled_from(TWILIO_WORDS), max_size=12)


@QUICK
@given(st.sampled_from(list(State)), words)
def test_no_order_of_words_ever_goes_back(state, said):
    for word in said:
        after = advance(state, word)
        assert after is state or state not in RANK or RANK[after] > RANK[state]
        state = after


@QUICK
@given(st.permutations(["queued", "sending", "sent", "delivered", "sent", "queued"]))
def test_shuffled_callbacks_end_alike(said):
    state = State.SUBMITTING
    for word in said:
        state = advance(state, word)

    assert state is State.DELIVERED


@QUICK
@given(st.sampled_from(list(State)), st.sampled_from(sorted(WORDS)))
def test_the_guard_of_sql_and_advance_agree(state, word):
    moves = state in came_from(WORDS[word])

    assert (advance(state, word) is WORDS[word]) == (moves or state is WORDS[word])


def test_came_from_names_every_source_of_delivered():
    assert came_from(State.DELIVERED) == {
        *HANDED_OVER,
        State.ACCEPTED,
        State.SENT,
        State.UNCONFIRMED,
        State.UNDELIVERED,
        State.FAILED,
    }
    assert came_from(State.ACCEPTED) == set(HANDED_OVER)
    assert came_from(State.WITHDRAWN) == frozenset()


def test_every_state_is_in_the_table_and_final_ones_wait_for_nothing():
    assert set(TRANSITIONS) == set(State)
    assert not FINAL & {*HANDED_OVER, State.PENDING, State.ACCEPTED, State.SENT}


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_sentence(state):
    assert sentence(state).endswith(".")
    assert sentence(state, "no phone") == f"{sentence(state)} No phone."
    assert sentence(state, "Is it?") == f"{sentence(state)} Is it?"
    assert sentence(state, " ") == sentence(state)
