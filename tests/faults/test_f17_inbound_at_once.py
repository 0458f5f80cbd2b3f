"""F17: one text of a patient is brought five times at the same moment."""

from __future__ import annotations

from sms_plugin.models import SmsConversation, SmsSuppression, SmsWebhookEvent
from tests.support.outside import wait_until


def test_a_text_that_is_brought_five_times_at_once_is_one_text(stage):
    stage.carrier.faults(duplicate=5)
    phone = stage.patient("p")
    bodies = ["Hello", "Please stop texting me", "Thank you"]

    for body in bodies:
        stage.write(phone, body)
    wait_until(lambda: len(stage.carrier.record()["callbacks"]) >= 5 * len(bodies))

    answers = [call["answer"] for call in stage.carrier.record()["callbacks"]]
    assert answers == [200] * 5 * len(bodies)
    stored = stage.world.messages(purpose="inbound")
    assert sorted(text.body for text in stored) == sorted(bodies)
    assert len(stage.world.rows(SmsWebhookEvent)) == len(bodies)
    assert [row.unread for row in stage.world.rows(SmsConversation)] == [len(bodies)]
    assert len(stage.world.rows(SmsSuppression)) == 1
    stage.check()
