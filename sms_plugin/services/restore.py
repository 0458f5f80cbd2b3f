"""After a silence: learn what the gateway has, before anything is sent again.

A database that was restored from a backup is behind the gateway: texts that it means
to send have gone out, and others it has forgotten. So every text that the gateway got
since the last heartbeat is looked at. What waits here gets its id and is never sent
again; what has no row is written down. (What patients wrote meanwhile,
``services/polling.py`` takes in.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.core.language import mark
from sms_plugin.models import SmsAccount, SmsInstallation, SmsNumber, SmsPractice
from sms_plugin.services import installation
from sms_plugin.services.database import lock_row
from sms_plugin.services.matching import Batch, known_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.gateways.base import Gateway, RemoteMessage
    from sms_plugin.services.matching import Scope

# How far before the last heartbeat the gateway is asked: its clock and the database's
# may differ, and texts were in flight.
MARGIN = timedelta(minutes=10)
# Texts on a page of the gateway's list.
PAGE = 1000
# How many are learnt in one transaction.
BATCH = 200


@dataclass
class Findings:
    """What was learnt.

    Attributes:
        settled: texts of unknown outcome that the gateway has; no surprise.
        adopted: texts that waited here although the gateway has them.
        added: texts that had no row.
        received: texts of patients that had not come in.
        reopened: texts to be approved anew, since only one of several alike went out.
        gaps: accounts that could not be asked; each a sentence.
    """

    settled: int = 0
    adopted: int = 0
    added: int = 0
    received: int = 0
    reopened: set[int] = field(default_factory=set)
    gaps: list[str] = field(default_factory=list)

    @property
    def is_surprise(self) -> bool:
        """Whether the gateway has texts that no crash explains, only a restore."""
        return bool(self.adopted or self.added)

    def words(self) -> str:
        """What an operator must know before sending goes on; empty if nothing."""
        said = self.gaps[:1]
        if len(self.gaps) > 1:
            said.append(
                mark("Accounts that were not asked: {0}.").format(len(self.gaps))
            )
        if self.is_surprise:
            said.append(
                mark(
                    "The gateway has texts that this database did not know: {0} waited "
                    "here and will not be sent again, {1} were added."
                ).format(self.adopted, self.added)
            )
        if self.reopened:
            count = len(self.reopened)
            said.append(mark("{0} much like them must be approved anew.").format(count))
        if said:
            said.append(mark("Nothing is sent until an operator confirms."))
        return " ".join(said)


def account_ids(session: Session) -> Sequence[int]:
    """The accounts that texts may have gone out from."""
    of_number = sa.exists().where(SmsNumber.account_id == SmsAccount.id)
    of_practice = sa.exists().where(SmsPractice.account_id == SmsAccount.id)
    return session.scalars(
        sa.select(SmsAccount.id)
        .where(sa.or_(of_number, of_practice))
        .order_by(SmsAccount.id)
    ).all()


def since(session: Session, settings: Settings) -> datetime | None:
    """From when on the gateway is asked, by its own clock; None while awake."""
    row = session.get(SmsInstallation, installation.ROW, populate_existing=True)
    if row is None or row.paused != installation.ASLEEP:
        return None
    shift = timedelta(seconds=settings[config.CLOCK_SHIFT])
    return (row.alive_at or row.created_at - shift) - MARGIN


def pages(gateway: Gateway, *, since: datetime) -> Iterator[list[RemoteMessage]]:
    """Texts that went out from an account, newest first; touches no session.

    The gateway's own answers, as to STOP, are left out.

    Raises:
        GatewayError: the gateway did not answer; ask again later.
    """
    after = ""
    while True:
        page = gateway.list_page(since=since, size=PAGE, after=after)
        yield [text for text in page.texts if not (text.inbound or text.automatic)]
        after = page.next
        if not after:
            return


def unknown(session: Session, texts: Sequence[RemoteMessage]) -> list[RemoteMessage]:
    """Those of the texts that no row has."""
    known = known_ids(session, texts)
    return [text for text in texts if text.sid not in known]


def learn(
    session: Session,
    texts: Sequence[RemoteMessage],
    findings: Findings,
    *,
    scope: Scope,
    now: datetime,
) -> bool:
    """Learn a batch of an account's texts, oldest first; the caller commits.

    Returns:
        False when the sleep is over, because somebody else has learnt them.
    """
    # One at a time: two beats could give one text to two rows.
    row = lock_row(session, SmsInstallation, installation.ROW)
    if row is None or row.paused != installation.ASLEEP:
        return False
    news = unknown(session, texts)
    batch = Batch.load(session, news, scope=scope, now=now)
    for text in news:
        _learn_one(batch, text, findings)
    if findings.is_surprise:
        # Kept with what was learnt: after a crash it would look like a plain stop.
        row.detail = installation.FOUND
    session.flush()
    return True


def _learn_one(batch: Batch, text: RemoteMessage, findings: Findings) -> None:
    if batch.is_repeat(text):
        return
    rows = batch.rows_like(text)
    if not rows:
        findings.added += batch.add(text)
        return
    if batch.was_open(rows[0]):
        findings.settled += 1
    else:
        findings.adopted += 1
        findings.reopened |= batch.reopen(rows[1:])
    findings.reopened.discard(rows[0].id)
    batch.adopt(rows[0], text)
