"""F7: the provider takes the connection and never answers."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from sms_plugin.simulator import Asks
from sms_plugin.worker.tasks import sender_of
from sms_plugin.worker.throttle import START
from tests.support import host

TEXTS = 20


@pytest.fixture(autouse=True)
def impatient(still, monkeypatch):
    """Calls end sooner than in life."""
    with still.world.app.app_context():
        monkeypatch.setattr(sender_of(still.world.app), "_deadline", 0.4)


def test_a_provider_that_hangs_gets_each_text_once_and_holds_nobody_up(still):
    still.approved(TEXTS)
    still.approved(TEXTS, "birch")
    with still.reachable():
        hangs = {"request": Asks.ANY, "account_sid": host.ACCOUNT}
        still.carrier.faults.add("hang", **hangs)

        still.world.drain()

        assert still.states(still.birch) == {"accepted"}
        tried = [to for to in still.tried() if to not in still.accepted()]
        assert len(tried) == START
        states = [m.state for m in still.world.messages(practice_id=still.acme)]
        assert Counter(states) == {"unknown": START, "approved": TEXTS - START}
        assert still.account().pause == "unreachable"

        still.carrier.faults.clear()
        still.clock.now = still.account().paused_until - timedelta(seconds=1)
        still.pass_time(10, every=1)

    accepted = Counter(still.accepted())
    assert max(Counter(still.tried()).values()) == 1
    assert not accepted.keys() & set(tried), "what may have gone out was sent again"
    assert len(accepted) == 2 * TEXTS - START
    assert still.states(still.acme) == {"unknown", "accepted"}
