"""The first page, and the switch between practices."""

from __future__ import annotations

from typing import Any

from flask import redirect, request, url_for
from flask_appbuilder import IndexView, expose
from sqlalchemy import select

from host_app import clock, figures, texting
from host_app.database import db
from host_app.models import Job, Payment
from host_app.provider.scope import current_practice_ids, switch_to, visible_practices

SHOWN = 5
# Sections that have a list to stand on after a switch.
SECTIONS = frozenset(
    {
        "PatientView", "GuarantorView", "InvoiceView", "PaymentView", "PlanView",
        "AutopayView", "JobView", "StaffView", "PracticeView",
    }
)  # fmt: skip


class PortalIndex(IndexView):
    """The first page: how the practice stands, and what to do next."""

    @expose("/")
    def index(self) -> Any:
        """Show the balances, the latest jobs and the latest payments."""
        self.update_redirect()
        if not visible_practices():
            return self.render_template("provider/welcome.html")
        ids = current_practice_ids()
        jobs = db.session.scalars(
            select(Job)
            .where(Job.practice_id.in_(ids))
            .order_by(Job.uploaded_at.desc(), Job.id.desc())
            .limit(SHOWN)
        ).all()
        payments = db.session.scalars(
            select(Payment)
            .where(Payment.practice_id.in_(ids))
            .order_by(Payment.paid_at.desc(), Payment.id.desc())
            .limit(SHOWN)
        ).all()
        return self.render_template(
            "provider/dashboard.html",
            statuses=figures.by_status(db.session, ids),
            totals=figures.totals(db.session, ids, now=clock.now()),
            jobs=[(job, texting.pending_texts_url(job)) for job in jobs],
            payments=payments,
            may=self.appbuilder.sm.has_access,
        )

    @expose("/portal/switch", methods=["POST"])
    def switch(self) -> Any:
        """Work in another practice, and go to the list of the section at hand."""
        switch_to(request.form.get("practice", ""))
        section = request.form.get("section")
        if section == "SettingsView":
            return redirect(url_for("SettingsView.index"))
        known = section in SECTIONS
        return redirect(url_for(f"{section}.list" if known else "PortalIndex.index"))
