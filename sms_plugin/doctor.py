"""``flask sms doctor``: what is set up and what is not, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import redis
import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.errors import ConfigError, GatewayError
from sms_plugin.extension import KEY
from sms_plugin.migrations import complaint
from sms_plugin.models import SmsAccount, SmsPractice
from sms_plugin.services import concerns, installation, ledger, practices, processes
from sms_plugin.web.roles import ROLES
from sms_plugin.worker.scope import transaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from sqlalchemy.orm import Session

    from sms_plugin.extension import SmsPlugin

# Some ten thousand phones, so that the doctor answers within seconds.
LEDGER_BATCHES = 20
MANAGER = "sms_plugin.manager.SmsAddonManager"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    ok: bool
    sentence: str


def examine(app: Flask) -> list[Finding]:
    """Look at everything the plugin needs; the worst comes first."""
    plugin: SmsPlugin = app.extensions[KEY]
    findings = [_pages(app), *_database(app, plugin), *_redis(plugin)]
    return sorted(findings, key=lambda finding: finding.ok)


def _pages(app: Flask) -> Finding:
    if MANAGER in app.appbuilder.addon_managers:  # type: ignore[attr-defined]  # FAB adds it
        return Finding(ok=True, sentence="The pages are registered.")
    return Finding(
        ok=False,
        sentence="The pages are not registered: look for an error of "
        "SmsAddonManager in the log of the start.",
    )


def _database(app: Flask, plugin: SmsPlugin) -> Iterator[Finding]:
    engine = app.appbuilder.session.get_bind()  # type: ignore[attr-defined]  # FAB adds it
    words = complaint(engine)
    if words is not None:
        yield Finding(ok=False, sentence=words)
        return
    yield Finding(ok=True, sentence="The tables are up to date.")
    roles = [name for name in ROLES if app.appbuilder.sm.find_role(name) is None]  # type: ignore[attr-defined]  # FAB adds it
    yield Finding(
        ok=not roles,
        sentence=f"Roles are missing: {', '.join(roles)}. Run: flask sms init"
        if roles
        else "The roles are there.",
    )
    with transaction(app) as session:
        yield from _installation(session, plugin)
        yield from _accounts(session, plugin)
        yield from _practices(session, plugin)
        yield _ledger(session, plugin)
        yield from _processes(session, plugin)


def _installation(session: Session, plugin: SmsPlugin) -> Iterator[Finding]:
    state = installation.state(session, plugin.settings)
    hint = " See: flask sms confirm" if concerns.needs_confirmation(state) else ""
    yield Finding(ok=state.ok, sentence=f"{state.sentence}{hint}")
    words = installation.wrong_clock(session, plugin.wall())
    yield Finding(
        ok=words is None, sentence=words or "The clock agrees with the database's."
    )


def _accounts(session: Session, plugin: SmsPlugin) -> Iterator[Finding]:
    rows = session.scalars(sa.select(SmsAccount)).all()
    if not rows:
        yield Finding(
            ok=False,
            sentence="No gateway account. Set SMS_TWILIO_ACCOUNT_SID and "
            "SMS_TWILIO_AUTH_TOKEN and run: flask sms init",
        )
    for row in rows:
        try:
            plugin.gateway_for(row).check_account()
        except (ConfigError, GatewayError) as error:
            yield Finding(ok=False, sentence=f"Account {row}: {error}")
        else:
            yield Finding(ok=True, sentence=f"Account {row} answers.")


def _practices(session: Session, plugin: SmsPlugin) -> Iterator[Finding]:
    rows = session.scalars(
        sa.select(SmsPractice).where(SmsPractice.allowed).order_by(SmsPractice.name)
    ).all()
    if not rows:
        yield Finding(
            ok=False,
            sentence="No practice may text yet. Allow one in SMS > Practices.",
        )
    for row in rows:
        found = practices.obstacles(session, row, plugin.settings)
        words = " ".join(obstacle.sentence for obstacle in found)
        yield Finding(ok=not found, sentence=f"{row.name}: {words or 'ready.'}")


def _ledger(session: Session, plugin: SmsPlugin) -> Finding:
    """Compare consent and opt-outs with the ledger, of so many phones at most."""
    differ, left = 0, LEDGER_BATCHES
    for practice_id in session.scalars(
        sa.select(SmsPractice.id).where(SmsPractice.allowed).order_by(SmsPractice.id)
    ).all():
        after: int | None = 0
        while after is not None and left:
            left -= 1
            found, after = ledger.check_derived(
                session, practice_id, vault=plugin.vault, after=after
            )
            differ += len(found)
    return Finding(
        ok=not differ,
        sentence=f"{differ} consents or opt-outs differ from the consent ledger: rows "
        "were changed past the plugin, or SMS_HASH_KEY is another one now."
        if differ
        else "The consent ledger tells the same as what is acted on.",
    )


def _processes(session: Session, plugin: SmsPlugin) -> Iterator[Finding]:
    known = processes.known(session, plugin.settings)
    for kind in processes.KINDS:
        count = processes.alive(known, kind)
        yield Finding(
            ok=bool(count),
            sentence=f"{kind.capitalize()}s: {count}."
            if count
            else processes.none_runs(kind),
        )


def _redis(plugin: SmsPlugin) -> Iterator[Finding]:
    try:
        plugin.queue.rq.connection.ping()
    except redis.RedisError as error:
        yield Finding(
            ok=False,
            sentence=f"Redis does not answer ({type(error).__name__}). Start one with "
            f"flask sms redis, or set {config.REDIS_URL.name}.",
        )
        return
    yield Finding(ok=True, sentence="Redis answers.")
