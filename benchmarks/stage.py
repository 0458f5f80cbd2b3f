"""A practice with as many approved texts as wanted, on a real PostgreSQL and Valkey."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import phonenumbers
import sqlalchemy as sa

from sms_plugin.models import SmsNumber, SmsPatientPhone, SmsPhone
from sms_plugin.services.database import table_of
from tests.support import host, servers
from tests.support.portal import PORTAL
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The same phones are texted in every round.
CAPS = {"SMS_CAP_DAY": 50, "SMS_CAP_WEEK": 200}
NOON = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)


@contextmanager
def stage(
    gateway_url: str, *, clock: Callable[[], datetime] = lambda: NOON, **settings: Any
) -> Iterator[World]:
    """An application that sends to a carrier stub as fast as it can."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(servers.postgresql())
        valkey = stack.enter_context(servers.valkey())
        PORTAL.clear()
        PORTAL.members = {name: list(refs) for name, (_, refs) in host.USERS.items()}
        app = host.make_app(
            url,
            folder,
            SMS_REDIS_URL=valkey.url,
            SMS_GATEWAY="twilio",
            SMS_GATEWAY_URL=gateway_url,
            **{"SMS_DRAIN_SECONDS": 60, **CAPS, **settings},
        )
        host.fill(app)
        app.extensions["sms_plugin"].clock = clock
        world = World(app, clock)
        world.enable()
        with world.session() as session:
            # No carrier lets a number send like this; here pacing must not decide.
            session.execute(sa.update(SmsNumber).values(rate=1_000_000.0))
        yield world
        with app.app_context():
            app.appbuilder.session.remove()
            app.appbuilder.session.get_bind().dispose()


def fill(world: World, count: int, ref: str) -> int:
    """A prepared and approved job of as many patients; gives its id."""
    stand(world, count, ref)
    job = world.prepare(ref)
    world.approve(job)
    return job


def stand(world: World, count: int, ref: str) -> None:
    """A job of as many patients in the portal, who agreed to texts.

    Where there are more of them than phones for examples, some share one.
    """
    numbers = cycle(_phones())
    rows, phones = [], []
    for place in range(count):
        patient, number = f"{ref}-{place}", next(numbers)
        PORTAL.add_patient(patient, phone=number)
        PORTAL.add_bill(f"{patient}-b", patient)
        rows.append((patient, f"{patient}-b"))
        phones.append({"practice_id": 1, "e164": number, "created_at": NOON})
    PORTAL.add_job(ref, rows)
    with world.session() as session:
        practice_id = session.scalar(
            sa.text("SELECT id FROM sms_practice WHERE enabled")
        )
        for row in phones:
            row |= {"practice_id": practice_id, "condition": "ok"}
        known = dict(session.execute(sa.select(SmsPhone.e164, SmsPhone.id)).all())
        wanted = {row["e164"]: row for row in phones}
        new = [row for e164, row in wanted.items() if e164 not in known]
        if new:
            session.execute(sa.insert(table_of(SmsPhone)), new)
        known = dict(session.execute(sa.select(SmsPhone.e164, SmsPhone.id)).all())
        session.execute(
            sa.insert(table_of(SmsPatientPhone)),
            [
                {
                    "practice_id": practice_id,
                    "phone_id": known[row["e164"]],
                    "patient_ref": patient,
                    "patient_name": "Pat Example",
                    "preferred": True,
                    "delivery": True,
                    "consent": "granted",
                    "created_at": NOON,
                }
                for row, (patient, _) in zip(phones, rows, strict=True)
            ],
        )


def _phones() -> Iterator[str]:
    """Phones of the range for examples in every area code that exists."""
    for area in range(201, 990):
        for last in range(100, 200):
            number = f"+1{area}5550{last}"
            if phonenumbers.is_valid_number(phonenumbers.parse(number)):
                yield number
