"""F18: for ten minutes no text of a patient is brought; among them is a STOP."""

from __future__ import annotations

from sms_plugin.models import SmsPhone, SmsSuppression
from tests.support.outside import wait_until

COUNT = 12


def test_all_texts_are_found_and_a_stop_holds_before_the_next_text(stage):
    stage.tick()  # the last poll before the webhooks fail
    job = stage.approved(2)
    stopping, other = stage.world.messages(job_id=job)
    [phone] = stage.world.rows(SmsPhone, id=stopping.phone_id)
    stage.carrier.faults(drop_inbound=1.0)
    for minute in range(10):
        # In words that the carrier does not know: else it would refuse the text itself.
        body = "Please stop texting me" if minute == 4 else f"text {minute}"
        stage.write(phone.e164, body)
        stage.clock.move(minutes=1)
    assert stage.world.messages(purpose="inbound") == []

    stage.tick()
    stage.send()
    stage.wait_for("withdrawn", "delivered")

    stored = stage.world.messages(purpose="inbound")
    wrote = stage.carrier.record()["inbound"]
    assert [text.sid for text in stored] == [text["sid"] for text in wrote]
    assert [row.source for row in stage.world.rows(SmsSuppression)] == ["keyword"]
    assert stage.world.messages(id=stopping.id)[0].state == "withdrawn"
    assert stage.world.messages(id=other.id)[0].state == "delivered"
    stage.check()


def test_webhooks_that_come_after_the_poll_bring_nothing_twice(stage):
    phone = stage.patient("p")
    stage.carrier.faults(duplicate=2, delay=1.5)
    for number in range(COUNT):
        stage.write(phone, f"text {number}")

    stage.tick()
    assert len(stage.world.messages(purpose="inbound")) == COUNT
    wait_until(lambda: len(stage.carrier.record()["callbacks"]) == COUNT * 2)

    assert len(stage.world.messages(purpose="inbound")) == COUNT
    answers = {call["answer"] for call in stage.carrier.record()["callbacks"]}
    assert answers == {200}
    stage.check()
