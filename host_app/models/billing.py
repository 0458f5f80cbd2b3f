"""Bills, the money that came in for them, payment plans and autopay."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Enum, ForeignKey, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from host_app.models.base import Base, UtcDateTime, public_id
from host_app.models.patient import Patient
from host_app.models.practice import Practice


class PaymentMethod(StrEnum):
    """How money came in."""

    CARD = "card"
    AUTOPAY = "autopay"
    CHECK = "check"


class PlanState(StrEnum):
    """How a payment plan stands."""

    ACTIVE = "Active"
    LATE = "Late"
    DONE = "Paid off"
    CANCELLED = "Cancelled"


class AutopayState(StrEnum):
    """Whether a card is charged by itself."""

    ON = "On"
    FAILED = "Failed"
    OFF = "Off"


class Invoice(Base):
    """A bill; the late fee is part of its balance."""

    __tablename__ = "portal_invoice"
    __table_args__ = (UniqueConstraint("patient_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(64), unique=True, default=public_id)
    practice_id: Mapped[int] = mapped_column(ForeignKey(Practice.id), index=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id))
    number: Mapped[str] = mapped_column(String(40))
    issued_on: Mapped[date]
    due_on: Mapped[date | None]
    balance_cents: Mapped[int]
    late_fee_cents: Mapped[int] = mapped_column(default=0)
    paid_on: Mapped[date | None]

    practice: Mapped[Practice] = relationship(lazy="joined", innerjoin=True)
    patient: Mapped[Patient] = relationship(lazy="joined", innerjoin=True)

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        """Whether anything is still owed."""
        return self.balance_cents > 0


class Payment(Base):
    """Money that came in for an invoice."""

    __tablename__ = "portal_payment"

    id: Mapped[int] = mapped_column(primary_key=True)
    practice_id: Mapped[int] = mapped_column(ForeignKey(Practice.id), index=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), index=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey(Invoice.id), index=True)
    amount_cents: Mapped[int]
    method: Mapped[PaymentMethod] = mapped_column(
        Enum(PaymentMethod, native_enum=False, length=20)
    )
    reference: Mapped[str] = mapped_column(String(64), unique=True, default=public_id)
    paid_at: Mapped[datetime] = mapped_column(UtcDateTime)

    practice: Mapped[Practice] = relationship(lazy="joined", innerjoin=True)
    patient: Mapped[Patient] = relationship(lazy="joined", innerjoin=True)
    invoice: Mapped[Invoice] = relationship(lazy="joined", innerjoin=True)

    def __str__(self) -> str:
        return self.reference


class PaymentPlan(Base):
    """An agreement to pay one invoice in monthly instalments."""

    __tablename__ = "portal_payment_plan"

    id: Mapped[int] = mapped_column(primary_key=True)
    practice_id: Mapped[int] = mapped_column(ForeignKey(Practice.id), index=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), index=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey(Invoice.id), unique=True)
    agreed_on: Mapped[date]
    total_cents: Mapped[int]
    instalment_cents: Mapped[int]
    next_due_on: Mapped[date | None]
    state: Mapped[PlanState] = mapped_column(
        Enum(PlanState, native_enum=False, length=20), default=PlanState.ACTIVE
    )

    practice: Mapped[Practice] = relationship(lazy="joined", innerjoin=True)
    patient: Mapped[Patient] = relationship(lazy="joined", innerjoin=True)
    invoice: Mapped[Invoice] = relationship(lazy="joined", innerjoin=True)

    def __str__(self) -> str:
        return f"Plan of {self.patient}"

    @property
    def is_running(self) -> bool:
        """Whether instalments are still to come."""
        return self.state in {PlanState.ACTIVE, PlanState.LATE}

    @property
    def next_instalment_cents(self) -> int:
        """What is due next: an instalment, or the rest where that is less."""
        return min(self.instalment_cents, max(self.invoice.balance_cents, 0))


class AutopayEnrollment(Base):
    """A card that is charged each month for what an account owes.

    Of the card only its end and its expiry are kept; the rest is with the processor.
    """

    __tablename__ = "portal_autopay"

    id: Mapped[int] = mapped_column(primary_key=True)
    practice_id: Mapped[int] = mapped_column(ForeignKey(Practice.id), index=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), unique=True)
    last4: Mapped[str] = mapped_column(String(4))
    expires_on: Mapped[date]
    day: Mapped[int]
    state: Mapped[AutopayState] = mapped_column(
        Enum(AutopayState, native_enum=False, length=20), default=AutopayState.ON
    )
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)

    practice: Mapped[Practice] = relationship(lazy="joined", innerjoin=True)
    patient: Mapped[Patient] = relationship(lazy="joined", innerjoin=True)
    attempts: Mapped[list["AutopayAttempt"]] = relationship(
        order_by="AutopayAttempt.id.desc()", back_populates="enrollment"
    )

    def __str__(self) -> str:
        return f"Autopay of {self.patient}"


class AutopayAttempt(Base):
    """One try to charge a card by itself; *reason* is empty where it worked."""

    __tablename__ = "portal_autopay_attempt"

    id: Mapped[int] = mapped_column(primary_key=True)
    practice_id: Mapped[int] = mapped_column(ForeignKey(Practice.id), index=True)
    enrollment_id: Mapped[int] = mapped_column(
        ForeignKey(AutopayEnrollment.id), index=True
    )
    invoice_id: Mapped[int] = mapped_column(ForeignKey(Invoice.id))
    amount_cents: Mapped[int]
    reason: Mapped[str] = mapped_column(String(200), default="")
    tried_at: Mapped[datetime] = mapped_column(UtcDateTime)

    enrollment: Mapped[AutopayEnrollment] = relationship(back_populates="attempts")
    invoice: Mapped[Invoice] = relationship()


# Here, because the sum is over a table that itself points to patients.
Patient.balance_cents = column_property(
    select(func.coalesce(func.sum(Invoice.balance_cents), 0))
    .where(Invoice.patient_id == Patient.id)
    .correlate_except(Invoice)
    .scalar_subquery()
)
