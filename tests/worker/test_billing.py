"""Handing closed days to the host: each once, and again where it did not take them."""

from __future__ import annotations

import logging

import pytest

from sms_plugin.models import SmsUsage
from sms_plugin.worker import billing
from tests.support.marks import on_sqlite

SEGMENT = 12_000


class Ledger:
    """What the host took, and the practices whose records it cannot take just now."""

    def __init__(self) -> None:
        self.taken: list[object] = []
        self.away: set[str] = set()

    def record_usage(self, practice_id, usage):
        """See BillsUsage."""
        assert practice_id == usage.practice_id
        if practice_id in self.away:
            raise RuntimeError("the invoice of Pat Example is locked")
        self.taken.append(usage)


@pytest.fixture
def ledger(world, monkeypatch):
    """The host bills usage."""
    found = Ledger()
    monkeypatch.setattr(world.portal, "record_usage", found.record_usage, raising=False)
    return found


def use(world, clock):
    """Two practices use something, and the day ends."""
    world.enable()
    world.enable("birch", "+12125550199")
    world.sent_job(2)
    world.sent_job(1, job_ref="theirs", practice="birch")
    clock.move(days=1)
    billing.close_days(world.app)


def test_the_host_is_told_of_every_closed_day_once(world, clock, ledger):
    use(world, clock)

    billing.report_usage(world.app)
    billing.report_usage(world.app)

    assert [
        (u.key, u.kind, u.texts, u.segments, u.amount_micros, u.currency)
        for u in ledger.taken
    ] == [
        ("acme/2026-11-25/invoice", "invoice", 2, 2, 2 * SEGMENT, "USD"),
        ("birch/2026-11-25/invoice", "invoice", 1, 1, SEGMENT, "USD"),
    ]
    assert all(row.reported_at for row in world.rows(SmsUsage))


def test_what_the_host_does_not_take_is_told_again_and_keeps_nobody_else(
    world, clock, ledger, caplog
):
    ledger.away = {"acme"}
    use(world, clock)

    with caplog.at_level(logging.ERROR):
        billing.report_usage(world.app)
    assert [u.practice_id for u in ledger.taken] == ["birch"]
    assert "RuntimeError" in caplog.text
    assert "Pat Example" not in caplog.text

    ledger.away = set()
    billing.report_usage(world.app)
    assert [u.practice_id for u in ledger.taken] == ["birch", "acme"]


@on_sqlite
def test_a_host_that_bills_nothing_has_the_rows_all_the_same(world, clock):
    use(world, clock)

    billing.report_usage(world.app)

    rows = world.rows(SmsUsage, kind="invoice")
    assert [row.texts for row in rows] == [2, 1]
    assert [row.reported_at for row in rows] == [None, None]


@on_sqlite
def test_the_host_may_commit_on_its_own(world, clock, ledger, monkeypatch):
    def record(practice_id, usage):
        ledger.record_usage(practice_id, usage)
        world.app.appbuilder.session.commit()

    monkeypatch.setattr(world.portal, "record_usage", record)
    use(world, clock)

    billing.report_usage(world.app)
    billing.report_usage(world.app)

    assert len(ledger.taken) == 2
