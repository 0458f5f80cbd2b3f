"""F28: a number is given back, or assigned, once, whatever becomes of the answer."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from sms_plugin.models import SmsAudit, SmsNumber
from sms_plugin.worker import checking
from tests.support.children import forked
from tests.support.outside import wait_until
from tests.web.pages import words

MORE = "+14155550177"
LOST = ["reset", "error", "truncated"]
LATER = timedelta(minutes=3)


@pytest.fixture
def spare(stage):
    """A number that the account owns beside the practice's; no practice has it."""
    stage.world.gateway().buy_number(
        MORE,
        sms_url="https://old.example.com/sms",
        sms_fallback_url="",
        friendly_name="Old line",
    )
    return Spare(stage)


class Spare:
    """A number that is assigned and given back, and what is known of it after that."""

    def __init__(self, stage):
        self.stage, self.world = stage, stage.world
        self.support, self.admin = stage.client("support"), stage.client("admin")
        self.practice_id = self.world.rows(SmsNumber)[0].practice_id

    def assign(self):
        """Support assigns it; gives what the page then says."""
        form = {
            "number": MORE,
            "practice": self.practice_id,
            "goes_to": "old.example.com",
            "agreed": "old.example.com",
        }
        return words(
            self.support.post(
                "/sms/unassigned/assign", data=form, follow_redirects=True
            )
        )

    def give_back(self):
        """The admin gives it back; gives what the page then says."""
        [row] = self.world.rows(SmsNumber, e164=MORE)
        return words(
            self.admin.post(
                f"/sms/numbers/release/{row.id}",
                data={"digits": MORE[-4:]},
                follow_redirects=True,
            )
        )

    def night(self):
        """A day later the numbers are compared with the gateway's record."""
        self.stage.clock.move(days=1)
        checking.check_numbers(self.world.app)

    def rows(self):
        return self.world.rows(SmsNumber, e164=MORE)

    def states(self):
        return [row.state for row in self.rows()]

    def at_gateway(self):
        return self.world.gateway().owned_numbers(e164=MORE)

    def told(self, deed):
        return len(self.world.rows(SmsAudit, action=deed))

    def check_is_ours(self):
        """The practice has it once, on both sides, and it was told of once."""
        [row], [held] = self.rows(), self.at_gateway()
        assert (row.state, row.sid) == ("owned", held.sid)
        assert held.sms_url.startswith(
            self.world.plugin.settings.values["SMS_PUBLIC_URL"]
        )
        assert self.told("number.adopt") == 1

    def check_is_gone(self):
        """Nobody has it any more, and it was told of once."""
        assert self.states() == ["released"]
        assert self.at_gateway() == []
        assert self.told("number.release") == 1

    def lose(self, monkeypatch, call, kind, *, then):
        """The answer of one kind of call is lost; then all is well, or nothing is."""
        gateway, carrier = self.world.gateway(), self.stage.carrier
        real = getattr(gateway, call)
        fault = {"kind": kind, "request": "read"}

        def spoilt(*args, **more):
            carrier.faults(fault | ({"status": 500} if kind == "error" else {}))
            try:
                return real(*args, **more)
            finally:
                if then == "well":
                    carrier.faults()

        monkeypatch.setattr(gateway, call, spoilt)

    def stop(self, monkeypatch, call, moment):
        """Whoever makes one kind of call stands still before or after it, for ever."""
        gateway = self.world.gateway()
        real = getattr(gateway, call)

        def still(*args, **more):
            if moment == "after":
                real(*args, **more)
            threading.Event().wait()

        monkeypatch.setattr(gateway, call, still)

    def dies(self, monkeypatch, deed, reached):
        """A portal is killed while it does something, once that much is done."""
        self.world.let_go()
        with forked(deed, self.stage.log("web")) as web:
            wait_until(reached)
            web.kill()
        monkeypatch.undo()

    def comes_here(self):
        [held] = self.at_gateway()
        return "old.example.com" not in held.sms_url


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("then", ["well", "away"])
def test_an_assignment_whose_answer_is_lost_ends_with_one_row(
    spare, monkeypatch, kind, then
):
    spare.lose(monkeypatch, "configure_number", kind, then=then)
    said = spare.assign()
    monkeypatch.undo()
    spare.stage.carrier.faults()
    if then == "well":
        assert "is a number of" in said
    else:
        assert "safely try again" in said
        assert spare.states() == ["adopting"]
        spare.stage.clock.move(seconds=LATER.total_seconds())
        assert "is a number of" in spare.assign()

    spare.check_is_ours()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("end", ["click", "night"])
def test_a_portal_that_dies_while_it_assigns_leaves_one_row(
    spare, monkeypatch, moment, end
):
    spare.stop(monkeypatch, "configure_number", moment)
    spare.dies(
        monkeypatch,
        spare.assign,
        lambda: (
            spare.states() == ["adopting"] and spare.comes_here() is (moment == "after")
        ),
    )
    assert spare.states() == ["adopting"]

    if end == "night":
        spare.night()
        assert spare.states() == (["owned"] if moment == "after" else [])
    else:
        spare.stage.clock.move(seconds=LATER.total_seconds())
    if spare.states() != ["owned"]:
        assert "is a number of" in spare.assign()

    spare.check_is_ours()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("end", ["click", "night"])
def test_a_portal_that_dies_while_it_gives_back_leaves_one_truth(
    spare, monkeypatch, moment, end
):
    assert "is a number of" in spare.assign()
    spare.stop(monkeypatch, "release_number", moment)
    spare.dies(
        monkeypatch,
        spare.give_back,
        lambda: (
            spare.states() == ["releasing"]
            and len(spare.at_gateway()) == (moment == "before")
        ),
    )
    assert spare.states() == ["releasing"]

    if end == "night":
        spare.night()
        assert spare.states() == ["released" if moment == "after" else "owned"]
    if spare.states() != ["released"]:
        assert "was given back" in spare.give_back()

    spare.check_is_gone()


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("then", ["well", "away"])
def test_a_release_whose_answer_is_lost_ends_for_good(spare, monkeypatch, kind, then):
    assert "is a number of" in spare.assign()
    spare.lose(monkeypatch, "release_number", kind, then=then)
    spare.give_back()
    monkeypatch.undo()
    spare.stage.carrier.faults()
    if spare.states() != ["released"]:
        assert "was given back" in spare.give_back()

    spare.check_is_gone()
