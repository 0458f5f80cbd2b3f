"""Permissions and the roles that ``flask sms init`` makes from them.

Each view has a permission name of its own and two permissions: read and write. Views
that share a name ask for the same two, because Flask-AppBuilder drops what one of them
does not ask for.
"""

from __future__ import annotations

READ, WRITE = "can_read", "can_write"

DASHBOARD = "SMS Dashboard"
PRACTICES = "SMS Practices"
SETTINGS = "SMS Settings"
NUMBERS = "SMS Numbers"
TEMPLATES = "SMS Templates"
PHONES = "SMS Patient Phones"
JOBS = "SMS Jobs"
PENDING = "SMS Pending Texts"
MESSAGES = "SMS Messages"
USAGE = "SMS Usage"
INBOX = "SMS Inbox"
TASKS = "SMS To Do"
CONSENTS = "SMS Consent Ledger"
EVENTS = "SMS Webhook Events"
AUDIT = "SMS Audit Log"
OPERATIONS = "SMS Operations"
STRAYS = "SMS Unassigned Numbers"

CATEGORY = "SMS"


def entry_name(view: str) -> str:
    """Name of a view's menu entry, which ``menu_access`` is given on.

    It differs from the view's own name: Flask-AppBuilder takes permissions away that
    stand on the name of a view and are none of the view's.
    """
    return f"{view} Menu"


_BOTH = (READ, WRITE)
_READ = (READ,)

ROLES: dict[str, dict[str, tuple[str, ...]]] = {
    "SMS Support": {PRACTICES: _BOTH, STRAYS: _BOTH},
    "SMS Admin": {
        DASHBOARD: _READ,
        SETTINGS: _BOTH,
        NUMBERS: _BOTH,
        TEMPLATES: _BOTH,
        PHONES: _BOTH,
        JOBS: _READ,
        PENDING: _BOTH,
        MESSAGES: _BOTH,
        USAGE: _READ,
        INBOX: _BOTH,
        TASKS: _BOTH,
        CONSENTS: _READ,
        AUDIT: _READ,
    },
    "SMS Biller": {
        DASHBOARD: _READ,
        TEMPLATES: _READ,
        PHONES: _BOTH,
        JOBS: _READ,
        PENDING: _BOTH,
        MESSAGES: _BOTH,
        USAGE: _READ,
        INBOX: _BOTH,
        TASKS: _BOTH,
    },
    "SMS Front Desk": {
        DASHBOARD: _READ,
        PHONES: _BOTH,
        INBOX: _BOTH,
        TASKS: _BOTH,
    },
    "SMS Viewer": {
        DASHBOARD: _READ,
        JOBS: _READ,
        PENDING: _READ,
        MESSAGES: _READ,
        INBOX: _READ,
        TASKS: _READ,
    },
    "SMS Operator": {
        OPERATIONS: _BOTH,
        STRAYS: _BOTH,
        EVENTS: _READ,
        AUDIT: _READ,
    },
}
