"""What came of attempts, recorded by attempt id.

An outcome may come late, twice, or after a status callback already told more. Every
write is therefore conditional in SQL: an attempt is answered once, a message only
moves forward, and a gateway id, however late, always wins.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sms_plugin.gateways.base import Reaction, Verdict
from sms_plugin.models import SmsMessage, SmsPhone, SmsTask
from sms_plugin.services import attempts as attempts_of
from sms_plugin.services import (
    brakes,
    consents,
    conversations,
    links,
    phones_in_use,
    signs,
)
from sms_plugin.services.actors import SYSTEM
from sms_plugin.services.database import (
    among,
    begin_write,
    by_id,
    change,
    lock_rows,
    table_of,
)
from sms_plugin.services.signs import Sign

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.gateways.base import Explanation, Gateway, Outcome
    from sms_plugin.services.vault import Vault

# States of a text of which the gateway has not confirmed anything yet.
UNCONFIRMED_STATES = ("submitting", "unknown", "review")
# A late id proves that the gateway has the text, whatever was decided meanwhile.
ID_WINS_OVER = (
    *UNCONFIRMED_STATES,
    "pending",
    "approved",
    "rejected",
    "expired",
    "failed",
    "withdrawn",
    # Without an id it was left so by a person, not handed over without a report.
    "unconfirmed",
)
FIRST_PAUSE = 2.0
LONGEST_PAUSE = 300.0
# A phone that does not answer once may be switched off; twice in this span, and it is
# left alone until it shows life.
SILENCE = timedelta(days=30)


def record(
    session: Session,
    outcomes: Sequence[Outcome],
    *,
    account_id: int,
    troubled: bool,
    gateway: Gateway,
    vault: Vault,
    now: datetime,
) -> None:
    """Record outcomes of one account in one transaction; the caller commits.

    Args:
        session: the session.
        outcomes: what came of attempts, in the order in which it came.
        account_id: the account that they went through.
        troubled: whether an accepted text is news for the account (``brakes``).
        gateway: the account's gateway, which explains errors.
        vault: hashes what goes into the consent ledger.
        now: the present moment.
    """
    if not outcomes:
        return
    begin_write(session)
    attempts = attempts_of.known(session, [outcome.attempt_id for outcome in outcomes])
    # Rows are written in one order everywhere, so that two writers never cross.
    known = sorted(
        (o for o in outcomes if o.attempt_id in attempts),
        key=lambda o: attempts[o.attempt_id].message_id,
    )
    late = [row for row in attempts.values() if row.late]
    overtaken = attempts_of.overtaken(session, late)
    attempts_of.close(session, known, now=now)
    accepted = {
        attempts[o.attempt_id].message_id: o.sid
        for o in known
        if o.verdict is Verdict.ACCEPTED and o.sid
    }
    _accept(session, accepted, now=now)
    told = signs.tally(outcomes, gateway)
    until = None
    if told.pause is not None:
        until = brakes.pause_ends(session, account_id, told, now=now)
    lessons, settled = [], []
    for outcome in known:
        if outcome.verdict is Verdict.ACCEPTED or outcome.attempt_id in overtaken:
            continue
        message_id = attempts[outcome.attempt_id].message_id
        meaning = _settle(
            session, message_id, outcome, gateway, until=until or now, now=now
        )
        settled.append(message_id)
        if meaning is not None:
            lessons.append((message_id, meaning))
    # What concerns more than a text comes when all texts are written.
    _lock_phones(session, lessons)
    for message_id, meaning in lessons:
        learn(session, message_id, meaning, vault=vault, now=now)
    if settled:
        conversations.did_not_arrive(session, settled, now=now)
    answered = [
        row.message_id
        for row in late
        if any(
            o.attempt_id == row.id and o.verdict is not Verdict.UNKNOWN for o in known
        )
    ]
    close_questions(session, answered, now=now)
    if troubled or told.silent or told.pause is not None:
        brakes.note(session, account_id, told, until=until, now=now)


def _lock_phones(session: Session, lessons: Sequence[tuple[int, Explanation]]) -> None:
    """Lock the phones that something is learnt of, in the order of their ids.

    Others that take several phones, such as a patient who chooses for all of theirs,
    take them in the same order.
    """
    texts = [
        message_id
        for message_id, meaning in lessons
        if meaning.reaction is Reaction.OPT_OUT or meaning.phone_condition
    ]
    if len(texts) > 1:
        theirs = sa.select(SmsMessage.phone_id).where(SmsMessage.id.in_(texts))
        lock_rows(session, SmsPhone, SmsPhone.id.in_(theirs))


def close_questions(
    session: Session, message_ids: Sequence[int], *, now: datetime
) -> None:
    """Nobody need decide any more about texts whose outcome was learnt."""
    if message_ids:
        change(
            session,
            sa.update(SmsTask)
            .where(
                SmsTask.message_id.in_(message_ids),
                SmsTask.kind == "unknown_outcome",
                SmsTask.done_at.is_(None),
            )
            .values(done_at=now, done_by=SYSTEM.name),
        )


def _accept(session: Session, sids: Mapping[int, str | None], *, now: datetime) -> None:
    """Give texts the gateway's ids, by the texts' own."""
    if not sids:
        return
    change(
        session,
        sa.update(SmsMessage)
        .where(among(session, SmsMessage.id, sids), SmsMessage.sid.is_(None))
        .values(sid=by_id(session, SmsMessage.id, sids), changed_at=now, **id_wins()),
    )
    links.forget_tokens(session, list(sids))


@cache
def id_wins() -> Mapping[str, Any]:
    """Values of a message whose id is learnt: it is at the gateway, and no more due."""
    table = table_of(SmsMessage)
    wins = table.c.state.in_(ID_WINS_OVER)
    # Built once: this is part of what is said of every text.
    return {
        "state": sa.case((wins, "accepted"), else_=table.c.state),
        "reason": sa.case((wins, None), else_=table.c.reason),
        # What an earlier try was refused for explains nothing any more.
        "error_code": sa.case((wins, None), else_=table.c.error_code),
        "hold": None,
        "due_at": None,
    }


def _settle(
    session: Session,
    message_id: int,
    outcome: Outcome,
    gateway: Gateway,
    *,
    until: datetime,
    now: datetime,
) -> Explanation | None:
    """Move a text that was not accepted on; gives what is to be learnt beyond it.

    *until* is the end of the account's pause.
    """
    if outcome.verdict is Verdict.UNKNOWN:
        _move(session, message_id, "unknown", now=now)
        return None
    if outcome.dropped:
        # Never submitted, so it is as if it had not been claimed.
        tries = SmsMessage.tries - 1
        _move(session, message_id, "approved", tries=tries, due_at=now, now=now)
        return None
    sign = signs.sign_of(outcome, gateway)
    if sign is Sign.NOTHING:
        # Refused without asking anybody, for what it says.
        _move(session, message_id, "failed", reason=Reaction.CONTENT.value, now=now)
        return None
    if sign is Sign.SLOWER:
        _wait(session, message_id, until, code=outcome.code, now=now)
        return None
    if sign is Sign.SILENCE and outcome.verdict is Verdict.LATER:
        _wait(session, message_id, now + _back_off(session, message_id), now=now)
        return None
    meaning = gateway.explain(outcome.code, outcome.http_status)
    if meaning.reaction in signs.SLOWER:
        wait = max(outcome.retry_after or 0.0, meaning.pause_seconds)
        span = timedelta(seconds=wait) or _back_off(session, message_id)
        _wait(session, message_id, now + span, code=outcome.code, now=now)
    elif meaning.reaction is Reaction.AMBIGUOUS:
        _move(session, message_id, "unknown", error_code=outcome.code, now=now)
    elif meaning.reaction is Reaction.CONFIG:
        code = outcome.code
        _wait(session, message_id, now, hold="stopped", code=code, now=now)
    else:
        reason, code = meaning.reaction.value, outcome.code
        _move(session, message_id, "failed", reason=reason, error_code=code, now=now)
    return meaning


def _move(
    session: Session, message_id: int, state: str, *, now: datetime, **values: Any
) -> None:
    """Move a text on if nothing else has been learnt of it."""
    clean = {"reason": None, "error_code": None, "due_at": None, "hold": None}
    change(
        session,
        sa.update(SmsMessage)
        .where(
            SmsMessage.id == message_id,
            SmsMessage.state.in_(UNCONFIRMED_STATES),
            SmsMessage.sid.is_(None),
        )
        .values(state=state, changed_at=now, **(clean | values)),
    )


def _wait(
    session: Session,
    message_id: int,
    due_at: datetime,
    *,
    hold: str = "gateway_busy",
    code: int | None = None,
    now: datetime,
) -> None:
    """Not processed for certain: the text is due again at a later moment."""
    _move(
        session,
        message_id,
        "approved",
        due_at=due_at,
        hold=hold,
        error_code=code,
        now=now,
    )


def _back_off(session: Session, message_id: int) -> timedelta:
    """How long a text waits when nobody says: longer with each try."""
    tries = session.scalar(
        sa.select(SmsMessage.tries).where(SmsMessage.id == message_id)
    )
    seconds = FIRST_PAUSE * 2.0 ** min(max(int(tries or 1) - 1, 0), 10)
    return timedelta(seconds=min(LONGEST_PAUSE, seconds))


def learn(
    session: Session,
    message_id: int,
    meaning: Explanation,
    *,
    vault: Vault,
    now: datetime,
) -> None:
    """Keep what an error says beyond its text.

    Of the phone: that it opted out, or cannot be texted. Of the account or the
    number: that it must rest, or that nothing will go out until somebody acts.
    """
    if meaning.reaction is Reaction.CONFIG:
        brakes.stop(session, message_id, meaning, now=now)
        return
    if meaning.reaction in signs.SLOWER:
        brakes.pause(session, message_id, meaning, now=now)
        return
    practice_id, phone_id = session.execute(
        sa.select(SmsMessage.practice_id, SmsMessage.phone_id).where(
            SmsMessage.id == message_id
        )
    ).one()
    if phone_id is None:
        return
    if meaning.reaction is Reaction.OPT_OUT:
        phone = consents.lock_phone(session, phone_id)
        consents.suppress(session, phone, source="gateway", vault=vault, now=now)
    elif meaning.phone_condition and (
        meaning.phone_condition != "unreachable"
        or _was_silent(session, phone_id, message_id, now=now)
    ):
        phones_in_use.take_out(
            session,
            practice_id,
            phone_id,
            meaning.phone_condition,
            message_id=message_id,
            now=now,
        )


def _was_silent(
    session: Session, phone_id: int, message_id: int, *, now: datetime
) -> bool:
    """Whether another text to the phone failed a short while ago."""
    earlier = session.scalars(
        sa.select(SmsMessage.id)
        .where(
            SmsMessage.phone_id == phone_id,
            SmsMessage.id != message_id,
            SmsMessage.state.in_(("failed", "undelivered")),
            SmsMessage.reason == Reaction.PERMANENT.value,
            SmsMessage.changed_at > now - SILENCE,
        )
        .limit(1)
    )
    return earlier.first() is not None
