"""Brakes: when an account, a number or a practice is left alone, and how it goes on.

An account that gives no clear answer several times in a row is *unreachable*: nothing
is sent through it until the beat's harmless read was answered. One that asks us to
slow down is *throttled* until a moment. Afterwards it is on trial: one text at a time,
until one was accepted. A number may be paused until a moment, too. An account that
refuses us stops its practices until somebody resumes them. Queues are kept throughout.

Texts are locked before accounts, numbers and practices, so that two writers never
cross.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sms_plugin.core.language import mark
from sms_plugin.gateways.base import Scope
from sms_plugin.models import SmsAccount, SmsMessage, SmsNumber, SmsPractice, in_state
from sms_plugin.services.database import begin_write, change, lock_row, table_of
from sms_plugin.services.signs import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.gateways.base import Explanation

UNREACHABLE, THROTTLED = "unreachable", "throttled"
# So many calls in a row without a clear answer, and nothing more is sent.
THRESHOLD = 5
# How long an account rests before it is asked whether it is back.
FIRST_REST, LONGEST_REST = timedelta(seconds=5), timedelta(seconds=60)
# Seconds of the pause when we are told to slow down but not for how long: at most the
# first, then twice as many after each throttled wave, up to the last.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
# Texts that wait for a gateway which answers again are let go over so many seconds.
SPREAD = 5
BATCH = 1000
# As many accounts as may be asked at the same time.
MOST_ASKED = 32
_SILENCE = mark("The texting service cannot be reached, or gives no clear answer.")
_lots = secrets.SystemRandom()


def let_through(now: sa.ColumnElement[datetime]) -> tuple[Any, ...]:
    """Conditions on account and number under which texts may go out at a moment."""
    return (
        sa.or_(
            SmsAccount.pause.is_(None),
            sa.and_(SmsAccount.pause == THROTTLED, SmsAccount.paused_until <= now),
        ),
        sa.or_(SmsNumber.paused_until.is_(None), SmsNumber.paused_until <= now),
    )


def on_trial() -> sa.ColumnElement[bool]:
    """Whether no text was accepted since the account was last paused."""
    return sa.or_(SmsAccount.failures >= THRESHOLD, SmsAccount.throttles > 0)


def is_troubled() -> sa.ColumnElement[bool]:
    """Whether an accepted text is news for the account."""
    return sa.or_(
        SmsAccount.failures > 0,
        SmsAccount.throttles > 0,
        SmsAccount.pause.is_not(None),
    )


def pause_ends(
    session: Session, account_id: int, told: Tally, *, now: datetime
) -> datetime:
    """When the pause that a tally asks for is over.

    Where the gateway leaves that open it is longer with each throttled wave, and drawn
    by lot, so that workers do not come back together.
    """
    if told.pause:
        return now + timedelta(seconds=told.pause)
    waves = session.scalar(
        sa.select(SmsAccount.throttles).where(SmsAccount.id == account_id)
    )
    most = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(int(waves or 0), 10))
    return now + timedelta(seconds=_lots.uniform(0, most))


def note(
    session: Session,
    account_id: int,
    told: Tally,
    *,
    until: datetime | None,
    now: datetime,
) -> None:
    """Keep what a batch says of its account, and pull or loosen its brakes.

    Args:
        session: in which the batch is recorded; its texts are locked already.
        account_id: the account.
        told: what the batch says.
        until: the end of the pause that it asks for, if it does.
        now: the present moment.
    """
    account = lock_row(session, SmsAccount, account_id)
    if account is None:
        return
    before = account.failures
    account.failures = told.silent + (0 if told.heard else before)
    if told.answered:
        account.throttles = 0
    if account.pause == THROTTLED and not _lasts(account, now):
        _loosen(account)
    if account.pause is None and not account.failures:
        account.paused_at = None
    if until is not None:
        _throttle(account, until, told.reason, now)
    if account.failures >= THRESHOLD and account.pause != UNREACHABLE:
        if before < THRESHOLD or account.paused_at is None:
            account.paused_at = now
        account.pause, account.pause_reason = UNREACHABLE, _SILENCE
        _rest(account, now)
    session.flush()


def pause(
    session: Session, message_id: int, meaning: Explanation, *, now: datetime
) -> None:
    """Pause the number of a text, or its account, for as long as an error says."""
    if meaning.scope is Scope.TEXT or not meaning.pause_seconds:
        return
    number = _number_of(session, message_id)
    if number is None:
        return
    until = now + timedelta(seconds=meaning.pause_seconds)
    if meaning.scope is Scope.ACCOUNT:
        told = Tally(pause=meaning.pause_seconds, reason=meaning.sentence)
        note(session, number.account_id, told, until=until, now=now)
        return
    ends = SmsNumber.paused_until
    change(
        session,
        sa.update(SmsNumber)
        .where(SmsNumber.id == number.id, sa.or_(ends.is_(None), ends < until))
        .values(paused_until=until, pause_reason=meaning.sentence[:300]),
    )


def stop(
    session: Session, message_id: int, meaning: Explanation, *, now: datetime
) -> None:
    """Stop the practice of a text, or all that send through its account."""
    number = _number_of(session, message_id)
    if meaning.scope is Scope.ACCOUNT and number is not None:
        stop_account(session, number.account_id, meaning.sentence, now=now)
        return
    practice = sa.select(SmsMessage.practice_id).where(SmsMessage.id == message_id)
    _stop(session, practice, meaning.sentence, now=now)


def stop_account(
    session: Session, account_id: int, sentence: str, *, now: datetime
) -> None:
    """Stop every practice that sends through an account; their queues are kept."""
    practices = sa.select(SmsNumber.practice_id).where(
        SmsNumber.account_id == account_id, SmsNumber.active
    )
    _stop(session, practices, sentence, now=now)


def silent_accounts(session: Session, *, now: datetime) -> Sequence[int]:
    """Unreachable accounts whose rest is over: they may be asked again."""
    return session.scalars(
        sa.select(SmsAccount.id)
        .where(SmsAccount.pause == UNREACHABLE, SmsAccount.paused_until <= now)
        .order_by(SmsAccount.paused_until)
        .limit(MOST_ASKED)
    ).all()


def answers_again(session: Session, account_id: int, *, now: datetime) -> None:
    """An unreachable account was read: its queue goes on, with one text at first."""
    begin_write(session)
    _let_go(session, account_id, now=now)
    account = lock_row(session, SmsAccount, account_id)
    if account is not None and account.pause == UNREACHABLE:
        # Its failures stay: they keep it on trial, and one more brakes it again.
        account.pause = account.pause_reason = account.paused_until = None
        session.flush()


def still_silent(
    session: Session, account_id: int, *, retry_after: float | None, now: datetime
) -> None:
    """An unreachable account could not be read: it rests for longer."""
    account = lock_row(session, SmsAccount, account_id)
    if account is not None and account.pause == UNREACHABLE:
        _rest(account, now, at_least=timedelta(seconds=retry_after or 0))
        session.flush()


def next_release(session: Session, *, now: datetime) -> datetime | None:
    """When the first of the pauses ends that end by themselves."""
    account = sa.select(sa.func.min(SmsAccount.paused_until)).where(
        SmsAccount.pause == THROTTLED, SmsAccount.paused_until > now
    )
    number = sa.select(sa.func.min(SmsNumber.paused_until)).where(
        SmsNumber.paused_until > now
    )
    row = session.execute(
        sa.select(account.scalar_subquery(), number.scalar_subquery())
    ).one()
    return min((moment for moment in row if moment is not None), default=None)


def _lasts(account: SmsAccount, now: datetime) -> bool:
    return account.paused_until is not None and account.paused_until > now


def _loosen(account: SmsAccount) -> None:
    account.pause = account.pause_reason = None
    account.paused_at = account.paused_until = None


def _throttle(account: SmsAccount, until: datetime, reason: str, now: datetime) -> None:
    """Pause an account; answers that come while it is paused are of the same wave."""
    if account.pause is None:
        account.pause, account.paused_at = THROTTLED, now
        account.throttles += 1
    if account.paused_until is None or account.paused_until < until:
        account.paused_until = until
        if account.pause == THROTTLED:
            account.pause_reason = reason[:300]


def _rest(
    account: SmsAccount, now: datetime, *, at_least: timedelta = FIRST_REST
) -> None:
    """Leave an account alone for as long again as it has been silent.

    A little longer by lot, so that several installations do not come back as one.
    """
    silent = min(now - (account.paused_at or now), LONGEST_REST)
    rest = max(silent, FIRST_REST) * _lots.uniform(1.0, 1.1)
    until = now + max(rest, at_least)
    account.paused_until = max(until, account.paused_until or until)


def _let_go(session: Session, account_id: int, *, now: datetime) -> None:
    """Texts that wait because the gateway was busy are due within a few seconds."""
    ids = session.scalars(
        sa.select(SmsMessage.id)
        .join(SmsNumber, SmsNumber.id == SmsMessage.number_id)
        .where(
            SmsNumber.account_id == account_id,
            in_state("approved"),
            SmsMessage.hold == "gateway_busy",
            SmsMessage.due_at > now,
        )
        .order_by(SmsMessage.id)
        .limit(BATCH)
        .with_for_update(of=table_of(SmsMessage), skip_locked=True)
    ).all()
    for second in range(min(SPREAD, len(ids))):
        change(
            session,
            sa.update(SmsMessage)
            .where(SmsMessage.id.in_(ids[second::SPREAD]))
            .values(due_at=now + timedelta(seconds=second), changed_at=now),
        )


def _number_of(session: Session, message_id: int) -> Any:
    """The number that a text went out from: its id, and its account's."""
    return session.execute(
        sa.select(SmsNumber.id, SmsNumber.account_id)
        .join(SmsMessage, SmsMessage.number_id == SmsNumber.id)
        .where(SmsMessage.id == message_id)
    ).one_or_none()


def _stop(session: Session, practices: Any, sentence: str, *, now: datetime) -> None:
    # In one order, so that two workers who learn it at the same time never cross.
    ids = session.scalars(
        sa.select(SmsPractice.id)
        .where(SmsPractice.id.in_(practices), SmsPractice.stopped.is_(None))
        .order_by(SmsPractice.id)
        .with_for_update()
    ).all()
    change(
        session,
        sa.update(SmsPractice)
        .where(SmsPractice.id.in_(ids))
        .values(stopped=sentence[:300], stopped_at=now),
    )
