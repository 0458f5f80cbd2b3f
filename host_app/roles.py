"""The portal's roles: what each may open, and which of them an admin may give."""

from __future__ import annotations

from flask import current_app

ADMIN, STAFF, VIEWER, SUPPORT = (
    "Portal Admin", "Portal Staff", "Portal Viewer", "Portal Support",
)  # fmt: skip
GIVEN_BY_ADMINS = (ADMIN, STAFF, VIEWER)
# Roles of add-ons are an admin's to give too, but for those that see every practice.
ADD_ON_PREFIX = "SMS "
KEPT_FROM_ADMINS = frozenset({"SMS Support", "SMS Operator"})

READ = ("can_list", "can_show")
Permissions = dict[str, tuple[str, ...]]

_VIEWER: Permissions = {
    "PatientView": READ,
    "GuarantorView": READ,
    "InvoiceView": READ,
    "PaymentView": READ,
    "PlanView": READ,
    "AutopayView": READ,
    "LetterView": ("can_list",),
    "JobView": READ,
    "SettingsView": ("can_read",),
}
_STAFF: Permissions = _VIEWER | {
    "PatientView": (*READ, "can_edit"),
    "AutopayView": (*READ, "can_charge"),
    "PlanView": (*READ, "can_text"),
    "LetterView": ("can_list", "can_send"),
    "JobView": (*READ, "can_upload"),
}
_ADMIN: Permissions = _STAFF | {
    "StaffView": ("can_list", "can_edit"),
    "SettingsView": ("can_read", "can_write"),
}
_SUPPORT: Permissions = _ADMIN | {"PracticeView": (*READ, "can_edit")}

_VIEWER_MENU = (
    *("Dashboard", "Accounts", "All accounts", "Responsible parties"),
    *("Billing", "Invoices", "Payments", "Payment plans", "Autopay"),
    "Letters",
    *("Jobs", "All jobs", "Settings", "Practice settings"),
)
_STAFF_MENU = (*_VIEWER_MENU, "Upload a statement")
_ADMIN_MENU = (*_STAFF_MENU, "Users")

ROLES = {
    VIEWER: (_VIEWER, _VIEWER_MENU),
    STAFF: (_STAFF, _STAFF_MENU),
    ADMIN: (_ADMIN, _ADMIN_MENU),
    SUPPORT: (_SUPPORT, (*_ADMIN_MENU, "Practices")),
}


def make_roles() -> None:
    """Make the roles and bring their permissions up to date."""
    manager = current_app.appbuilder.sm  # type: ignore[attr-defined]  # set by FAB
    for name, (views, menu) in ROLES.items():
        role = manager.add_role(name)
        pairs = {(word, view) for view, words in views.items() for word in words}
        pairs |= {("menu_access", item) for item in menu}
        # All at once: FAB's own call looks each up again, and commits each.
        held = {
            (found.permission.name, found.view_menu.name) for found in role.permissions
        }
        role.permissions += [
            manager.add_permission_view_menu(*pair) for pair in sorted(pairs - held)
        ]
    manager.session.commit()


def add_on_roles() -> list[str]:
    """Names of the add-ons' roles that an admin may give."""
    manager = current_app.appbuilder.sm  # type: ignore[attr-defined]  # set by FAB
    names = {role.name for role in manager.get_all_roles()}
    return sorted(
        name for name in names - KEPT_FROM_ADMINS if name.startswith(ADD_ON_PREFIX)
    )
