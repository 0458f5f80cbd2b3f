"""Every final state, with every reason it can have, is said in words for a biller."""

from __future__ import annotations

import re

import pytest

from sms_plugin.core.states import FINAL, State, sentence
from sms_plugin.gateways.base import Reaction
from sms_plugin.gateways.twilio_errors import _TABLE, explain
from sms_plugin.models import SmsMessage, SmsPractice
from sms_plugin.services.verdicts import REASONS
from sms_plugin.web.phrases import REFUSALS, Phrases
from tests.support.marks import on_sqlite

# What our code stores as a text's reason, beside REASONS and the gateway's reactions.
OTHERS = ("left", "not_found")
CODE_NAME = re.compile(r"\b[a-z]+_[a-z_]+\b|\bNone\b|\{")
STORED = (*REASONS, *(reaction.value for reaction in Reaction), *OTHERS)


def reads_well(said):
    """Whether this is one or more whole sentences without a name from the code."""
    return (
        bool(said.strip())
        and said[0].isupper()
        and said.endswith(".")
        and ".." not in said
        and not CODE_NAME.search(said)
    )


@pytest.mark.parametrize("code", sorted(_TABLE))
def test_every_error_of_the_gateway_is_a_sentence(code):
    said = explain(code).sentence

    assert reads_well(said)
    assert str(code) not in said
    assert reads_well(sentence(State.UNDELIVERED, said))


@pytest.mark.parametrize(
    ("code", "status"), [(99_999, None), (None, 503), (None, None)]
)
def test_what_the_gateway_has_no_words_for_is_a_sentence_too(code, status):
    assert reads_well(explain(code, status).sentence)


@pytest.mark.parametrize("code", [30036, 30450, 30610])
def test_a_text_that_was_not_sent_may_be_sent_again(code):
    assert "send it again" in explain(code).sentence


@pytest.mark.parametrize("reason", [None, *REASONS.values(), *REFUSALS.values()])
@pytest.mark.parametrize("state", sorted(FINAL))
def test_every_final_state_with_every_reason_is_a_sentence(state, reason):
    assert reads_well(sentence(state, reason))


@on_sqlite
def test_pages_show_no_reason_as_the_code_stores_it(world):
    world.enable()
    [practice] = world.rows(SmsPractice, practice_ref="acme")
    say = Phrases(practice, world.clock())

    with world.app.app_context():
        for state in State:
            for reason in STORED:
                text = SmsMessage(id=1, state=state.value, reason=reason)
                said = say.standing(text)
                assert reads_well(said), (state, reason, said)


@on_sqlite
def test_a_text_that_somebody_left_is_not_said_to_be_at_the_carrier(world):
    world.enable()
    [practice] = world.rows(SmsPractice, practice_ref="acme")
    text = SmsMessage(id=1, state="unconfirmed", reason="left")

    said = Phrases(practice, world.clock()).standing(text)

    assert said == "We could not find out whether it went out; it was left as it is."
