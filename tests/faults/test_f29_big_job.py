"""F29: a job of 100,000 rows, some of which nobody could text."""

from __future__ import annotations

import os
import resource
from dataclasses import replace

import sqlalchemy as sa

from sms_plugin.models import SmsJob, SmsMessage
from sms_plugin.web.desk import ROWS as SHOWN
from tests.support.statements import counted
from tests.web import pages

ROWS, PATIENTS = 100_000, 90
# Rows in the middle that a file with a slip in it would give.
UNKNOWN_PATIENT, UNKNOWN_BILL, ODD_KIND, PROBLEM = range(50_000, 50_004)
WARM = 10
# A batch is a thousand rows, of which each takes a kilobyte or two.
ROOM = 16 * 1024 * 1024


def big_job(world) -> int:
    """A job handed over, not prepared: every patient has many bills."""
    for number in range(PATIENTS):
        world.patient(f"p{number}")
    rows = []
    for number in range(1, ROWS + 1):
        patient, bill = f"p{number % PATIENTS}", f"b{number}"
        world.portal.add_bill(bill, patient)
        rows.append((patient, bill))
    rows[UNKNOWN_PATIENT - 1] = ("nobody", f"b{UNKNOWN_PATIENT}")
    rows[UNKNOWN_BILL - 1] = ("p1", "no such bill")
    world.portal.add_job("big", rows)
    items = world.portal.jobs["acme", "big"]
    items[ODD_KIND - 1] = replace(items[ODD_KIND - 1], kind="postcard")
    items[PROBLEM - 1] = replace(items[PROBLEM - 1], problem="The amount is no number.")
    return world.submit("big")


def grown(world, job_id: int) -> int:
    """Prepare a job in a process of its own; bytes it grew by after some batches."""
    reader, writer = os.pipe()
    if not (child := os.fork()):
        try:
            batches, warm = 0, 0
            while world.prepare_batch(job_id, batch=1000):
                batches += 1
                if batches == WARM:
                    warm = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - warm
            os.write(writer, str(size * 1024).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        size = said.read()
    os.waitpid(child, 0)
    assert size, "the process that prepared the job died"
    return int(size)


def figures(world, job_id: int) -> tuple[dict[str, int], list[str], int]:
    """Texts by state, why rows became none in their order, and the last text's id."""
    ours = SmsMessage.job_id == job_id
    states = sa.select(SmsMessage.state, sa.func.count()).where(ours)
    reasons = sa.select(SmsMessage.reason).where(ours, SmsMessage.state == "skipped")
    with world.session() as session:
        return (
            dict(session.execute(states.group_by(SmsMessage.state)).all()),
            list(session.scalars(reasons.order_by(SmsMessage.id))),
            session.scalar(sa.select(sa.func.max(SmsMessage.id)).where(ours)),
        )


def test_good_rows_are_kept_and_bad_ones_told_in_bounded_memory(world, login):
    world.enable()
    job_id = big_job(world)
    world.let_go()

    assert grown(world, job_id) < ROOM

    [job] = world.rows(SmsJob)
    assert job.prepared_at is not None
    found, bad, last = figures(world, job_id)
    assert found == {"pending": ROWS - len(bad), "skipped": len(bad)}
    assert bad == ["unknown_patient", "invalid", "invalid", "invalid"]

    biller = login("biller")
    asked = []
    for after, rows in ((0, SHOWN), (last - 20, 20)):
        with counted(world) as statements:
            page = biller.get(f"/sms/jobs/{job_id}?after={after}")
        assert page.status_code == 200
        assert len(pages.soup(page).select("li.sms-text")) == rows
        assert f"{ROWS - len(bad):,}" in pages.words(page)
        asked.append(len(statements))
    assert asked[1] <= asked[0], "the last page asks for more than the first"
