"""Texts whose outcome is not known, for operators: whose they are does not show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from sms_plugin.core import phones
from sms_plugin.core.language import say, say_stored
from sms_plugin.models import (
    SmsAttempt,
    SmsMessage,
    SmsNumber,
    SmsPhone,
    SmsPractice,
    in_state,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

MOST = 50


@dataclass(frozen=True, slots=True)
class Question:
    """A text whose outcome is not known; ``phone`` is masked.

    ``said`` is what came of its last attempt, for somebody who knows the gateway.
    """

    message_id: int
    practice: str
    state: str
    since: datetime
    sender: str
    phone: str
    said: str


def open_questions(session: Session) -> list[Question]:
    """Texts in review, then unknown ones, the oldest of each first."""
    return [*_in(session, "review"), *_in(session, "unknown")]


def _in(session: Session, state: str) -> list[Question]:
    attempts = aliased(SmsAttempt)
    last = (
        sa.select(sa.func.max(attempts.id))
        .where(attempts.message_id == SmsMessage.id)
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(
            SmsMessage.id,
            SmsPractice.name,
            sa.func.coalesce(SmsMessage.submitted_at, SmsMessage.changed_at),
            sa.func.coalesce(SmsNumber.e164, ""),
            sa.func.coalesce(SmsPhone.e164, ""),
            SmsAttempt,
        )
        .join(SmsPractice, SmsPractice.id == SmsMessage.practice_id)
        .outerjoin(SmsNumber, SmsNumber.id == SmsMessage.number_id)
        .outerjoin(SmsPhone, SmsPhone.id == SmsMessage.phone_id)
        .outerjoin(SmsAttempt, SmsAttempt.id == last)
        .where(in_state(state))
        .order_by(SmsMessage.id)
        .limit(MOST)
        .execution_options(populate_existing=True)
    )
    return [
        Question(
            message_id,
            practice,
            state,
            since,
            phones.display(sender),
            phones.mask(phone),
            _said(attempt),
        )
        for message_id, practice, since, sender, phone, attempt in rows
    ]


def _said(attempt: SmsAttempt | None) -> str:
    if attempt is None:
        return say("no attempt")
    sentence, bracket, hint = (attempt.detail or "").partition(" [")
    parts = (
        f"{say_stored(sentence)}{bracket}{hint}",
        attempt.http_status and f"HTTP {attempt.http_status}",
        attempt.code and say("error {code}", code=attempt.code),
    )
    return ", ".join(part for part in parts if part) or say("no answer")
