"""A conversation as a document, for a patient's file: what was written, when, by whom.

Notes of the staff are no part of it, nor do codes and links come out that the thread
does not show. Times are the practice's own.
"""

from __future__ import annotations

import hashlib
import io
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

import sqlalchemy as sa

from sms_plugin.models import SmsMessage
from sms_plugin.services import inbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reportlab.pdfbase.ttfonts import TTFont
    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsConversation

MOST: Final = 20_000
"""Texts of a document, the newest of a conversation."""
MOST_ON_PAGES: Final = 3_000
"""Texts of a PDF: its pages are laid out in memory."""
BATCH: Final = 500
_FONT: Final = "Vera"


@dataclass(frozen=True, slots=True)
class Entry:
    """One text.

    Attributes:
        at: when it was written, in words with its zone.
        who: who wrote it.
        body: what it says, as the thread shows it.
        standing: what became of it; empty for a patient's own.
    """

    at: str
    who: str
    body: str
    standing: str = ""


@dataclass(frozen=True, slots=True)
class Transcript:
    """A document.

    Attributes:
        title: with whom the conversation is.
        head: lines on whose it is, and who made this when.
        entries: the texts, oldest first.
    """

    title: str
    head: Sequence[str]
    entries: Sequence[Entry]

    def as_text(self) -> str:
        """Plain text, closed by a checksum of all that stands above it."""
        lines = [self.title, *self.head, ""]
        for entry in self.entries:
            lines += [f"{entry.at} | {entry.who}", entry.body]
            lines += [f"({entry.standing})", ""] if entry.standing else [""]
        text = "\n".join(lines)
        return f"{text}\nSHA-256: {hashlib.sha256(text.encode()).hexdigest()}\n"

    def as_pdf(self) -> bytes:
        """Pages of US letter with their numbers."""
        from reportlab.lib.pagesizes import letter
        from reportlab.lib.styles import ParagraphStyle
        from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

        font = _font()
        plain = ParagraphStyle("plain", fontName=_FONT, fontSize=9.5, leading=13)
        small = ParagraphStyle("small", plain, fontSize=8, leading=11, spaceBefore=8)
        large = ParagraphStyle("large", plain, fontSize=14, leading=20)

        def paragraph(text: str, style: ParagraphStyle) -> Paragraph:
            return Paragraph(_marked(text, font), style)

        parts = [paragraph(self.title, large)]
        parts += [paragraph(line, plain) for line in self.head]
        parts.append(Spacer(1, 12))
        for entry in self.entries:
            foot = f"{entry.at} | {entry.who}"
            parts.append(paragraph(foot, small))
            parts.append(paragraph(entry.body, plain))
            if entry.standing:
                parts.append(paragraph(f"({entry.standing})", small))
        pages = io.BytesIO()
        document = SimpleDocTemplate(pages, pagesize=letter, title=self.title)
        document.build(parts, onFirstPage=_number, onLaterPages=_number)
        return pages.getvalue()


def texts(
    session: Session, row: SmsConversation, *, patient_ref: str = "", most: int = MOST
) -> Iterator[Sequence[SmsMessage]]:
    """Texts of a conversation in batches, the newest first.

    Args:
        session: of the request.
        row: the conversation.
        patient_ref: only texts about this patient of a shared phone.
        most: the last so many.
    """
    wanted = list(inbox.in_thread(row))
    if patient_ref:
        wanted.append(SmsMessage.patient_ref == patient_ref)
    before, left = None, most
    while left > 0:
        query = sa.select(SmsMessage).where(*wanted)
        if before is not None:
            query = query.where(SmsMessage.id < before)
        newest = query.order_by(SmsMessage.id.desc()).limit(min(BATCH, left))
        found = session.scalars(newest).all()
        if not found:
            return
        yield found
        before, left = found[-1].id, left - len(found)


def count(session: Session, row: SmsConversation, *, patient_ref: str = "") -> int:
    """How many texts a document would have; none is counted beyond ``MOST``."""
    wanted = list(inbox.in_thread(row))
    if patient_ref:
        wanted.append(SmsMessage.patient_ref == patient_ref)
    some = sa.select(SmsMessage.id).where(*wanted).limit(MOST).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def _font() -> TTFont:
    """The font that comes with the library; it has the signs of Western languages."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    if _FONT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(_FONT, "Vera.ttf"))
    return pdfmetrics.getFont(_FONT)


def _marked(text: str, font: TTFont) -> str:
    """A text as the pages can show it: what the font lacks is named in brackets."""
    known = font.face.charToGlyph
    shown = "".join(
        sign if ord(sign) in known or sign == "\n" else _named(sign) for sign in text
    )
    return escape(shown).replace("\n", "<br/>") or " "


def _named(sign: str) -> str:
    # Marks of direction and joiners show nothing and would be named for nothing.
    if unicodedata.category(sign) in {"Cf", "Cc", "Mn", "Cs"}:
        return ""
    return f"[{unicodedata.name(sign, f'U+{ord(sign):04X}').lower()}]"


def _number(canvas: Any, document: Any) -> None:
    canvas.setFont(_FONT, 8)
    right = document.pagesize[0] - 72
    canvas.drawRightString(right, 36, str(canvas.getPageNumber()))
