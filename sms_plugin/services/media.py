"""Pictures that came with patients' texts: what is kept of them, and how it is read.

With the text only rows are written, in its transaction; ``services/fetching.py`` gets
what they stand for. Of the addresses in a webhook the file's id is taken and nothing
else, so that nobody can make us call an address of theirs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from sms_plugin.core import files
from sms_plugin.core.language import say
from sms_plugin.errors import NotFoundError
from sms_plugin.models import SmsMedia, SmsMessage
from sms_plugin.services.database import insert_new

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.services.vault import Vault

MOST: Final = 10
"""Files that are taken of one text; Twilio sends no more."""
_MEDIA: Final = re.compile(r"/Messages/((?:SM|MM)[0-9a-f]{32})/Media/(ME[0-9a-f]{32})")
_KIND: Final = re.compile(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,39}")


@dataclass(frozen=True, slots=True)
class Named:
    """A file as it was announced.

    Attributes:
        position: its place among the files of its text, from 0.
        sid: its id; empty when the gateway has to be asked for it.
        content_type: what the patient's phone called it.
        strange: whether its address was none of the gateway's, so that it stays there.
    """

    position: int
    sid: str = ""
    content_type: str = ""
    strange: bool = False


@dataclass(frozen=True, slots=True)
class Attached:
    """A file beside its text, without what it holds; see ``models.SmsMedia``."""

    id: int
    message_id: int
    practice_id: int
    content_type: str
    state: str
    reason: str
    size: int | None

    @property
    def is_ready(self) -> bool:
        """Whether it can be opened."""
        return self.state == "ready"

    @property
    def is_picture(self) -> bool:
        """Whether it is a picture, as far as is known."""
        return files.is_picture(self.content_type)


def named(params: Mapping[str, str], *, listed: bool) -> list[Named]:
    """Read which files a webhook announces; whatever stands in it, this does not fail.

    Args:
        params: the fields of the webhook.
        listed: it was made of the gateway's list, which tells their number alone.
    """
    count = _count(params.get("NumMedia", ""))
    if listed:
        return [Named(position) for position in range(count)]
    return [
        _named(params, position)
        for position in range(count)
        if f"MediaUrl{position}" in params
    ]


def _count(raw: str) -> int:
    """A number of files, ``MOST`` at most; 0 for what is none."""
    return min(int(raw), MOST) if re.fullmatch(r"[0-9]{1,6}", raw) else 0


def _named(params: Mapping[str, str], position: int) -> Named:
    url = params[f"MediaUrl{position}"]
    found = _MEDIA.fullmatch(url, max(url.rfind("/Messages/"), 0))
    kind = params.get(f"MediaContentType{position}", "").lower()
    content_type = kind if _KIND.fullmatch(kind) else ""
    if found is None or found[1] != params.get("MessageSid"):
        return Named(position, content_type=content_type, strange=True)
    return Named(position, found[2], content_type)


def keep(
    session: Session, sid: str, announced: Sequence[Named], *, now: datetime
) -> None:
    """Write down which files came with a text that was just taken.

    Args:
        session: the session.
        sid: the gateway's id of the text.
        announced: what came with it.
        now: the present moment.
    """
    if not announced:
        return
    message = session.scalars(
        sa.select(SmsMessage).where(
            SmsMessage.sid == sid, SmsMessage.purpose == "inbound"
        )
    ).one()
    rows = [
        {
            "practice_id": message.practice_id,
            "message_id": message.id,
            "position": file.position,
            "media_sid": file.sid,
            "content_type": file.content_type,
            "state": "refused" if file.strange else "waiting",
            "reason": "elsewhere" if file.strange else "",
            "created_at": now,
        }
        for file in announced
    ]
    insert_new(session, SmsMedia, rows, unique=["message_id", "position"])


def of_texts(
    session: Session, practice_id: int, message_ids: Collection[int]
) -> dict[int, list[Attached]]:
    """The files of some texts of a practice by the texts' ids, in one query."""
    found: dict[int, list[Attached]] = {}
    if not message_ids:
        return found
    rows = session.execute(
        _columns()
        .where(
            SmsMedia.practice_id == practice_id,
            SmsMedia.message_id.in_(list(message_ids)),
        )
        .order_by(SmsMedia.message_id, SmsMedia.position)
        .limit(MOST * len(message_ids))
    )
    for row in rows:
        found.setdefault(row.message_id, []).append(Attached(*row))
    return found


def one(session: Session, media_id: int) -> Attached:
    """One file, of whichever practice; the caller looks whether it may be read.

    Raises:
        NotFoundError: there is none.
    """
    row = session.execute(_columns().where(SmsMedia.id == media_id)).one_or_none()
    if row is None:
        raise NotFoundError(say("There is no such file."))
    return Attached(*row)


def content_of(session: Session, file: Attached, *, vault: Vault) -> bytes:
    """What a file holds.

    Raises:
        NotFoundError: it was not fetched, or was erased meanwhile.
        ConfigError: the key that it was encrypted with is missing.
    """
    sealed = session.scalars(
        sa.select(SmsMedia.content).where(
            SmsMedia.id == file.id,
            SmsMedia.practice_id == file.practice_id,
            SmsMedia.state == "ready",
        )
    ).one_or_none()
    if sealed is None:
        raise NotFoundError(say("There is no such file."))
    return vault.unseal(sealed)


def _columns() -> Any:
    return sa.select(
        SmsMedia.id,
        SmsMedia.message_id,
        SmsMedia.practice_id,
        SmsMedia.content_type,
        SmsMedia.state,
        SmsMedia.reason,
        SmsMedia.size,
    )
