"""The demo's invented practices, users, patients and logins."""

from __future__ import annotations

from host_app.roles import ADMIN, STAFF, SUPPORT, VIEWER
from host_app.seed_cases import CASES
from host_app.seed_crowd import CROWD
from host_app.seed_shapes import (
    HARBOR,
    QUIET,
    STEPS,
    DemoPatient,
    DemoPractice,
    DemoUser,
)

__all__ = ["HARBOR", "LOGINS", "PATIENTS", "PRACTICES", "QUIET", "STEPS", "USERS"]

PRACTICES = (
    DemoPractice(
        HARBOR,
        "Harbor Light Pharmacy",
        "(415) 555-0100",
        "America/Los_Angeles",
        ("Harbor Light North", "Harbor Light South"),
        usual_rows=20,
        uploader="biller",
    ),
    DemoPractice(
        STEPS,
        "Stepping Stones Therapy",
        "(212) 555-0100",
        "America/New_York",
        uploader="floater",
    ),
    DemoPractice(
        QUIET,
        "Quiet Valley Clinic",
        "(312) 555-0100",
        "America/Chicago",
        usual_rows=3,
        uploader="quiet",
    ),
)

USERS = (
    DemoUser("support", "Sam", "Support", SUPPORT, "SMS Support"),
    DemoUser("admin", "Ada", "Admin", ADMIN, "SMS Admin", (HARBOR,)),
    DemoUser("biller", "Bill", "Biller", STAFF, "SMS Biller", (HARBOR,)),
    DemoUser("frontdesk", "Fran", "Frontdesk", VIEWER, "SMS Front Desk", (HARBOR,)),
    DemoUser("viewer", "Vera", "Viewer", VIEWER, "SMS Viewer", (HARBOR,)),
    DemoUser("operator", "Otto", "Operator", "", "SMS Operator"),
    DemoUser("floater", "Flo", "Floater", ADMIN, "SMS Admin", (HARBOR, STEPS)),
    DemoUser("quiet", "Quentin", "Quiet", ADMIN, "SMS Admin", (QUIET,)),
    DemoUser(
        "former", "Fred", "Former", STAFF, "SMS Biller", (HARBOR,), is_active=False
    ),
)

PATIENTS: dict[str, tuple[DemoPatient, ...]] = {
    practice: (*CASES[practice], *CROWD[practice]) for practice in CASES
}

# Email, name, and the accounts that the login owns.
LOGINS = (
    ("olivia@example.com", "Olivia Open", ("H1001",)),
    ("ana@example.com", "Ana Español", ("H1010",)),
    ("daughter@example.com", "Dora Daughter", ("H1036", "H1037")),
    ("mona@example.com", "Mona Mother", ("H1016", "H1017", "H1018", "H1019")),
    ("autumn@example.com", "Autumn Autopay", ("H1008",)),
    ("fay@example.com", "Fay Failed-Expired", ("H1026",)),
    ("polly@example.com", "Polly Plan", ("H1022",)),
    ("portia@example.com", "Portia Portal-Optout", ("H1032",)),
    ("paige@example.com", "Paige Portal-Stopped", ("H1068",)),
)
