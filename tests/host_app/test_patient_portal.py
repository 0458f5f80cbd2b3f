"""The patient portal: the identity check, the highlighted invoice, and paying it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from host_app.database import db
from host_app.models import Invoice, Patient, Payment, PortalLogin
from tests.host_app.helpers import Browser

CARD = {"number": "4111 1111 1111 1111", "expires": "12/30", "code": "123"}
ANSWER = {"last_name": "Open", "account_number": "H1001"}


@pytest.fixture
def invoice(portal):
    """The invoice of Olivia Open."""
    query = select(Invoice).where(Invoice.number == "INV-H1001")
    return db.session.scalars(query).one()


@pytest.fixture
def path(invoice):
    """Where that invoice is paid."""
    return f"/patient/pay/{invoice.public_id}"


@pytest.fixture
def checked(browser, path):
    """A browser that has passed the identity check."""
    browser.get(path)
    browser.post(f"{path}/check", ANSWER)
    browser.get(path)
    return browser


def pay(browser, path, invoice, **card):
    owed = invoice.balance_cents
    data = {"amount": owed, "balance": owed, **CARD, **card}
    return browser.post(f"{path}/card", data)


def payments():
    """Payments of Olivia Open, who has paid nothing before."""
    db.session.expire_all()
    query = select(func.count()).join(Patient).where(Patient.account_number == "H1001")
    return db.session.scalar(query.select_from(Payment))


def test_nothing_of_the_patient_is_shown_before_the_check(browser, path):
    answer = browser.get(path)

    assert answer.status_code == 200
    assert "Harbor Light Pharmacy" in answer.text
    for secret in ("Olivia", "Open", "H1001", "INV-", "84.50", "555-0101"):
        assert secret not in answer.text


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER,
        {"last_name": " OPEN ", "account_number": "h-1001"},
    ],
)
def test_a_right_answer_shows_the_invoice_highlighted(browser, path, answer):
    browser.get(path)
    assert browser.post(f"{path}/check", answer).status_code == 302

    page = browser.get(path).page

    assert "INV-H1001" in page.find(id="wanted").text
    assert "$84.50" in page.find(id="wanted").text


def test_a_name_may_be_typed_without_its_accents(browser, portal):
    query = select(Invoice.public_id).where(Invoice.number == "INV-H1010")
    path = f"/patient/pay/{db.session.scalars(query).one()}"
    browser.get(path)

    answer = browser.post(
        f"{path}/check", {"last_name": "espanol", "account_number": "H1010"}
    )

    assert answer.status_code == 302


@pytest.mark.parametrize(
    "answer",
    [
        {"last_name": "Open", "account_number": "H1002"},
        {"last_name": "Paused", "account_number": "H1001"},
        {"last_name": "Ope", "account_number": "H1001"},
    ],
)
def test_a_wrong_answer_shows_nothing(browser, path, answer):
    browser.get(path)

    refused = browser.post(f"{path}/check", answer)

    assert refused.status_code == 403
    assert "do not match" in refused.text
    assert "84.50" not in refused.text
    assert "84.50" not in browser.get(path).text


def test_an_empty_answer_is_no_try(browser, path):
    browser.get(path)
    for _ in range(9):
        empty = browser.post(f"{path}/check", {"last_name": "", "account_number": ""})
        assert empty.status_code == 422

    assert browser.post(f"{path}/check", ANSWER).status_code == 302


def test_five_wrong_answers_lock_the_check_for_a_quarter_of_an_hour(
    browser, path, clock
):
    browser.get(path)
    wrong = {"last_name": "Guess", "account_number": "H1"}
    assert [browser.post(f"{path}/check", wrong).status_code for _ in range(6)] == [
        *[403] * 5,
        429,
    ]

    clock.now += timedelta(minutes=14)
    locked = browser.post(f"{path}/check", ANSWER)
    assert locked.status_code == 429
    assert "wait 15 minutes" in locked.text
    clock.now += timedelta(minutes=1)
    assert browser.post(f"{path}/check", ANSWER).status_code == 302


def test_a_right_answer_gives_five_tries_again(browser, path):
    browser.get(path)
    wrong = {"last_name": "Guess", "account_number": "H1"}
    for _ in range(3):
        for _ in range(4):
            assert browser.post(f"{path}/check", wrong).status_code == 403
        assert browser.post(f"{path}/check", ANSWER).status_code == 302


def test_the_lock_is_kept_for_every_browser(browser, path, portal, staff):
    browser.get(path)
    for _ in range(5):
        browser.post(f"{path}/check", {"last_name": "Guess", "account_number": "H1"})
    other = staff("biller")
    other.get(path)

    assert other.post(f"{path}/check", ANSWER).status_code == 429


def test_a_passed_check_is_forgotten_after_half_an_hour(checked, path, clock):
    assert "84.50" in checked.get(path).text
    clock.now += timedelta(minutes=30)

    assert "84.50" not in checked.get(path).text


def test_a_check_opens_no_other_patient(checked):
    query = select(Invoice.public_id).where(Invoice.number == "INV-H1010")
    other = db.session.scalars(query).one()

    assert "84.50" not in checked.get(f"/patient/pay/{other}").text


def test_an_unknown_invoice_is_missing(browser):
    assert browser.get("/patient/pay/nothing-of-the-kind").status_code == 404


def test_paying_settles_the_bill_and_thanks(checked, path, invoice):
    answer = pay(checked, path, invoice)

    receipt = checked.get(answer.headers["Location"])
    assert "$84.50 for invoice INV-H1001 was paid" in receipt.text
    db.session.expire_all()
    assert invoice.balance_cents == 0
    assert f"{invoice.paid_on}" == "2026-10-20"
    query = select(Payment).where(Payment.invoice_id == invoice.id)
    payment = db.session.scalars(query).one()
    assert (payment.amount_cents, payment.method) == (8450, "card")
    assert payment.reference in receipt.text


def test_a_payment_is_told_to_the_plugin_once_and_a_declined_card_is_not(
    checked, path, invoice, told, clock
):
    pay(checked, path, invoice, number="4000 0000 0000 0002")
    assert told == {}

    pay(checked, path, invoice)
    pay(checked, path, invoice)

    query = select(Payment).where(Payment.invoice_id == invoice.id)
    payment = db.session.scalars(query).one()
    assert told == {
        f"payment-{payment.id}": (
            "harbor-light",
            str(invoice.patient_id),
            str(invoice.id),
            84_500_000,
            clock.now,
        )
    }


def test_a_paid_bill_says_so(checked, path, invoice):
    pay(checked, path, invoice)

    page = checked.get(path)

    assert "is paid" in page.text
    assert page.page.find("input", {"name": "number"}) is None


def test_the_magic_card_is_declined_and_nothing_is_paid(checked, path, invoice):
    answer = pay(checked, path, invoice, number="4000 0000 0000 0002")

    assert answer.status_code == 402
    assert "declined the card. Nothing was paid" in answer.text
    assert payments() == 0


def test_a_double_click_pays_once(checked, path, invoice):
    amount = invoice.balance_cents
    for _ in range(2):
        data = {"amount": amount, "balance": amount, **CARD}
        answer = checked.post(f"{path}/card", data)

    assert answer.status_code == 409
    assert payments() == 1


def test_an_amount_that_was_not_shown_is_not_charged(checked, path, invoice):
    invoice.balance_cents = 9_000
    db.session.commit()

    data = {"amount": 8450, "balance": 8450, **CARD}
    answer = checked.post(f"{path}/card", data)

    assert answer.status_code == 409
    assert "$90.00" in answer.text
    assert payments() == 0


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("number", "1234", "digits on the front"),
        ("number", "٤١١١١١١١١١١١١١١١", "digits on the front"),
        ("expires", "13/30", "Enter month and year"),
        ("expires", "09/26", "has expired"),
        ("code", "12", "three or four digits"),
        ("code", "", "Required"),
    ],
)
def test_a_card_that_cannot_be_right_is_refused_and_not_sent_back(
    checked, path, invoice, field, value, words
):
    answer = pay(checked, path, invoice, **{field: value})

    assert answer.status_code == 422
    assert words in answer.text
    assert "4111" not in answer.text
    assert payments() == 0


def test_no_card_data_are_stored(checked, path, invoice, portal):
    pay(checked, path, invoice)

    dump = "\n".join(db.session.connection().connection.iterdump())

    # A hash may hold four digits of a card by chance.
    assert "411111" not in dump


def test_nobody_pays_without_the_check(browser, path, invoice):
    browser.get(path)

    answer = pay(browser, path, invoice)

    assert answer.headers["Location"] == path
    assert payments() == 0


@pytest.mark.parametrize("place", ["check", "card"])
def test_a_form_without_its_token_is_refused(browser, path, place):
    assert browser.client.post(f"{path}/{place}", data=ANSWER).status_code == 400


@pytest.mark.parametrize("place", ["check", "card"])
def test_following_an_address_changes_nothing(browser, path, place):
    assert browser.get(f"{path}/{place}").status_code == 405


def test_a_receipt_is_shown_to_who_may_see_the_account_only(
    checked, path, invoice, portal
):
    receipt = pay(checked, path, invoice).headers["Location"]

    assert Browser(portal).get(receipt).headers["Location"] == path
    assert checked.get("/patient/receipts/nothing-of-the-kind").status_code == 404


def test_the_dashboard_highlights_the_invoice_asked_for(patient, invoice):
    browser = patient("olivia@example.com")

    page = browser.get(f"/patient/dashboard?invoice={invoice.public_id}").page

    assert "INV-H1001" in page.find(id="wanted").text
    assert browser.get("/patient/dashboard").page.find(id="wanted") is None


def test_a_dashboard_shows_nothing_of_somebody_else(patient, invoice):
    browser = patient("ana@example.com")

    answer = browser.get(f"/patient/dashboard?invoice={invoice.public_id}")

    assert "INV-H1010" in answer.text
    assert "INV-H1001" not in answer.text
    assert answer.page.find(id="wanted") is None


def test_a_daughter_sees_both_parents(patient):
    text = patient("daughter@example.com").get("/patient/dashboard").text

    assert "Pete Parent" in text
    assert "Petra Parent" in text


def test_the_owner_pays_without_another_check(patient, path, invoice):
    browser = patient("olivia@example.com")

    assert "$84.50" in browser.get(path).text
    assert "/receipts/" in pay(browser, path, invoice).headers["Location"]


def test_a_signed_in_stranger_meets_the_check(patient, path):
    assert "84.50" not in patient("ana@example.com").get(path).text


def test_a_visitor_of_the_dashboard_signs_in_and_comes_back_to_the_invoice(
    browser, invoice
):
    asked = browser.get(f"/patient/dashboard?invoice={invoice.public_id}")
    login = asked.headers["Location"]
    browser.get(login)
    answer = browser.post(
        login, {"email": "Olivia@Example.com", "password": "portal-demo-2026"}
    )

    assert answer.headers["Location"] == (
        f"/patient/dashboard?invoice={invoice.public_id}"
    )


@pytest.mark.parametrize("target", ["//evil.com", "https://evil.com", "javascript:x"])
@pytest.mark.parametrize("name", ["next", "invoice"])
def test_signing_in_leads_to_own_pages_only(browser, name, target):
    browser.get("/patient/login")
    answer = browser.post(
        f"/patient/login?{name}={target}",
        {"email": "olivia@example.com", "password": "portal-demo-2026"},
    )

    assert answer.headers["Location"].startswith("/patient/dashboard")


def test_signing_out_ends_everything(patient, path):
    browser = patient("olivia@example.com")
    browser.get("/patient/dashboard")
    browser.post("/patient/logout")

    assert browser.get("/patient/dashboard").status_code == 302
    assert "84.50" not in browser.get(path).text


@pytest.mark.parametrize("email", ["olivia@example.com", "nobody@example.com"])
def test_a_wrong_password_says_the_same_for_everybody(browser, email):
    browser.get("/patient/login")

    answer = browser.post("/patient/login", {"email": email, "password": "wrong"})

    assert answer.status_code == 403
    assert "Email or password is wrong" in answer.text


def test_five_wrong_passwords_lock_the_login(browser, clock):
    browser.get("/patient/login")
    right = {"email": "olivia@example.com", "password": "portal-demo-2026"}
    for _ in range(5):
        browser.post("/patient/login", {**right, "password": "wrong"})

    assert browser.post("/patient/login", right).status_code == 403
    clock.now += timedelta(minutes=15)
    assert browser.post("/patient/login", right).status_code == 302


def test_a_deleted_login_is_signed_out(patient):
    browser = patient("ana@example.com")
    query = select(PortalLogin).where(PortalLogin.email == "ana@example.com")
    db.session.delete(db.session.scalars(query).one())
    db.session.commit()

    assert browser.get("/patient/dashboard").status_code == 302


def test_a_staff_user_is_no_patient_and_a_patient_no_staff(staff, patient, path):
    assert staff("support").get("/patient/dashboard").status_code == 302
    assert "84.50" not in staff("support").get(path).text
    listed = patient("olivia@example.com").get("/portal/patients/list/")
    assert listed.status_code == 302


def test_pages_carry_no_script_and_no_style_of_their_own(checked, path):
    answer = checked.get(path)

    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert not answer.page.find_all(["script", "style"])
    assert not answer.page.find_all(style=True)
    assert answer.page.find("meta", {"name": "viewport"})


def test_every_field_has_a_label(browser, path):
    page = browser.get(path).page

    fields = page.find_all("input", {"type": "text"})
    labels = {label["for"] for label in page.find_all("label")}
    assert fields
    assert {field["id"] for field in fields} <= labels


def test_the_lock_does_not_touch_another_patient(browser, path, portal):
    browser.get(path)
    for _ in range(5):
        browser.post(f"{path}/check", {"last_name": "x", "account_number": "x"})

    db.session.expire_all()
    locked = db.session.scalars(
        select(Patient.account_number).where(Patient.locked_until.is_not(None))
    )
    assert list(locked) == ["H1001"]
