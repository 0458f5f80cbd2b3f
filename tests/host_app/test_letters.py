"""Letters that staff ask for in place of texts, as the portal keeps and shows them."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from host_app import letters
from host_app.database import db
from host_app.models import Invoice, LetterRequest
from host_app.seed_data import HARBOR
from sms_plugin.signals import letter_wanted


@pytest.fixture
def backend(request):
    """The database; what is kept is kept on both."""
    return getattr(request, "param", "sqlite")


@pytest.fixture(autouse=True)
def _listening(portal):
    """The portal of these tests is made without the plugin: it is told here."""
    letters.init_app(portal)
    yield
    letter_wanted.disconnect(letters.note, sender=portal)


@pytest.fixture
def invoice(portal):
    """A bill of the practice that the demo's biller works in."""
    query = select(Invoice).where(Invoice.practice.has(public_id=HARBOR))
    return db.session.scalars(query.order_by(Invoice.id)).first()


def ask(portal, invoice, text_id=7, **other):
    """Send what the plugin sends when staff ask for a letter."""
    what = {
        "practice_id": HARBOR,
        "patient_id": str(invoice.patient_id),
        "bill_id": str(invoice.id),
        "text_id": text_id,
    }
    letter_wanted.send(portal, **what | other)


def kept():
    return db.session.scalars(select(LetterRequest)).all()


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"], indirect=True)
def test_a_letter_shows_on_the_bill_and_the_account_once(portal, invoice, staff):
    ask(portal, invoice)
    ask(portal, invoice)

    browser = staff("biller")
    said = "Letter asked for, Oct 20, 2026: a text did not arrive."
    for path in (
        f"/portal/invoices/show/{invoice.id}",
        f"/portal/patients/show/{invoice.patient_id}",
    ):
        page = browser.get(path).page
        assert page.get_text(" ", strip=True).count("Letter asked for") == 1, path
        assert said in page.get_text(" ", strip=True)
    assert [(row.text_id, row.invoice_id) for row in kept()] == [(7, invoice.id)]


def test_a_letter_about_no_bill_shows_on_the_account_alone(portal, invoice, staff):
    ask(portal, invoice, bill_id="")

    page = staff("biller").get(f"/portal/invoices/show/{invoice.id}").page
    assert "Letter asked for" not in page.get_text()
    page = staff("biller").get(f"/portal/patients/show/{invoice.patient_id}").page
    assert "Letter asked for" in page.get_text()


def test_what_belongs_to_another_practice_is_not_kept(portal, invoice):
    ask(portal, invoice, practice_id="somebody-else")

    assert kept() == []


def test_another_application_is_not_heard(portal, invoice):
    letter_wanted.send(object(), practice_id=HARBOR)

    assert kept() == []
