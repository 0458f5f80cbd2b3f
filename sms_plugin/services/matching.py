"""Which row of ours a text at the gateway is, when no row has its id.

The link in it tells, else phone and body do. To give a text to a wrong row costs a
patient one text; to give it to none may send it twice. So a doubt is a match.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.core import segments
from sms_plugin.core.links import could_be, marks_in
from sms_plugin.core.tokens import hash_token
from sms_plugin.models import SmsLink, SmsMessage, SmsNumber, SmsPhone, SmsPractice
from sms_plugin.services import links, preferences, prices, statuses
from sms_plugin.services.database import change
from sms_plugin.services.outcomes import UNCONFIRMED_STATES
from sms_plugin.services.wording import TEST_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.gateways.base import Gateway, RemoteMessage
    from sms_plugin.services.vault import Vault

# Of these nobody knew whether they went out: to find one is no surprise.
OPEN = (*UNCONFIRMED_STATES, "unconfirmed")
# What may have gone out in the silence; of rows alike the first is the likeliest.
LIKELY = (*OPEN, "approved", "pending")
# These had come to their end; only the last of them may have gone out all the same.
ENDED = ("rejected", "expired", "withdrawn", "failed")


@dataclass(frozen=True, slots=True)
class Scope:
    """One account, its texts of interest, and the tools to learn of them.

    ``since`` is by the clock of the application.
    """

    account_id: int
    since: datetime
    gateway: Gateway
    settings: Settings
    vault: Vault


@dataclass
class Batch:
    """Texts of an account that no row has, and the rows they are compared with."""

    session: Session
    scope: Scope
    now: datetime
    numbers: dict[str, SmsNumber]
    waiting: dict[str, list[SmsMessage]]
    linked: dict[str, int]
    with_links: set[int]

    @classmethod
    def load(
        cls,
        session: Session,
        texts: Sequence[RemoteMessage],
        *,
        scope: Scope,
        now: datetime,
    ) -> Batch:
        """Read what the texts are compared with, in a handful of queries."""
        numbers = session.scalars(
            sa.select(SmsNumber).where(SmsNumber.account_id == scope.account_id)
        )
        waiting = _waiting(session, texts, scope)
        rows = [row.id for alike in waiting.values() for row in alike]
        tokens = (links.token_in(text.body) for text in texts)
        hashes = [hash_token(token) for token in tokens if token]
        return cls(
            session=session,
            scope=scope,
            now=now,
            numbers={number.e164: number for number in numbers},
            waiting=waiting,
            linked={
                row[0]: row[1]
                for row in session.execute(
                    sa.select(SmsLink.token_hash, SmsLink.message_id).where(
                        SmsLink.token_hash.in_(hashes)
                    )
                )
            },
            with_links=set(
                session.scalars(
                    sa.select(SmsLink.message_id).where(SmsLink.message_id.in_(rows))
                )
            ),
        )

    def is_repeat(self, text: RemoteMessage) -> bool:
        """Whether a person had a text sent again, and this is the other one of it."""
        linked = self._linked(text)
        rows = self.waiting.get(text.recipient, ())
        return linked is not None and linked not in {row.id for row in rows}

    def rows_like(self, text: RemoteMessage) -> list[SmsMessage]:
        """The rows that may be this text, the likeliest first."""
        linked = self._linked(text)
        number = self.numbers.get(text.sender)
        return [
            row
            for row in self.waiting.get(text.recipient, ())
            if row.sid is None
            and (number is None or row.practice_id == number.practice_id)
            and (
                row.id == linked
                if linked or row.id in self.with_links
                else could_be(text.body, row.body)
            )
        ]

    def was_open(self, row: SmsMessage) -> bool:
        """Whether nobody knew of a row if it went out: then to find it is expected."""
        return row.state in OPEN

    def adopt(self, row: SmsMessage, text: RemoteMessage) -> None:
        """Give a row the id of its text, and what became of it: it goes out no more."""
        number = self.numbers.get(text.sender)
        row.number_id = number.id if number else row.number_id
        row.submitted_at = row.submitted_at or self._when(text)
        self.session.flush()
        self._apply(row, text)
        links.remember(
            self.session,
            row,
            text.body,
            settings=self.scope.settings,
            vault=self.scope.vault,
            now=self.now,
        )

    def reopen(self, rows: Sequence[SmsMessage]) -> set[int]:
        """Have a person approve anew what differs from a text by its link alone."""
        doubtful = [
            row for row in rows if row.state == "approved" and marks_in(row.body)
        ]
        change(
            self.session,
            sa.update(SmsMessage)
            .where(
                SmsMessage.id.in_([row.id for row in doubtful]),
                SmsMessage.state == "approved",
            )
            .values(
                state="pending",
                approved_hash=None,
                due_at=None,
                hold=None,
                changed_at=self.now,
            ),
        )
        for row in doubtful:
            self.session.refresh(row)
        return {row.id for row in doubtful if row.state == "pending"}

    def add(self, text: RemoteMessage) -> int:
        """Write a text down that has no row, so that inbox and cap know of it."""
        number = self.numbers.get(text.sender)
        if number is None or text.body.endswith(TEST_WORDS):
            return 0
        phone = preferences.phone_row(
            self.session, number.practice_id, text.recipient[:16], now=self.now
        )
        body = links.marked(text.body)
        size = segments.measure(text.body)
        row = SmsMessage(
            practice_id=number.practice_id,
            purpose="notice",
            priority=1,
            kind="restored",
            state="accepted",
            phone_id=phone.id,
            number_id=number.id,
            sid=text.sid,
            body=body,
            segments=size.count,
            encoding=size.encoding,
            cost_micros=size.count * prices.segment_micros(self.scope.settings),
            submitted_at=self._when(text),
            created_at=self._when(text),
            changed_at=self.now,
        )
        self.session.add(row)
        self.session.flush()
        self._apply(row, text)
        return 1

    def _linked(self, text: RemoteMessage) -> int | None:
        """The row that the link in a text belongs to, if that is known."""
        token = links.token_in(text.body)
        return self.linked.get(hash_token(token)) if token else None

    def _apply(self, row: SmsMessage, text: RemoteMessage) -> None:
        statuses.apply(
            self.session,
            row,
            text.status,
            sid=text.sid,
            code=text.error_code,
            gateway=self.scope.gateway,
            vault=self.scope.vault,
            now=self.now,
        )

    def _when(self, text: RemoteMessage) -> datetime:
        """When the gateway got a text, by the clock of the application."""
        shift = timedelta(seconds=self.scope.settings[config.CLOCK_SHIFT])
        return text.created_at + shift if text.created_at else self.now


def known_ids(session: Session, texts: Sequence[RemoteMessage]) -> set[str | None]:
    """Those of the texts' ids that a row of ours has."""
    sids = [text.sid for text in texts]
    return set(
        session.scalars(sa.select(SmsMessage.sid).where(SmsMessage.sid.in_(sids)))
    )


def _waiting(
    session: Session, texts: Sequence[RemoteMessage], scope: Scope
) -> dict[str, list[SmsMessage]]:
    """Rows without an id to the phones of the texts, by phone, the likeliest first."""
    of_number = sa.select(SmsNumber.practice_id).where(
        SmsNumber.account_id == scope.account_id
    )
    of_practice = sa.select(SmsPractice.id).where(
        SmsPractice.account_id == scope.account_id
    )
    # All at once and in one order, so that no two transactions wait for each other.
    phones = {
        row.id: row.e164
        for row in session.scalars(
            sa.select(SmsPhone)
            .where(
                SmsPhone.practice_id.in_(of_number.union(of_practice)),
                SmsPhone.e164.in_({text.recipient for text in texts}),
            )
            .order_by(SmsPhone.id)
            .with_for_update()
        )
    }
    found = session.scalars(
        sa.select(SmsMessage)
        .where(
            SmsMessage.phone_id.in_(phones),
            sa.or_(
                SmsMessage.state.in_(LIKELY),
                sa.and_(
                    SmsMessage.state.in_(ENDED), SmsMessage.changed_at >= scope.since
                ),
            ),
            SmsMessage.sid.is_(None),
        )
        .order_by(SmsMessage.due_at, SmsMessage.id)
        .execution_options(populate_existing=True)
    )
    waiting: dict[str, list[SmsMessage]] = defaultdict(list)
    for message in found:
        if message.phone_id is not None:
            waiting[phones[message.phone_id]].append(message)
    for rows in waiting.values():
        rows.sort(key=_likelihood)
    return waiting


def _likelihood(row: SmsMessage) -> int:
    return LIKELY.index(row.state) if row.state in LIKELY else len(LIKELY)
