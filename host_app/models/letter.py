"""Letters that staff asked for because a text did not arrive."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from host_app.models.base import Base, UtcDateTime
from host_app.models.billing import Invoice
from host_app.models.patient import Patient
from host_app.models.practice import Practice


class LetterRequest(Base):
    """A letter in place of one text; the plugin's id of the text makes it one.

    ``sent_by`` said at ``sent_at`` that the letter went out.
    """

    __tablename__ = "portal_letter_request"

    id: Mapped[int] = mapped_column(primary_key=True)
    text_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    practice_id: Mapped[int] = mapped_column(ForeignKey(Practice.id), index=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), index=True)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey(Invoice.id), index=True)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_by: Mapped[str] = mapped_column(String(100), default="")

    practice: Mapped[Practice] = relationship(lazy="joined", innerjoin=True)
    patient: Mapped[Patient] = relationship(lazy="joined", innerjoin=True)
    invoice: Mapped[Invoice | None] = relationship(lazy="joined")

    def __str__(self) -> str:
        return f"Letter to {self.patient}"
