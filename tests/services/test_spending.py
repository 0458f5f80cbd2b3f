"""The monthly limit: what it holds, what it lets go, and when held texts go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from sms_plugin.errors import InvalidError
from sms_plugin.gateways.base import Outcome, Verdict
from sms_plugin.models import SmsAudit, SmsJob, SmsNumber, SmsPhone, SmsPractice
from sms_plugin.services import approvals, closing, sending, spending, usage
from tests.support.marks import on_postgresql, on_sqlite
from tests.support.parallel import at_once
from tests.support.world import STAFF

SEGMENT = 12_000
"""What a text of these tests costs."""
USD = 1_000_000
DECEMBER = datetime(2026, 12, 1, 5, 0, tzinfo=UTC)


@pytest.fixture
def acme(world):
    """The practice, which may text; what a segment costs is known."""
    practice_id = world.enable()
    assert spending.prices.segment_micros(world.plugin.settings) == SEGMENT
    return practice_id


def limit(world, micros, exempt=spending.USUALLY_EXEMPT, practice="acme"):
    """Set the practice's limit, as its admin does."""
    with world.session() as session:
        row = session.scalars(
            sa.select(SmsPractice).filter_by(practice_ref=practice)
        ).one()
        spending.save_limit(
            session,
            row,
            limit_micros=micros,
            exempt=exempt,
            actor=STAFF,
            now=world.clock(),
        )


def spent(world):
    """What the practice has used this month."""
    with world.session() as session:
        practice = session.scalars(
            sa.select(SmsPractice).filter_by(practice_ref="acme")
        ).one()
        return usage.spent(
            session, practice, settings=world.plugin.settings, now=world.clock()
        )


def holds(world, **where):
    """The holds of texts, in order."""
    return [text.hold for text in world.messages(**where)]


def test_what_would_go_beyond_the_limit_waits_for_the_next_month(world, acme, clock):
    limit(world, 2 * SEGMENT)
    job = world.job(3)
    world.approve(job)

    world.drain()

    assert len(world.gateway().sent) == 2
    [held] = world.messages(job_id=job, state="approved")
    assert (held.hold, held.due_at) == ("limit", DECEMBER)
    assert spent(world) == 2 * SEGMENT

    # The first moment of the month is outside of texting hours.
    clock.now = DECEMBER
    world.drain()
    assert holds(world, job_id=job, state="approved") == ["window"]
    clock.move(hours=10)
    world.drain()
    assert len(world.gateway().sent) == 3


def test_a_raised_or_removed_limit_lets_texts_go_at_once(world, acme):
    limit(world, SEGMENT)
    world.approve(world.job(3))
    world.drain()
    assert len(world.gateway().sent) == 1

    limit(world, 2 * SEGMENT)
    world.drain()
    assert len(world.gateway().sent) == 2

    limit(world, None)
    world.drain()
    assert len(world.gateway().sent) == 3


def test_replies_go_beyond_the_limit_until_the_exemption_is_taken_away(world, acme):
    limit(world, 1)
    world.patient("p")
    world.reply("p", "Hello", nonce="1")
    world.drain()
    assert len(world.gateway().sent) == 1

    limit(world, 1, exempt=())
    reply = world.reply("p", "Hello again", nonce="2")
    world.drain()
    assert len(world.gateway().sent) == 1
    assert holds(world, id=reply) == ["limit"]

    limit(world, 1)
    world.drain()
    assert len(world.gateway().sent) == 2


@on_sqlite
def test_a_kind_of_job_text_may_be_exempt(world, acme):
    limit(world, 1, exempt=("invoice",))
    world.approve(world.job(2))

    world.drain()

    assert len(world.gateway().sent) == 2


@on_sqlite
def test_what_exempt_texts_cost_is_gone_for_the_others(world, acme):
    limit(world, 2 * SEGMENT)
    world.patient("p")
    world.reply("p", "Hello")
    job = world.job(2)
    world.approve(job)

    world.drain()

    assert len(world.gateway().sent) == 2
    assert sorted(holds(world, job_id=job), key=str) == [None, "limit"]


def test_everything_that_costs_counts_and_no_other_practice_does(world, acme, clock):
    world.enable("birch", "+12125550199")
    world.sent_job(2, job_ref="theirs", practice="birch")
    world.alter(
        SmsNumber, {"monthly_price_micros": 2 * USD, "created_at": clock()},
        practice_id=acme,
    )  # fmt: skip
    [text] = world.sent_job(1)
    world.receive(world.rows(SmsPhone, id=text.phone_id)[0].e164, "Hi!")

    assert spent(world) == 2 * USD + 2 * SEGMENT


@on_sqlite
def test_a_refused_text_costs_nothing_and_one_in_doubt_does(world, acme):
    world.approve(world.job(3))
    world.gateway().script += [
        Outcome(0, Verdict.REFUSED, code=21211, http_status=400),
        Outcome(0, Verdict.UNKNOWN),
    ]

    world.drain()

    # Of one nobody knows, and one waits for what its practice learns of it.
    assert {text.state for text in world.messages(purpose="job")} == {
        "failed", "unknown", "approved",
    }  # fmt: skip
    assert spent(world) == SEGMENT


def test_what_is_spent_is_the_same_when_the_days_are_closed(world, acme, clock):
    [text] = world.sent_job(1)
    world.receive(world.rows(SmsPhone, id=text.phone_id)[0].e164, "Hi!")
    before = spent(world)
    clock.move(days=2)
    with world.session() as session:
        while closing.close_next(
            session, acme, settings=world.plugin.settings, now=clock()
        ):
            pass

    assert spent(world) == before == 2 * SEGMENT
    world.sent_job(1, job_ref="job-2")
    assert spent(world) == 3 * SEGMENT


@on_postgresql
def test_two_workers_at_once_never_go_beyond_it_together(world, acme):
    limit(world, 3 * SEGMENT)
    job = world.job(10)
    world.approve(job)
    tools = sending.Tools(world.plugin.settings, world.plugin.vault, world.portal)

    def claim():
        with world.session() as session:
            [lane] = sending.lanes(session, settings=tools.settings, now=world.clock())
            wave = sending.claim(
                session, lane, tokens=5, limit=5, tools=tools, now=world.clock()
            )
            return len(wave.texts)

    counts = at_once(claim, claim)

    assert sum(counts) == 3
    assert len(world.messages(job_id=job, state="submitting")) == 3


@on_sqlite
@pytest.mark.parametrize("micros", [0, -1, spending.MOST + 1])
def test_a_limit_that_makes_no_sense_is_refused(world, acme, micros):
    with pytest.raises(InvalidError) as caught:
        limit(world, micros)
    assert caught.value.field == "limit"


@on_sqlite
def test_an_unknown_kind_is_refused(world, acme):
    with pytest.raises(InvalidError) as caught:
        limit(world, USD, exempt=("fax",))
    assert caught.value.field == "exempt"


@on_sqlite
def test_the_audit_log_says_what_was_set(world, acme):
    limit(world, 25_500_000, exempt=())
    limit(world, None)

    first, second = world.rows(SmsAudit, action="practice.limit")
    assert first.detail == "limit=25.50 exempt=test,code"
    assert second.detail == "limit=none exempt=reply,test,code"
    assert first.user_name == STAFF.name


@on_sqlite
def test_codes_and_tests_are_never_held(world, acme):
    limit(world, 1, exempt=())

    [practice] = world.rows(SmsPractice, practice_ref="acme")
    assert spending.exempt_kinds(practice) == {"test", "code"}
    world.alter(SmsPractice, {"limit_exempt": None})
    [practice] = world.rows(SmsPractice, practice_ref="acme")
    assert spending.exempt_kinds(practice) == {"reply", "test", "code"}


@pytest.mark.parametrize(
    ("micros", "costs_more"),
    [(None, False), (4 * SEGMENT, False), (4 * SEGMENT - 1, True)],
)
def test_a_job_that_costs_more_than_is_left_is_known_before(
    world, acme, micros, costs_more
):
    world.approve(world.job(1, job_ref="job-0"))
    job_id = world.job(3)
    limit(world, micros)
    with world.session() as session:
        job = session.get(SmsJob, job_id)
        found = spending.beyond(
            session,
            job.practice,
            approvals.meant(job, approvals.Chosen(everything=True)),
            settings=world.plugin.settings,
            now=world.clock(),
        )

    assert (found is not None) is costs_more
    if found:
        assert (found.cost, found.left) == (3 * SEGMENT, 3 * SEGMENT - 1)
        assert found.ends == DECEMBER


@on_sqlite
def test_staff_are_told_from_four_fifths_on(world, acme, clock):
    def standing():
        with world.session() as session:
            practice = session.scalars(
                sa.select(SmsPractice).filter_by(practice_ref="acme")
            ).one()
            return spending.standing(
                session, practice, settings=world.plugin.settings, now=clock()
            )

    assert standing() is None
    world.sent_job(4)
    limit(world, 6 * SEGMENT)
    assert (standing().percent, standing().is_near) == (66, False)
    limit(world, 5 * SEGMENT)
    assert (standing().percent, standing().is_near) == (80, True)
    assert not standing().reached
    # Not enough for one segment more.
    limit(world, 5 * SEGMENT - 1)
    assert standing().reached
    assert standing().left == SEGMENT - 1
    limit(world, SEGMENT)
    assert (standing().percent, standing().left) == (400, 0)
    clock.now = DECEMBER + timedelta(hours=12)
    assert (standing().spent, standing().reached) == (0, False)
