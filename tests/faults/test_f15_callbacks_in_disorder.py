"""F15: callbacks come five times each, in any order, and before our own commit."""

from __future__ import annotations

from collections import Counter

from sms_plugin.models import SmsPhone, SmsWebhookEvent
from tests.support.outside import wait_until

COUNT = 6


def test_callbacks_in_disorder_end_at_the_final_word_and_are_stored_once(stage):
    stage.carrier.faults(duplicate=5, shuffle=True, early=True)
    stage.approved(COUNT)
    failing = stage.world.messages()[0]
    [phone] = stage.world.rows(SmsPhone, id=failing.phone_id)
    landline = {"number": phone.e164, "condition": "landline"}
    stage.carrier.post("/simulator/conditions", landline)

    stage.send()
    wait_until(lambda: len(stage.carrier.record()["callbacks"]) == COUNT * 2 * 5)

    callbacks = stage.carrier.record()["callbacks"]
    assert {callback["answer"] for callback in callbacks} == {200}
    texts = stage.world.messages()
    assert Counter(m.state for m in texts) == {"delivered": COUNT - 1, "undelivered": 1}
    [undelivered] = [m for m in texts if m.id == failing.id]
    assert (undelivered.state, undelivered.error_code) == ("undelivered", 30006)
    assert len(stage.world.rows(SmsWebhookEvent, state="applied")) == COUNT * 2
    stage.check()


def test_callbacks_that_come_much_later_than_the_answer_are_applied(stage):
    stage.carrier.faults(delay=0.5)
    stage.approved(2)

    stage.send()
    assert set(stage.states()) == {"accepted"}
    stage.wait_for("delivered")

    stage.check()
