"""Guarding: whether this process may send, asked before every drain and by the beat.

A process sends nothing while the database is not this installation's or is behind the
gateway, while its tables are of another version than this code, or while the clock of
its machine is wrong. After a silence the gateway is asked what it has; if there is
nothing that this database did not know, sending goes on by itself.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import redis
import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.errors import ConfigError, GatewayError, Retry
from sms_plugin.migrations import VERSION_TABLE, head
from sms_plugin.models import SmsAccount
from sms_plugin.services import installation, polling, restore
from sms_plugin.services.installation import State
from sms_plugin.services.matching import Scope
from sms_plugin.worker.queue import connect
from sms_plugin.worker.scope import guarded, plugin_of, transaction

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask
    from sqlalchemy.orm import Session

    from sms_plugin.gateways.base import Gateway, RemoteMessage

log = logging.getLogger(__name__)
# Read when the process starts: later the files on the disk may be of a newer version.
REVISION = head()
_SAID = "sms_plugin_guard_said"


def watch(app: Flask) -> None:
    """Keep the heartbeat, and end a sleep."""
    may_send(app)


def may_send(app: Flask) -> bool:
    """Whether this process may send now; says why not, once."""
    state = _check_in(app)
    if state.word == installation.ASLEEP:
        guarded("reconcile", partial(_learn_all, app))
        state = _check_in(app)
    if not state.ok and app.extensions.get(_SAID) != state.sentence:
        log.warning("Nothing is sent: %s", state.sentence)
    app.extensions[_SAID] = state.sentence
    return state.ok


def _check_in(app: Flask) -> State:
    plugin = plugin_of(app)
    witness = _Witness(app)
    # Before the database is read, so that nobody's younger word comes between.
    remembered = witness.recall()
    with transaction(app) as session:
        words = _other_version(session)
        if words is not None:
            return State(ok=False, word="version", sentence=words)
        words = installation.wrong_clock(session, plugin.wall())
        if words is not None:
            return State(ok=False, word="clock", sentence=words)
        state = installation.check_in(
            session, plugin.settings, now=plugin.now(), witness=remembered
        )
        token, generation = installation.testimony(session)
    if remembered.get(token, 0) < generation:
        witness.remember(token, generation)
    return state


def _other_version(session: Session) -> str | None:
    """What to say when the tables were migrated under this process."""
    versions = sa.table(VERSION_TABLE, sa.column("version_num"))
    stands = session.scalar(sa.select(versions.c.version_num))
    if stands == REVISION:
        return None
    return (
        f"The tables stand at revision {stands}, and this process is of revision "
        f"{REVISION}. Restart it with the version of sms_plugin that fits."
    )


def _learn_all(app: Flask) -> None:
    """Ask the gateway what it has since the last heartbeat, and wake up if all is well.

    Raises:
        GatewayError: an account did not answer; the next beat asks again.
    """
    plugin = plugin_of(app)
    with transaction(app) as session:
        since = restore.since(session, plugin.settings)
        accounts = restore.account_ids(session)
    if since is None:
        return
    findings = restore.Findings()
    for account_id in accounts:
        _learn_account(app, account_id, since, findings)
    remembered = _Witness(app).recall()
    with transaction(app) as session:
        token, _ = installation.testimony(session)
        ended = installation.conclude(
            session,
            findings.words(),
            remembered=remembered.get(token, 0),
            now=plugin.now(),
        )
    if ended:
        log.info(
            "After a silence the gateway was asked what it has: %d settled, %d that "
            "waited here, %d added, %d received.",
            findings.settled,
            findings.adopted,
            findings.added,
            findings.received,
        )


def _learn_account(
    app: Flask, account_id: int, since: datetime, findings: restore.Findings
) -> None:
    plugin = plugin_of(app)
    with transaction(app) as session:
        account = session.get(SmsAccount, account_id)
        assert account is not None
        name = f"Account {account}"
        try:
            gateway = plugin.gateway_for(account)
        except ConfigError as error:
            findings.gaps.append(f"{name} was not asked: {error}")
            return
    shift = timedelta(seconds=plugin.settings[config.CLOCK_SHIFT])
    scope = Scope(account_id, since + shift, gateway, plugin.settings, plugin.vault)
    try:
        findings.received += _take_missed(app, scope)
        texts = _unknown_texts(app, scope.gateway, since)
    except GatewayError as error:
        if error.retry is not Retry.NEVER:
            raise
        findings.gaps.append(f"{name} was not asked: {error}")
        return
    for start in range(0, len(texts), restore.BATCH):
        batch = texts[start : start + restore.BATCH]
        with transaction(app) as session:
            goes_on = restore.learn(
                session, batch, findings, scope=scope, now=plugin.now()
            )
        if not goes_on:
            return


def _take_missed(app: Flask, scope: Scope) -> int:
    """Take in what patients wrote: a STOP is obeyed before anything goes out."""
    plugin = plugin_of(app)
    with transaction(app) as session:
        account = session.get(SmsAccount, scope.account_id)
        assert account is not None
        return polling.take_missed(
            session,
            account,
            since=scope.since,
            gateway=scope.gateway,
            vault=plugin.vault,
            settings=plugin.settings,
            now=plugin.now(),
        )


def _unknown_texts(
    app: Flask, gateway: Gateway, since: datetime
) -> list[RemoteMessage]:
    """What went out and has no row, oldest first.

    All of it is kept in memory: it is what went out since the backup, and the oldest
    text, which comes last, is the first that rows are given to.
    """
    # By id, for a list that grows while it is read may show a text twice.
    texts: dict[str, RemoteMessage] = {}
    for page in restore.pages(gateway, since=since):
        with transaction(app) as session:
            texts |= {text.sid: text for text in restore.unknown(session, page)}
    return list(texts.values())[::-1]


class _Witness:
    """Remembers generations in Redis; one that is lost has nothing to say."""

    def __init__(self, app: Flask) -> None:
        settings = plugin_of(app).settings
        self._key = f"{settings[config.QUEUE]}:installations"
        self._redis = connect(settings, app.instance_path, patient=False)

    def recall(self) -> dict[str, int]:
        """The newest generation of each installation, by its token."""
        try:
            with self._redis as connection:
                found = connection.hgetall(self._key)
            return {token.decode(): int(number) for token, number in found.items()}
        except (redis.RedisError, ValueError):
            return {}

    def remember(self, token: str, generation: int) -> None:
        """Keep a generation."""
        try:
            with self._redis as connection:
                connection.hset(self._key, token, str(generation))
        except redis.RedisError as error:
            log.info("the generation was not remembered (%s)", type(error).__name__)
