"""Status words in any order, twice, early, or of somebody else's text."""

from __future__ import annotations

from itertools import permutations

import pytest

from sms_plugin.gateways.base import Outcome, Verdict
from sms_plugin.models import (
    SmsAccount,
    SmsMessage,
    SmsPhone,
    SmsPractice,
    SmsSuppression,
    SmsTask,
    SmsWebhookEvent,
)
from sms_plugin.services import receiving
from tests.support.marks import on_sqlite

SID = "SM" + "b" * 32
ORDERS = [
    *permutations(("sent", "delivered", "undelivered")),
    *permutations(("sent", "delivered", "failed")),
    *permutations(("queued", "sent", "delivered")),
]


def the_text(world):
    return world.messages(purpose="job")[0]


def unanswered(world):
    """A text whose call got no answer."""
    world.enable()
    world.approve(world.job(1))
    world.gateway().script.append(Outcome(0, Verdict.UNKNOWN))
    world.drain()
    return the_text(world)


def test_words_in_any_order_and_twice_end_at_delivered(world):
    world.enable()
    texts = world.sent_job(len(ORDERS))
    for text, words in zip(texts, ORDERS, strict=True):
        for word in [*words, *words]:
            code = 30008 if word in {"undelivered", "failed"} else None
            assert world.report(text, word, code=code).status_code == 200

    after = world.messages(purpose="job")
    assert {m.state for m in after} == {"delivered"}
    for message, words in zip(after, ORDERS, strict=True):
        failed = {"undelivered", "failed"} & set(words)
        early = failed and words.index(*failed) < words.index("delivered")
        assert message.error_code == (30008 if early else None)
        assert message.reason is None
    assert len(world.rows(SmsWebhookEvent)) == 3 * len(ORDERS)


@on_sqlite
def test_a_late_sent_does_not_undo_a_failure_and_the_code_is_kept(world):
    world.enable()
    [text] = world.sent_job()
    world.report(text, "undelivered", code=30005)
    world.report(text, "sent")

    message = the_text(world)
    assert (message.state, message.error_code) == ("undelivered", 30005)
    assert message.reason == "permanent"


def test_a_word_that_comes_before_our_own_commit_brings_the_id(world):
    text = unanswered(world)

    world.report(text, "sent", sid=SID)

    assert (the_text(world).state, the_text(world).sid) == ("sent", SID)


@on_sqlite
@pytest.mark.parametrize("state", ["review", "failed", "withdrawn", "rejected"])
def test_an_early_word_settles_whatever_was_decided_meanwhile(world, state):
    text = unanswered(world)
    world.alter(SmsMessage, {"state": state}, purpose="job")

    world.report(text, "delivered", sid=SID)

    assert (the_text(world).state, the_text(world).sid) == ("delivered", SID)


@on_sqlite
def test_the_question_to_a_person_ends_when_the_word_comes(world):
    text = unanswered(world)
    world.alter(SmsMessage, {"state": "review"}, purpose="job")
    with world.session() as session:
        session.add(
            SmsTask(
                practice_id=text.practice_id,
                kind="unknown_outcome",
                message_id=text.id,
                created_at=world.clock(),
            )
        )

    world.report(text, "sent", sid=SID)

    assert [task.done_at for task in world.rows(SmsTask)] == [world.clock()]


@on_sqlite
def test_a_word_for_an_unknown_id_is_kept_and_changes_nothing(world):
    world.enable()
    [text] = world.sent_job()
    params = {
        "AccountSid": "AC" + "1" * 32,
        "MessageSid": SID,
        "MessageStatus": "failed",
    }

    assert world.hook("/sms/hooks/status/unknown", params).status_code == 200

    assert world.rows(SmsWebhookEvent)[0].state == "orphan"
    assert the_text(world).state == text.state


@on_sqlite
def test_a_word_of_another_account_does_not_touch_our_text(world):
    world.enable()
    [text] = world.sent_job()
    with world.session() as session:
        [ours] = session.query(SmsAccount).all()
        theirs = SmsAccount(
            gateway="memory",
            account_sid="AC" + "9" * 32,
            secrets=ours.secrets,
            created_at=world.clock(),
        )
        session.add(theirs)
        session.flush()
        receipt = receiving.receive(
            session,
            theirs,
            "status",
            {"MessageSid": text.sid, "MessageStatus": "failed"},
            gateway=world.plugin.gateway_for(ours),
            vault=world.plugin.vault,
            now=world.clock(),
        )

    assert receipt is receiving.Receipt.ORPHAN
    assert the_text(world).state == "accepted"


@on_sqlite
def test_a_word_about_an_older_attempt_under_another_id_changes_nothing(world):
    world.enable()
    [text] = world.sent_job()

    world.report(text, "failed", sid=SID, code=30008)

    assert (the_text(world).state, the_text(world).sid) == ("accepted", text.sid)


@on_sqlite
def test_a_word_that_the_carrier_blocks_the_phone_is_a_suppression(world):
    world.enable()
    [text] = world.sent_job()

    world.report(text, "failed", code=21610)

    assert [row.source for row in world.rows(SmsSuppression)] == ["gateway"]


@on_sqlite
def test_a_number_that_the_carriers_refuse_stops_the_practice(world):
    """Carriers say so after the gateway took the text (30034 and its like)."""
    world.enable()
    text, _ = world.sent_job(2)

    world.report(text, "undelivered", code=30034)

    [practice] = world.rows(SmsPractice, practice_ref="acme")
    assert practice.stopped == "The practice's number is not registered for texting."


@on_sqlite
@pytest.mark.parametrize("proof", ["delivered", "inbound"])
def test_a_phone_silent_twice_is_left_alone_until_it_shows_life(world, proof):
    world.enable()
    [text] = world.sent_job()
    patient = text.patient_ref
    world.report(text, "undelivered", code=30003)
    assert world.rows(SmsPhone)[0].condition == "ok", "it may be switched off"
    world.reply(patient, "Are you there?")
    world.drain()
    [reply] = world.messages(purpose="reply")
    world.report(reply, "undelivered", code=30005)
    [phone] = world.rows(SmsPhone)
    assert phone.condition == "unreachable"

    if proof == "delivered":
        world.report(reply, "delivered")
    else:
        world.receive(phone.e164, "I was on a plane")

    assert world.rows(SmsPhone)[0].condition == "ok"


FINAL_WORDS = ("delivered", "undelivered", "failed")


@pytest.mark.parametrize("first", FINAL_WORDS)
@pytest.mark.parametrize("second", FINAL_WORDS)
def test_a_second_final_word_is_kept_and_flagged_and_changes_nothing(
    world, first, second, caplog
):
    world.enable()
    [text] = world.sent_job()
    codes = {"delivered": None, "undelivered": 30003, "failed": 30008}
    world.report(text, first, code=codes[first])
    before = the_text(world)

    world.report(text, second, code=codes[second])

    after = the_text(world)
    events = [row.state for row in world.rows(SmsWebhookEvent)]
    if second == "delivered":
        assert (after.state, after.error_code) == ("delivered", codes[first])
    else:
        assert (after.state, after.error_code, after.reason) == (
            before.state,
            before.error_code,
            before.reason,
        )
    if second == first:
        assert events == ["applied"], "the same event again"
    else:
        flagged = second != "delivered"
        assert events == ["applied", "conflict" if flagged else "applied"]
        assert ("contradicted" in caplog.text) == flagged
        assert str(codes[second]) in world.rows(SmsWebhookEvent)[1].payload or (
            second == "delivered"
        )


@on_sqlite
def test_a_late_word_that_is_not_final_is_no_contradiction(world):
    world.enable()
    [text] = world.sent_job()

    for word in ("delivered", "sent", "queued"):
        world.report(text, word)

    assert {row.state for row in world.rows(SmsWebhookEvent)} == {"applied"}


@on_sqlite
def test_a_code_that_comes_after_its_word_is_kept_and_learnt(world):
    world.enable()
    [text] = world.sent_job()
    world.report(text, "undelivered")

    world.report(text, "undelivered", code=30006)

    message = the_text(world)
    assert (message.error_code, message.reason) == (30006, "permanent")
    assert world.rows(SmsPhone)[0].condition == "landline"


@on_sqlite
def test_a_failure_that_is_told_again_is_not_learnt_again(world):
    """Else a late copy would stop a practice that was just resumed."""
    world.enable()
    [text] = world.sent_job()
    world.report(text, "undelivered", code=30034)
    world.alter(SmsPractice, {"stopped": None})

    world.report(text, "failed", code=30034)

    assert world.rows(SmsPractice, practice_ref="acme")[0].stopped is None


@on_sqlite
@pytest.mark.parametrize("decision", ["approved", "unconfirmed"])
def test_an_id_that_comes_after_a_person_decided_wins(world, decision):
    text = unanswered(world)
    world.alter(SmsMessage, {"state": decision, "reason": "left"}, purpose="job")

    world.report(text, "sent", sid=SID)
    world.drain()

    message = the_text(world)
    assert message.sid == SID
    assert len(world.gateway().sent) == 1, "it is not sent again"
    world.report(text, "delivered", sid=SID)
    assert the_text(world).state == "delivered"


@on_sqlite
def test_an_id_under_which_the_gateway_has_the_text_twice_is_told(world, caplog):
    world.enable()
    [text] = world.sent_job()

    world.report(text, "delivered", sid=SID)

    assert f"text {text.id}: the gateway has it twice" in caplog.text
