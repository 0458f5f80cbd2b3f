"""``flask portal ...``."""

from __future__ import annotations

import click
from flask.cli import AppGroup

portal = AppGroup("portal", help="The example portal.")


@portal.command()
def seed() -> None:
    """Fill an empty database with the demo's practices, users and patients."""
    from host_app.seed import DEMO_PASSWORD, SeedError
    from host_app.seed import seed as fill

    try:
        is_new = fill()
    except SeedError as error:
        raise click.ClickException(str(error)) from error
    click.echo("Seeded." if is_new else "Already seeded; roles brought up to date.")
    click.echo(f"Every demo user has the password {DEMO_PASSWORD}")


@portal.command()
def autopay() -> None:
    """Charge the cards whose day of the month is today; run it once a day."""
    from host_app import clock, texting
    from host_app.autopay import charge_due
    from host_app.database import db

    attempts = charge_due(db.session, now=clock.now())
    db.session.commit()
    texting.tell_of_charges(attempts)
    failed = sum(bool(attempt.reason) for attempt in attempts)
    click.echo(f"{len(attempts)} charges, {failed} of them failed.")


@portal.command("text-plans")
def text_plans() -> None:
    """Text about instalments that are due soon or late; run it once a day."""
    from sqlalchemy import select

    from host_app import plan_texts
    from host_app.database import db
    from host_app.models import Practice

    for practice in db.session.scalars(select(Practice).order_by(Practice.id)).all():
        job = plan_texts.text_due(practice, by="portal")
        rows = job.item_count if job else 0
        click.echo(f"{practice.name}: {rows} instalments to text about.")
