"""Whose database this is, and whether anything may be sent from it.

A copy of the database must not text real people, and a restored backup must not repeat
what went out since it was made. So one row keeps a fingerprint of the configuration
that the database was made for, and a heartbeat in the database's own time. Who finds
another fingerprint, an old heartbeat, or one that is younger in the memory of a witness
sends nothing; ``services/restore.py`` finds out what the gateway has meanwhile.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.core.language import mark, say, say_stored
from sms_plugin.core.tokens import keyed_hash
from sms_plugin.errors import ConflictError
from sms_plugin.models import SmsInstallation
from sms_plugin.services.actors import audit
from sms_plugin.services.database import change, database_now, insert_new, lock_row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.services.actors import Actor

ROW: Final = 1
SENDING, COPIED, ASLEEP, RESTORED = "sending", "copied", "asleep", "restored"
# A heartbeat is written this often, and missed when it is older than that.
NOTE_EVERY = timedelta(seconds=15)
SILENCE = timedelta(seconds=120)
MISSED_BEATS = 3
# A machine whose clock is further off than this keeps nobody's quiet hours.
CLOCKS = timedelta(minutes=2)
NO_WITNESS: Mapping[str, int] = MappingProxyType({})

# What a person reads while nothing is sent.
SILENT = mark(
    "No worker or beat was seen for a while. Before anything is sent, the gateway "
    "is asked what it has."
)
OLDER = mark(
    "This database is older than its workers remember: a backup was restored. "
    "Before anything is sent, the gateway is asked what it has."
)
MOVED = mark(
    "An operator confirmed this database for this portal. Before anything is sent, "
    "the gateway is asked what it has."
)
FOUND = mark(
    "The gateway has texts that this database did not know. They are being learnt."
)


@dataclass(frozen=True, slots=True)
class State:
    """How the installation stands.

    Attributes:
        ok: whether texts may go out.
        word: ``sending``, ``copied``, ``asleep`` or ``restored``.
        sentence: the same for a person, and what ends it.
        since: when sending was paused, if it is and that is known.
    """

    ok: bool
    word: str
    sentence: str
    since: datetime | None = None


def fingerprint(settings: Settings) -> str:
    """A keyed hash of what makes this installation this one and no other."""
    keys = (
        config.PUBLIC_URL,
        config.INSTALLATION,
        config.GATEWAY,
        config.GATEWAY_URL,
        config.ACCOUNT_SID,
    )
    secret = settings[config.HASH_KEY].encode()
    return keyed_hash(secret, "installation", *(settings[key] for key in keys))


def ensure(session: Session, settings: Settings, *, now: datetime) -> SmsInstallation:
    """The one row, made for this configuration where there is none."""
    row = session.get(SmsInstallation, ROW, populate_existing=True)
    if row is None:
        made = {
            "id": ROW,
            "token": str(uuid.uuid4()),
            "fingerprint": fingerprint(settings),
            "public_url": settings[config.PUBLIC_URL][:200],
            "generation": 0,
            "detail": "",
            "created_at": now,
        }
        insert_new(session, SmsInstallation, [made], unique=["id"])
        row = session.get(SmsInstallation, ROW)
        assert row is not None
    return row


def check_in(
    session: Session,
    settings: Settings,
    *,
    now: datetime,
    witness: Mapping[str, int] = NO_WITNESS,
) -> State:
    """Say whether this process may send, and note that it is there; then commit.

    Args:
        session: the session.
        settings: those of this process.
        now: the present moment, for people to read.
        witness: generations remembered outside of the database, by token. They must
            have been read before this is called.
    """
    row = ensure(session, settings, now=now)
    at = database_now(session)
    remembered = witness.get(row.token, 0)
    state = _state(row, settings, at=at, remembered=remembered)
    if state.ok and (row.alive_at is None or abs(at - row.alive_at) >= NOTE_EVERY):
        _write(session, row, alive_at=at, generation=row.generation + 1)
    elif state.word == ASLEEP and row.paused is None:
        newest = max(row.generation, remembered)
        why = OLDER if remembered > row.generation else SILENT
        words = {"paused": ASLEEP, "paused_at": now, "detail": why}
        _write(session, row, generation=newest, **words)
    return state


def may_claim(session: Session, settings: Settings, *, at: datetime) -> bool:
    """Whether texts may go out, asked in the transaction that claims them.

    Args:
        session: the session.
        settings: those of this process.
        at: the database's own time.
    """
    row = session.get(SmsInstallation, ROW, populate_existing=True)
    return permits(row, settings, at=at)


def permits(row: SmsInstallation | None, settings: Settings, *, at: datetime) -> bool:
    """The same of a row that was just read."""
    return row is not None and _state(row, settings, at=at).ok


def state(session: Session, settings: Settings) -> State:
    """How the installation stands, for pages and operators; changes nothing."""
    row = session.get(SmsInstallation, ROW, populate_existing=True)
    if row is None:
        said = say("Nothing was sent from here yet.")
        return State(ok=True, word=SENDING, sentence=said)
    return _state(row, settings, at=row.alive_at)


def testimony(session: Session) -> tuple[str, int]:
    """What a witness is told: the installation's token, and its generation."""
    columns = (SmsInstallation.token, SmsInstallation.generation)
    found = session.execute(sa.select(*columns).where(SmsInstallation.id == ROW)).one()
    return found[0], found[1]


def wrong_clock(session: Session, wall: datetime) -> str | None:
    """What is wrong with this machine's clock, by the database's; None if nothing is.

    Args:
        session: the session.
        wall: what the clock of the machine says, without any shift.
    """
    ahead = wall - database_now(session)
    if abs(ahead) <= CLOCKS:
        return None
    minutes = round(abs(ahead).total_seconds() / 60)
    if ahead > timedelta():
        return say(
            "The clock of this machine is {minutes} minutes ahead of the database's. "
            "Set it (NTP). Until then this machine sends nothing.",
            minutes=minutes,
        )
    return say(
        "The clock of this machine is {minutes} minutes behind the database's. "
        "Set it (NTP). Until then this machine sends nothing.",
        minutes=minutes,
    )


def confirm(
    session: Session, settings: Settings, *, actor: Actor, now: datetime
) -> State:
    """An operator says that texts may go out from this database; the caller commits.

    A copy is taken for this portal's own, and the gateway is asked what it has before
    anything goes out.

    Raises:
        ConflictError: nothing is paused, or the gateway was not asked yet.
    """
    row = lock_row(session, SmsInstallation, ROW)
    before = SENDING if row is None else _state(row, settings, at=row.alive_at).word
    if row is None or before == SENDING:
        raise ConflictError(say("Sending is not paused."))
    if before == ASLEEP:
        raise ConflictError(
            say("{why} Wait until then, and look again.", why=say_stored(row.detail))
        )
    if before == RESTORED:
        _resume(session, row)
    else:
        row.fingerprint = fingerprint(settings)
        # Another one from now on, also for a witness that knows the original.
        row.token = str(uuid.uuid4())
        row.public_url = settings[config.PUBLIC_URL][:200]
        # What nobody ever sent from cannot have been overtaken.
        if row.alive_at is not None:
            known = row.paused == RESTORED or row.detail == FOUND
            row.paused, row.paused_at = ASLEEP, now
            row.detail = FOUND if known else MOVED
    audit(
        session,
        actor,
        "installation.confirm",
        practice_id=None,
        object_id=row.id,
        detail=before,
        now=now,
    )
    session.flush()
    return _state(row, settings, at=row.alive_at)


def conclude(
    session: Session, words: str, *, remembered: int = 0, now: datetime
) -> bool:
    """The gateway was asked: go on, or wait for an operator; the caller commits.

    Args:
        session: the session.
        words: what an operator must know first; empty to go on.
        remembered: the generation that the witness remembers.
        now: the present moment.

    Returns:
        Whether this call ended the sleep.
    """
    row = lock_row(session, SmsInstallation, ROW)
    if row is None or row.paused != ASLEEP:
        return False
    row.generation = max(row.generation, remembered)
    if words or row.detail == FOUND:
        row.paused, row.paused_at = RESTORED, now
        row.detail = words[:300] or FOUND
    else:
        _resume(session, row)
    session.flush()
    return True


def _state(
    row: SmsInstallation,
    settings: Settings,
    *,
    at: datetime | None,
    remembered: int = 0,
) -> State:
    """How a row stands; without a time of the database its heartbeat is not judged."""
    if row.fingerprint != fingerprint(settings):
        return State(ok=False, word=COPIED, sentence=_copied(row, settings))
    if row.paused is not None:
        return State(
            ok=False,
            word=row.paused,
            sentence=say_stored(row.detail),
            since=row.paused_at,
        )
    if remembered > row.generation:
        return State(ok=False, word=ASLEEP, sentence=say(OLDER))
    silence = max(
        SILENCE, timedelta(seconds=settings[config.BEAT_SECONDS]) * MISSED_BEATS
    )
    if at is not None and row.alive_at is not None and abs(at - row.alive_at) > silence:
        return State(ok=False, word=ASLEEP, sentence=say(SILENT))
    said = say("Texts may go out from this database.")
    return State(ok=True, word=SENDING, sentence=said)


def _copied(row: SmsInstallation, settings: Settings) -> str:
    here = settings[config.PUBLIC_URL]
    if row.public_url != here:
        return say(
            "This database was made for {there}, and this portal is {here}. Nothing is "
            "sent until an operator confirms.",
            there=row.public_url,
            here=here,
        )
    return say(
        "This database was made for this address, but with another gateway, account or "
        "SMS_INSTALLATION. Nothing is sent until an operator confirms."
    )


def _resume(session: Session, row: SmsInstallation) -> None:
    row.paused = row.paused_at = None
    row.detail = ""
    row.alive_at, row.generation = database_now(session), row.generation + 1


def _write(session: Session, row: SmsInstallation, **values: object) -> None:
    """Change the row, unless somebody did since it was read: then their word stands.

    A claim asks once more in its own transaction, so that this may be late.
    """
    unchanged = (
        SmsInstallation.id == ROW,
        SmsInstallation.generation == row.generation,
        SmsInstallation.paused.is_(None),
    )
    change(session, sa.update(SmsInstallation).where(*unchanged).values(**values))
