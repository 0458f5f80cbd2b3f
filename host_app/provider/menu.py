"""Every staff view and its place in the menu."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host_app import ladder
from host_app.provider import marks
from host_app.provider.accounts import GuarantorView, PatientView
from host_app.provider.billing import AutopayView, InvoiceView, PaymentView, PlanView
from host_app.provider.jobs import JobView
from host_app.provider.letters import LetterView
from host_app.provider.scope import current_practice, is_support, visible_practices
from host_app.provider.settings import PracticeView, SettingsView
from host_app.provider.staff import StaffView

if TYPE_CHECKING:
    from flask import Flask
    from flask_appbuilder import AppBuilder


def register(app: Flask, appbuilder: AppBuilder) -> None:
    """Add the views; the portal's own sections come before those of add-ons."""
    of_others = list(appbuilder.menu.menu)
    appbuilder.menu.menu.clear()
    appbuilder.add_link("Dashboard", href="/", icon="fa-home")
    for view, name, icon, category in (
        (PatientView, "All accounts", "fa-users", "Accounts"),
        (GuarantorView, "Responsible parties", "fa-user-circle", "Accounts"),
        (InvoiceView, "Invoices", "fa-file-text", "Billing"),
        (PaymentView, "Payments", "fa-credit-card", "Billing"),
        (PlanView, "Payment plans", "fa-calendar", "Billing"),
        (AutopayView, "Autopay", "fa-refresh", "Billing"),
        (LetterView, "Letters", "fa-envelope", "Billing"),
        (JobView, "All jobs", "fa-list", "Jobs"),
    ):
        appbuilder.add_view(view, name, icon=icon, category=category)
    appbuilder.add_link(
        "Upload a statement",
        href="/portal/jobs/upload",
        icon="fa-upload",
        category="Jobs",
    )
    appbuilder.menu.menu.extend(of_others)
    appbuilder.add_view(StaffView, "Users", icon="fa-id-badge")
    for view, name, icon in (
        (SettingsView, "Practice settings", "fa-cog"),
        (PracticeView, "Practices", "fa-hospital-o"),
    ):
        appbuilder.add_view(view, name, icon=icon, category="Settings")
    app.context_processor(_names)


def _names() -> dict[str, object]:
    """What templates of the staff's pages ask for by name."""
    return {
        "visible_practices": visible_practices,
        "current_practice": current_practice,
        "is_support": is_support,
        "badge": marks.badge,
        "paid": marks.paid,
        "step": lambda item: ladder.words_of(item.kind, item.step),
    }
