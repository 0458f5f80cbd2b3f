"""Letters that staff ask for in place of texts, as the portal keeps and shows them."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from host_app import letters
from host_app.database import db
from host_app.models import Invoice, LetterRequest
from host_app.seed_data import HARBOR, STEPS
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


# The page of letters, and the tick.

LIST = "/portal/letters/list/"


@pytest.fixture
def letter(portal, invoice):
    """A letter that is wanted, by its row."""
    ask(portal, invoice)
    return kept()[0]


def table(browser, query=""):
    page = browser.get(LIST + query).page
    return [
        [cell.get_text(" ", strip=True) for cell in row.find_all("td")]
        for row in page.select("tbody tr")
    ]


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"], indirect=True)
def test_staff_tick_a_letter_as_sent_once(portal, invoice, letter, staff):
    path = f"/portal/letters/sent/{letter.id}"
    browser = staff("biller")
    [row] = table(browser, "?state=wanted")
    assert row == [
        "Oct 20, 2026", invoice.patient.name, invoice.number, "Letter sent",
    ]  # fmt: skip
    assert browser.get(LIST).page.find("form", action=path)

    answer = browser.post(path, follow_redirects=True)

    assert "is noted as sent" in answer.text
    assert table(browser, "?state=wanted") == []
    assert table(browser, "?state=sent")[0][-1] == "Sent biller, Oct 20, 2026"
    again = staff("admin").post(path, follow_redirects=True)
    assert "biller noted this letter as sent before." in again.text
    db.session.expire_all()
    assert kept()[0].sent_by == "biller"
    page = browser.get(f"/portal/invoices/show/{invoice.id}").page
    assert "Sent by biller, Oct 20, 2026." in page.get_text(" ", strip=True)


def test_a_viewer_sees_letters_and_ticks_none(portal, letter, staff):
    browser = staff("viewer")
    assert table(browser)[0][-1] == "Wanted"

    assert browser.post(f"/portal/letters/sent/{letter.id}").status_code == 403
    assert kept()[0].sent_at is None


def test_a_letter_of_another_practice_is_neither_seen_nor_ticked(portal, letter, staff):
    other = db.session.scalars(
        select(Invoice).where(Invoice.practice.has(public_id=STEPS))
    ).first()
    ask(portal, other, 8, practice_id=STEPS)
    theirs = next(row for row in kept() if row.text_id == 8)
    browser = staff("biller")

    assert len(table(browser)) == 1
    assert browser.post(f"/portal/letters/sent/{theirs.id}").status_code == 404
    assert browser.post("/portal/letters/sent/999999").status_code == 404
    assert theirs.sent_at is None


def test_a_tick_without_the_forms_token_is_refused(portal, letter, staff):
    browser = staff("biller")
    browser.get(LIST)

    answer = browser.post(f"/portal/letters/sent/{letter.id}", {"csrf_token": ""})

    assert answer.status_code == 400
    assert browser.get(f"/portal/letters/sent/{letter.id}").status_code == 405
    assert kept()[0].sent_at is None
