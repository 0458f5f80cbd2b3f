"""Letters that staff asked for because a text did not arrive."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from host_app.models.base import Base, UtcDateTime
from host_app.models.billing import Invoice
from host_app.models.patient import Patient
from host_app.models.practice import Practice


class LetterRequest(Base):
    """A letter in place of one text; the plugin's id of the text makes it one."""

    __tablename__ = "portal_letter_request"

    id: Mapped[int] = mapped_column(primary_key=True)
    text_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    practice_id: Mapped[int] = mapped_column(ForeignKey(Practice.id))
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), index=True)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey(Invoice.id), index=True)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
