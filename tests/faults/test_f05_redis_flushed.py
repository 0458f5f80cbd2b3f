"""F5: Redis forgets everything, again and again, while hundreds of texts are queued."""

from __future__ import annotations

from tests.support.invariants import TAKEN

TEXTS = 500


def test_all_are_sent_once_and_the_pages_go_on(stage):
    # What counts is the sending; callbacks would only take the machine's time.
    stage.carrier.faults(drop=1.0)
    job = stage.approved(TEXTS, patients=100)
    desk = stage.client("biller")
    redis = stage.valkey.client()
    stage.world.plugin.wake()

    with stage.worker(), stage.worker(), stage.beat():
        for sent in (1, 100, 200, 300):
            stage.wait_for_accepted(sent)
            redis.flushall()
            assert desk.get(f"/sms/jobs/{job}").status_code == 200
        stage.wait_for(*TAKEN)

    redis.close()
    assert stage.accepted() == TEXTS
    stage.check()
