"""Statement files and what became of their rows."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Enum, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from host_app.models.base import Base, UtcDateTime
from host_app.models.billing import Invoice
from host_app.models.patient import Patient
from host_app.models.practice import Practice


class JobKind(StrEnum):
    """What a job is made of."""

    STATEMENT = "statement"
    PLANS = "plans"


class JobState(StrEnum):
    """What became of an uploaded file."""

    COMPLETED = "Completed"
    FAILED = "Failed"


class Job(Base):
    """The processing of one uploaded statement file, or of payment plans."""

    __tablename__ = "portal_job"

    id: Mapped[int] = mapped_column(primary_key=True)
    practice_id: Mapped[int] = mapped_column(ForeignKey(Practice.id), index=True)
    kind: Mapped[JobKind] = mapped_column(
        Enum(JobKind, native_enum=False, length=20), default=JobKind.STATEMENT
    )
    file_name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64), default="")
    uploaded_by: Mapped[str] = mapped_column(String(100))
    uploaded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[JobState] = mapped_column(
        Enum(JobState, native_enum=False, length=20), default=JobState.COMPLETED
    )
    row_count: Mapped[int] = mapped_column(default=0)
    item_count: Mapped[int] = mapped_column(default=0)
    bad_count: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    handed_over_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    practice: Mapped[Practice] = relationship(lazy="joined", innerjoin=True)

    def __str__(self) -> str:
        return f"{self.file_name} ({self.uploaded_at:%Y-%m-%d})"


class JobItem(Base):
    """One good row of a statement file: what is sent about which bill."""

    __tablename__ = "portal_job_item"
    __table_args__ = (Index("ix_portal_job_item_job", "job_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey(Job.id))
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id))
    invoice_id: Mapped[int] = mapped_column(ForeignKey(Invoice.id))
    kind: Mapped[str] = mapped_column(String(20))
    step: Mapped[str] = mapped_column(String(20))
    problem: Mapped[str] = mapped_column(String(200), default="")

    patient: Mapped[Patient] = relationship()
    invoice: Mapped[Invoice] = relationship()


class JobProblem(Base):
    """One row of a statement file that could not be taken, and why."""

    __tablename__ = "portal_job_problem"

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey(Job.id), index=True)
    line: Mapped[int]
    reason: Mapped[str] = mapped_column(String(300))
