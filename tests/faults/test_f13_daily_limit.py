"""F13: the account's daily limit, which comes as HTTP 429 and means much more."""

from __future__ import annotations

from datetime import timedelta

HOURS = 5


def test_an_account_at_its_daily_limit_is_asked_twice_an_hour_at_most(still):
    still.approved(20)
    began = still.clock()
    with still.reachable():
        still.carrier.faults.add("throttle", code=63038, retry_after=1)
        still.world.drain()
        first = len(still.calls())
        account = still.account()
        still.pass_time(HOURS * 3600, every=600)
        later = still.calls()[first:]

        assert account.pause == "throttled"
        assert account.paused_until >= began + timedelta(hours=1)
        assert "daily limit" in account.pause_reason
        assert first <= 8
        for hour in range(HOURS):
            begins = began + timedelta(hours=hour, seconds=1)
            inside = [at for at in later if begins <= at < begins + timedelta(hours=1)]
            assert len(inside) <= 2
        assert still.states(still.acme) == {"approved"}

        still.carrier.faults.clear()
        still.pass_time(3600, every=600)
        assert still.states(still.acme) == {"accepted"}
        assert len(still.accepted()) == len(set(still.accepted())) == 20
