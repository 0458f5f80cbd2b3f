"""F14: the provider refuses one account's credentials; the other account is fine."""

from __future__ import annotations

from collections import Counter

from sms_plugin.services import practices
from tests.support import host
from tests.support.world import STAFF

TEXTS = 15


def test_the_account_that_is_refused_stops_and_the_other_does_not_notice(still):
    still.approved(TEXTS)
    still.approved(TEXTS, "birch")
    with still.reachable():
        still.carrier.faults.add("credentials", account_sid=host.ACCOUNT)

        still.world.drain()

        assert still.states(still.birch) == {"accepted"}, "in the very first drain"
        assert still.stopped(still.birch) is None
        words = "The texting account refused our credentials."
        assert still.stopped(still.acme) == words
        tried = len(still.tried()) - TEXTS
        assert tried <= 8
        still.pass_time(60, every=10)
        assert len(still.tried()) - TEXTS == tried

        still.carrier.faults.clear()
        resume(still)
        still.world.drain()

    assert Counter(still.accepted()) == Counter(set(still.accepted()))
    assert len(still.accepted()) == 2 * TEXTS
    assert still.states(still.acme) == {"accepted"}


def test_a_probe_that_is_refused_stops_the_practices_of_the_account_in_words(still):
    still.approved(TEXTS)
    still.approved(TEXTS, "birch")
    still.world.drain()
    assert still.account().pause == "unreachable"
    with still.reachable():
        refuses = {"request": "any", "account_sid": host.ACCOUNT}
        still.carrier.faults.add("credentials", **refuses)

        still.pass_time(30, every=5)

        assert still.account().pause is None
        assert "refused our credentials" in still.stopped(still.acme)
        assert still.states(still.birch) == {"accepted"}
        assert still.states(still.acme) == {"approved"}


def resume(still):
    """Staff mended the credentials."""
    with still.world.session() as session:
        practice = practices.by_ref(session, "acme")
        practices.resume(session, practice, actor=STAFF, now=still.clock())
