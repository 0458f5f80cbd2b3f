"""Patients who each show one case, under a name that tells it; see docs/demo.md.

Phones are from the block 555-0100 to 555-0199, which nobody owns.
"""

from __future__ import annotations

from host_app.models import AccountStatus as Status
from host_app.processor import EXPIRED, NO_FUNDS
from host_app.seed_shapes import (
    HARBOR,
    QUIET,
    STEPS,
    DemoCard,
    DemoPatient,
    DemoPlan,
    mobile,
)

FAMILY = (("(415) 555-0116", "mother's mobile"),)
ROOMMATES = (("(415) 555-0120", "shared house"),)
SEASIDE = "Seaside Care Home"


def _case(
    number: int, first: str, last: str, phone: int | str, **more: object
) -> DemoPatient:
    """A patient of Harbor Light: account ``H1…`` and the last two digits of a phone."""
    written = f"(415) 555-01{phone:02d}" if isinstance(phone, int) else phone
    return DemoPatient(f"H{number}", first, last, mobile(written), **more)  # type: ignore[arg-type]  # fields of DemoPatient


HARBOR_CASES = (
    _case(1001, "Olivia", "Open", 1, email="olivia@example.com"),
    # Statuses of the account
    _case(1002, "Paula", "Paused", 2, status=Status.PAUSED),
    _case(1003, "Carl", "Cancelled", 3, status=Status.CANCELLED),
    _case(
        1004, "Cora", "Collections-Pending", 4, age_days=155,
        status=Status.COLLECTIONS_PENDING,
    ),
    _case(1005, "Felix", "Fully-Paid", 5, cents=0, status=Status.PAID_IN_FULL),
    _case(1043, "Colin", "Collections", 43, age_days=200, status=Status.COLLECTIONS),
    _case(
        1044, "Cody", "Collections-Complete", 44, cents=0, age_days=400,
        status=Status.COLLECTIONS_COMPLETE,
    ),
    _case(1045, "Nell", "New", 45, age_days=0, status=Status.NEW),
    _case(1024, "Lena", "Letter", 24, age_days=35, status=Status.LETTER_SERIES),
    _case(
        1025, "Lou", "Latefee", 25, cents=9_950, age_days=65, late_fee_cents=1_500,
        status=Status.LETTER_SERIES,
    ),
    # Balances
    _case(1006, "Zora", "Zero", 6, cents=0),
    _case(1007, "Cleo", "Credit", 7, cents=-2_500),
    # Autopay and plans
    _case(1008, "Autumn", "Autopay", 8, card=DemoCard(), email="autumn@example.com"),
    _case(
        1026, "Fay", "Failed-Expired", 26, email="fay@example.com",
        card=DemoCard("1881", 3, expired=True, failures=(EXPIRED,)),
    ),
    _case(
        1039, "Ian", "Failed-Nofunds", 39,
        card=DemoCard("9995", 1, failures=(NO_FUNDS, NO_FUNDS)),
    ),
    _case(
        1022, "Polly", "Plan", 22, cents=30_000, age_days=100,
        status=Status.PAYMENT_PLAN, plan=DemoPlan(60_000, 10_000, 2),
        email="polly@example.com",
    ),
    _case(
        1023, "Larry", "Lateplan", 23, cents=45_000, age_days=70,
        status=Status.PAYMENT_PLAN_LATE, plan=DemoPlan(60_000, 15_000, -12),
    ),
    # Who is billed, and who the patient is
    _case(1009, "Agnes", "Agency", 9, agency=SEASIDE, years=88),
    _case(1041, "Agatha", "Agency-Neighbor", 41, agency=SEASIDE, years=91),
    _case(1042, "Agnew", "Agency-Neighbor", 42, agency=SEASIDE, years=84),
    _case(1013, "Estate of Walter", "Winter", 13),
    _case(
        1040, "Minnie", "Minor", 40, years=9, guarantor="Max Minor-Guardian",
    ),
    # Names and languages
    _case(1010, "Ana", "Español", 10, language="es", email="ana@example.com"),
    _case(1011, "Zoë 🌻", "Ångström", 11),
    _case(
        1012, "Bartholomew-Maximilian Alexander",
        "Featherstone-Longname of Upper Saddlebrook and Lower Meadowvale", 12,
    ),
    # Phones
    DemoPatient("H1014", "Nora", "Nophone", ()),
    DemoPatient(
        "H1015", "Theo", "Threephones",
        (
            ("(415) 555-0115", "mobile"),
            ("(415) 555-0190", "landline"),
            ("(415) 555-0191", "disconnected"),
        ),
    ),
    DemoPatient("H1016", "Mona", "Mother", FAMILY, years=41),
    DemoPatient("H1017", "Kim", "Child", FAMILY, years=12, guarantor="Mona Mother"),
    DemoPatient("H1018", "Kai", "Child", FAMILY, years=9, guarantor="Mona Mother"),
    DemoPatient("H1019", "Kit", "Child", FAMILY, years=6, guarantor="Mona Mother"),
    DemoPatient("H1020", "Sue", "Samephone", ROOMMATES),
    DemoPatient("H1021", "Stan", "Samephone-Stranger", ROOMMATES),
    DemoPatient("H1038", "Landon", "Landline", (("(415) 555-0138", "home"),)),
    _case(1048, "Uma", "Unreachable", 48),
    _case(1049, "Phil", "Filtered", 49),
    _case(1060, "Sid", "Silent", 60),
    _case(1066, "Frida", "Failed", 66),
    _case(1067, "Ursula", "Unknown", 67),
    # Places
    _case(1027, "Haku", "Hawaii", "(808) 555-0127", state="HI", city="Hilo"),
    _case(1028, "Ari", "Arizona", "(602) 555-0128", state="AZ", city="Phoenix"),
    _case(
        1029, "Pilar", "Puertorico", "(787) 555-0129", state="PR", city="San Juan",
        language="es",
    ),
    _case(1030, "Wanda", "Wrongzone", "(212) 555-0130"),
    # Consent, and what patients write
    _case(1031, "Steve", "Stop", 31),
    _case(1032, "Portia", "Portal-Optout", 32, email="portia@example.com"),
    _case(1033, "Noah", "Noconsent", 33),
    _case(1034, "Una", "Unknown-Consent", 34),
    _case(1035, "Wren", "Wrongnumber", 35),
    _case(1061, "Lola", "Longtalk", 61),
    _case(1062, "Wes", "Waiting", 62),
    # Texts that do not go out
    _case(1046, "Pam", "Paid-Meanwhile", 46),
    _case(1047, "Pat", "Paid-Meanwhile", 47),
    _case(1063, "Rita", "Rejected", 63),
    # One login for two
    _case(1036, "Pete", "Parent", 36, years=79),
    _case(1037, "Petra", "Parent", 37, years=77),
    _case(1068, "Paige", "Portal-Stopped", 68, email="paige@example.com"),
)  # fmt: skip

STEPS_CASES = (
    DemoPatient("S2001", "Tia", "Therapy", mobile("(212) 555-0101"), state="NY"),
    # The same person, name and phone as at Harbor Light; neither practice may know.
    DemoPatient("S2002", "Olivia", "Open", mobile("+1 415-555-0101"), cents=12_000),
    DemoPatient(
        "S2003", "Gus", "Guarded", mobile("(212) 555-0103"), state="NY", years=7,
        guarantor="Greta Guardian",
    ),
)  # fmt: skip

QUIET_CASES = (
    DemoPatient("Q3001", "Quinn", "Quiet", mobile("(312) 555-0101"), state="IL"),
)

CASES = {HARBOR: HARBOR_CASES, STEPS: STEPS_CASES, QUIET: QUIET_CASES}
