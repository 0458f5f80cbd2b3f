"""Fills a database with the demo. Nothing here touches a table of the plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import current_app
from sqlalchemy import select
from werkzeug.security import generate_password_hash

from host_app import clock, seed_data
from host_app.database import db
from host_app.models import (
    Guarantor,
    Location,
    Patient,
    PatientPhone,
    PortalLogin,
    Practice,
    StaffMembership,
)
from host_app.phones import e164
from host_app.roles import make_roles
from host_app.seed_bills import add_bills, add_history

if TYPE_CHECKING:
    from collections.abc import Sequence

    from host_app.seed_shapes import DemoPatient, DemoPractice, DemoUser

DEMO_PASSWORD = "portal-demo-2026"  # noqa: S105  (known to everybody on purpose)


class SeedError(Exception):
    """The database is somebody's own; the demo must not be mixed into it."""


def seed() -> bool:
    """Make what is missing of the demo; True if its data were made now.

    It may be run again at any time, and must be once after ``flask sms init``, which
    makes the plugin's roles.

    Raises:
        SeedError: the database holds practices that are not the demo's.
    """
    ours = {practice.public_id for practice in seed_data.PRACTICES}
    present = set(db.session.scalars(select(Practice.public_id)))
    if present - ours:
        raise SeedError(
            "This database has practices of its own. Seed an empty one: "
            "PORTAL_DATABASE_URL=sqlite:////tmp/demo.db flask portal seed"
        )
    make_roles()
    # One hash for all, by the method that FAB's own are made with.
    method = current_app.config.get("FAB_PASSWORD_HASH_METHOD", "scrypt")
    secret = generate_password_hash(DEMO_PASSWORD, method=method)
    users = {user.username: _make_user(user, secret) for user in seed_data.USERS}
    if present:
        return False
    practices = {row.public_id: _make_practice(row) for row in seed_data.PRACTICES}
    _make_memberships(users, practices)
    for demo in seed_data.PRACTICES:
        practice = practices[demo.public_id]
        crowd = _make_patients(practice, seed_data.PATIENTS[demo.public_id])
        add_history(
            db.session,
            practice,
            crowd,
            rows=demo.usual_rows,
            uploaded_by=demo.uploader,
        )
    _make_logins(secret)
    db.session.commit()
    return True


def _make_user(demo: DemoUser, secret: str) -> Any:
    """Make the user, and give him the plugin's role as soon as that exists."""
    manager = current_app.appbuilder.sm  # type: ignore[attr-defined]  # set by FAB
    names = [name for name in (demo.portal_role, demo.sms_role) if name]
    roles = [role for name in names if (role := manager.find_role(name))]
    user = manager.find_user(username=demo.username) or manager.add_user(
        demo.username,
        demo.first_name,
        demo.last_name,
        f"{demo.username}@example.com",
        roles,
        hashed_password=secret,
    )
    user.active = demo.is_active
    user.roles = [*user.roles, *(role for role in roles if role not in user.roles)]
    db.session.commit()
    return user


def _make_practice(demo: DemoPractice) -> Practice:
    practice = Practice(
        public_id=demo.public_id,
        name=demo.name,
        phone=demo.phone,
        timezone=demo.timezone,
    )
    db.session.add(practice)
    db.session.flush()
    for name in demo.locations:
        db.session.add(Location(practice_id=practice.id, name=name))
    db.session.flush()
    return practice


def _make_memberships(users: dict[str, Any], practices: dict[str, Practice]) -> None:
    for demo in seed_data.USERS:
        for public_id in demo.practices:
            db.session.add(
                StaffMembership(
                    user_id=users[demo.username].id,
                    practice_id=practices[public_id].id,
                    notify_replies=demo.sms_role == "SMS Front Desk",
                )
            )


def _make_patients(practice: Practice, demos: Sequence[DemoPatient]) -> list[Patient]:
    """Make the accounts of a practice; those of the crowd get a history, too."""
    locations = db.session.scalars(
        select(Location).where(Location.practice_id == practice.id)
    ).all()
    guarantors: dict[str, Guarantor] = {}
    crowd = []
    for place, demo in enumerate(demos):
        patient = _patient(practice, demo)
        if locations:
            patient.location = locations[place % len(locations)]
        if demo.guarantor:
            patient.guarantor = guarantors.setdefault(
                demo.guarantor, Guarantor(practice_id=practice.id, name=demo.guarantor)
            )
        db.session.add(patient)
        add_bills(db.session, patient, demo)
        if demo.is_crowd:
            crowd.append(patient)
    db.session.flush()
    return crowd


def _patient(practice: Practice, demo: DemoPatient) -> Patient:
    today = clock.today(practice.timezone)
    return Patient(
        practice=practice,
        account_number=demo.account_number,
        first_name=demo.first_name,
        last_name=demo.last_name,
        born_on=demo.years and today.replace(year=today.year - demo.years, day=1),
        language=demo.language,
        email=demo.email,
        city=demo.city,
        state=demo.state,
        agency=demo.agency,
        status=demo.status,
        autopay_on=demo.card is not None,
        delivery_email=bool(demo.email),
        phones=[
            PatientPhone(number=number, e164=e164(number), label=label, position=place)
            for place, (number, label) in enumerate(demo.phones)
        ],
    )


def _make_logins(secret: str) -> None:
    for email, name, accounts in seed_data.LOGINS:
        patients = db.session.scalars(
            select(Patient).where(Patient.account_number.in_(accounts))
        )
        db.session.add(
            PortalLogin(
                email=email, name=name, password_hash=secret, patients=list(patients)
            )
        )
