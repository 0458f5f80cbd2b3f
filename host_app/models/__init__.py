"""The tables of the portal."""

from host_app.models.base import Base, UtcDateTime, public_id
from host_app.models.billing import (
    AutopayAttempt,
    AutopayEnrollment,
    AutopayState,
    Invoice,
    Payment,
    PaymentMethod,
    PaymentPlan,
    PlanState,
)
from host_app.models.job import Job, JobItem, JobKind, JobProblem, JobState
from host_app.models.letter import LetterRequest
from host_app.models.patient import (
    AccountStatus,
    Guarantor,
    Patient,
    PatientPhone,
    PortalLogin,
)
from host_app.models.practice import Location, Practice, StaffMembership
from host_app.models.usage import UsageCharge

__all__ = [
    "AccountStatus",
    "AutopayAttempt",
    "AutopayEnrollment",
    "AutopayState",
    "Base",
    "Guarantor",
    "Invoice",
    "Job",
    "JobItem",
    "JobKind",
    "JobProblem",
    "JobState",
    "LetterRequest",
    "Location",
    "Patient",
    "PatientPhone",
    "Payment",
    "PaymentMethod",
    "PaymentPlan",
    "PlanState",
    "PortalLogin",
    "Practice",
    "StaffMembership",
    "UsageCharge",
    "UtcDateTime",
    "public_id",
]
