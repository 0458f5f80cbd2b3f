"""Account holders, whom their bills go to, and who signs in to the patient portal."""

from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import (
    Column,
    Enum,
    ForeignKey,
    Index,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from host_app.models.base import Base, Lockable
from host_app.models.practice import Location, Practice


class AccountStatus(StrEnum):
    """Every status that an account can have."""

    NEW = "New"
    INVOICE = "Invoice"
    LETTER_SERIES = "Letter Series"
    COLLECTIONS_PENDING = "Collections Pending"
    COLLECTIONS = "Collections"
    COLLECTIONS_COMPLETE = "Collections Complete"
    PAYMENT_PLAN = "Payment Plan"
    PAYMENT_PLAN_LATE = "Payment Plan Late"
    PAID_IN_FULL = "Paid in Full/Adj."
    PAUSED = "Paused"
    CANCELLED = "Cancelled"


class Guarantor(Base):
    """Whom bills are addressed to where that is not the patient."""

    __tablename__ = "portal_guarantor"

    id: Mapped[int] = mapped_column(primary_key=True)
    practice_id: Mapped[int] = mapped_column(ForeignKey(Practice.id), index=True)
    name: Mapped[str] = mapped_column(String(100))

    practice: Mapped[Practice] = relationship(lazy="joined", innerjoin=True)
    patients: Mapped[list["Patient"]] = relationship(
        back_populates="guarantor", order_by="Patient.last_name, Patient.first_name"
    )

    def __str__(self) -> str:
        return self.name


class Patient(Lockable, Base):
    """An account holder; the lock guards the identity check of the pay page.

    ``balance_cents`` is the sum of all invoices; see ``models.billing``.
    """

    __tablename__ = "portal_patient"
    __table_args__ = (
        UniqueConstraint("practice_id", "account_number"),
        Index("ix_portal_patient_name", "practice_id", "last_name", "first_name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    practice_id: Mapped[int] = mapped_column(ForeignKey(Practice.id))
    location_id: Mapped[int | None] = mapped_column(ForeignKey(Location.id))
    guarantor_id: Mapped[int | None] = mapped_column(
        ForeignKey(Guarantor.id), index=True
    )
    account_number: Mapped[str] = mapped_column(String(40))
    first_name: Mapped[str] = mapped_column(String(100), default="")
    last_name: Mapped[str] = mapped_column(String(100))
    born_on: Mapped[date | None]
    language: Mapped[str] = mapped_column(String(2), default="en")
    email: Mapped[str] = mapped_column(String(200), default="")
    street: Mapped[str] = mapped_column(String(200), default="")
    city: Mapped[str] = mapped_column(String(100), default="")
    state: Mapped[str] = mapped_column(String(2), default="")
    zip: Mapped[str] = mapped_column(String(10), default="")
    timezone: Mapped[str] = mapped_column(String(50), default="")
    agency: Mapped[str] = mapped_column(String(100), default="")
    status: Mapped[AccountStatus] = mapped_column(
        Enum(AccountStatus, native_enum=False, length=30), default=AccountStatus.NEW
    )
    autopay_on: Mapped[bool] = mapped_column(default=False)
    delivery_paper: Mapped[bool] = mapped_column(default=True)
    delivery_email: Mapped[bool] = mapped_column(default=False)

    practice: Mapped[Practice] = relationship(lazy="joined", innerjoin=True)
    location: Mapped[Location | None] = relationship(lazy="joined")
    guarantor: Mapped[Guarantor | None] = relationship(back_populates="patients")
    phones: Mapped[list["PatientPhone"]] = relationship(
        order_by="PatientPhone.position", cascade="all, delete-orphan"
    )

    if TYPE_CHECKING:
        balance_cents: Mapped[int]

    def __str__(self) -> str:
        return f"{self.name} ({self.account_number})"

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def sorted_name(self) -> str:
        """Last name first, as lists are sorted."""
        return f"{self.last_name}, {self.first_name}" if self.first_name else self.name

    @property
    def address(self) -> str:
        """Street, city, state and ZIP in one line, as far as they are known."""
        place = ", ".join(part for part in (self.city, self.state) if part)
        return ", ".join(part for part in (self.street, f"{place} {self.zip}") if part)


class PatientPhone(Base):
    """A phone on file, as it was written and, where it is a US number, as E.164."""

    __tablename__ = "portal_patient_phone"

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), index=True)
    number: Mapped[str] = mapped_column(String(40))
    e164: Mapped[str] = mapped_column(String(16), index=True)
    label: Mapped[str] = mapped_column(String(40), default="")
    position: Mapped[int] = mapped_column(default=0)


portal_login_patient = Table(
    "portal_login_patient",
    Base.metadata,
    Column("login_id", ForeignKey("portal_login.id"), primary_key=True),
    Column("patient_id", ForeignKey(Patient.id), primary_key=True),
)


class PortalLogin(Lockable, Base):
    """Who signs in to the patient portal: a patient, or a daughter with two parents."""

    __tablename__ = "portal_login"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(200), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    password_hash: Mapped[str] = mapped_column(String(200))

    patients: Mapped[list[Patient]] = relationship(
        secondary=portal_login_patient, order_by=Patient.id
    )

    def owns(self, patient_id: int) -> bool:
        """Whether this login may see the account of that patient."""
        return any(patient.id == patient_id for patient in self.patients)
