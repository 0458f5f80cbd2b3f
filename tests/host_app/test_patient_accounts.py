"""The patient portal beside paying: dashboard, receipts, autopay and preferences."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from host_app.autopay import enrollment_of
from host_app.database import db
from host_app.models import (
    AutopayState,
    Invoice,
    Patient,
    PatientPhone,
    PortalLogin,
)
from host_app.patient.forms import PHONES
from host_app.phones import e164

CARD = {"number": "4111 1111 1111 1111", "expires": "12/30", "code": "123"}


def account(account_number):
    query = select(Patient).where(Patient.account_number == account_number)
    return db.session.scalars(query).one()


def card_of(row):
    db.session.expire_all()
    return enrollment_of(db.session, row.id)


def fields(page):
    """What the preferences' form was delivered with."""
    form = page.find("form", {"method": "post", "novalidate": True})
    found = [
        (field["name"], field.get("value", ""))
        for field in form.find_all("input")
        if field.get("type") != "checkbox" or field.has_attr("checked")
    ]
    found += [
        (choice["name"], choice.find("option", selected=True)["value"])
        for choice in form.find_all("select")
    ]
    return {name: value for name, value in found if name != "csrf_token"}


@pytest.fixture
def olivia(portal):
    return account("H1001")


def test_the_dashboard_says_what_is_owed_in_all(patient):
    page = patient("mona@example.com").get("/patient/dashboard").page

    assert "You owe $338.00 on 4 accounts." in page.text
    assert len(page.select("article")) == 4


def test_the_wanted_invoice_comes_first(patient):
    query = select(Invoice.public_id).where(Invoice.number == "INV-H1018")
    wanted = db.session.scalars(query).one()

    page = patient("mona@example.com").get(f"/patient/dashboard?invoice={wanted}").page

    assert page.select("article")[0]["id"] == "wanted"
    assert "INV-H1018" in page.select("article")[0].text


def test_a_wanted_invoice_that_is_paid_says_so(patient, olivia):
    query = select(Invoice).where(Invoice.number == "INV-H1001")
    bill = db.session.scalars(query).one()
    bill.balance_cents = 0
    db.session.commit()

    browser = patient("olivia@example.com")
    page = browser.get(f"/patient/dashboard?invoice={bill.public_id}").page

    assert "Invoice INV-H1001 is paid. There is nothing to do." in page.text
    assert "You owe nothing." in page.text
    assert page.find("a", string="Pay") is None


@pytest.mark.parametrize(
    ("email", "words"),
    [
        ("autumn@example.com", "Autopay is on: your card that ends in 4242"),
        ("fay@example.com", "Autopay did not work. The card has expired."),
        ("polly@example.com", "$100.00 due on"),
    ],
)
def test_the_dashboard_tells_how_autopay_and_the_plan_stand(patient, email, words):
    text = patient(email).get("/patient/dashboard").page.get_text(" ", strip=True)

    assert words in text


def test_a_plan_is_paid_by_the_instalment_or_at_once(patient):
    query = select(Invoice).where(Invoice.number == "INV-H1022")
    bill = db.session.scalars(query).one()
    browser = patient("polly@example.com")
    path = f"/patient/pay/{bill.public_id}"
    choices = browser.get(path).page.find_all("input", {"type": "radio"})
    assert [choice["value"] for choice in choices] == ["10000", "30000"]
    assert choices[0].has_attr("checked")

    answer = browser.post(f"{path}/card", {"amount": 10_000, "balance": 30_000, **CARD})

    assert (
        "$100.00 for invoice INV-H1022" in browser.get(answer.headers["Location"]).text
    )
    db.session.expire_all()
    assert bill.balance_cents == 20_000


@pytest.mark.parametrize("amount", ["x", "", "-5"])
def test_an_amount_that_is_none_is_not_charged(patient, amount):
    query = select(Invoice).where(Invoice.number == "INV-H1022")
    bill = db.session.scalars(query).one()
    browser = patient("polly@example.com")
    path = f"/patient/pay/{bill.public_id}"
    browser.get(path)

    answer = browser.post(f"{path}/card", {"amount": amount, "balance": 30_000, **CARD})

    assert answer.status_code in {409, 422}
    db.session.expire_all()
    assert bill.balance_cents == 30_000


@pytest.mark.parametrize(
    ("key", "number"), [("approved", "4242"), ("declined", "0002"), ("nonsense", "")]
)
def test_an_example_card_fills_the_form(patient, key, number):
    query = select(Invoice.public_id).where(Invoice.number == "INV-H1001")
    path = f"/patient/pay/{db.session.scalars(query).one()}?card={key}"

    page = patient("olivia@example.com").get(path).page

    assert page.find("input", {"name": "number"})["value"].endswith(number)


def test_receipts_list_what_was_paid_for_own_accounts(patient, staff):
    browser = patient("polly@example.com")
    links = [
        link["href"] for link in browser.get("/patient/receipts").page.select("li a")
    ]

    assert len(links) == 3
    assert browser.get(links[0]).status_code == 200
    other = patient("olivia@example.com")
    assert other.get(links[0]).status_code == 302
    assert "Nothing was paid yet." in other.get("/patient/receipts").text


@pytest.mark.parametrize(
    "path",
    ["receipts", "autopay", "preferences", "autopay/1", "preferences/1"],
)
def test_a_visitor_signs_in_first(browser, path):
    answer = browser.get(f"/patient/{path}")

    assert answer.headers["Location"] == "/patient/login"


@pytest.mark.parametrize("section", ["autopay", "preferences"])
def test_who_has_one_account_is_not_asked_which(patient, olivia, section):
    answer = patient("olivia@example.com").get(f"/patient/{section}")
    assert answer.headers["Location"] == f"/patient/{section}/{olivia.id}"

    page = patient("daughter@example.com").get(f"/patient/{section}").page
    assert "Pete Parent" in page.text
    assert "Petra Parent" in page.text


@pytest.mark.parametrize("path", ["autopay/{}", "autopay/{}/off", "preferences/{}"])
def test_the_account_of_somebody_else_is_not_found(patient, path):
    other = path.format(account("H1010").id)
    browser = patient("olivia@example.com")
    browser.get("/patient/dashboard")

    assert browser.post(f"/patient/{other}").status_code == 404
    if not path.endswith("off"):
        assert browser.get(f"/patient/{other}").status_code == 404


def test_autopay_is_switched_on_and_off(patient, olivia):
    browser = patient("olivia@example.com")
    path = f"/patient/autopay/{olivia.id}"
    assert "Switch autopay on" in browser.get(path).text

    browser.post(path, {**CARD, "day": 12})
    card = card_of(olivia)
    assert (card.state, card.last4, card.day) == (AutopayState.ON, "1111", 12)
    assert olivia.autopay_on

    page = browser.get(path)
    assert "Autopay is on" in page.text
    assert "4111" not in page.text
    browser.post(f"{path}/off")
    assert card_of(olivia).state is AutopayState.OFF
    assert not olivia.autopay_on


def test_a_new_card_mends_failed_autopay(patient):
    fay = account("H1026")
    browser = patient("fay@example.com")
    path = f"/patient/autopay/{fay.id}"
    assert "Autopay did not work" in browser.get(path).text

    browser.post(path, {**CARD, "day": 3})

    assert card_of(fay).state is AutopayState.ON
    assert "did not work" not in browser.get("/patient/dashboard").text


@pytest.mark.parametrize(
    "wrong", [{"number": "12"}, {"expires": "01/20"}, {"day": "31"}, {"day": "x"}]
)
def test_a_card_for_autopay_is_checked_like_any(patient, olivia, wrong):
    browser = patient("olivia@example.com")
    path = f"/patient/autopay/{olivia.id}"
    browser.get(path)

    answer = browser.post(path, {**CARD, "day": 12, **wrong})

    assert answer.status_code == 422
    assert card_of(olivia) is None


def test_autopay_by_the_practice_software_is_said_and_can_be_ended(patient, olivia):
    olivia.autopay_on = True
    db.session.commit()
    browser = patient("olivia@example.com")
    path = f"/patient/autopay/{olivia.id}"
    assert "arranged with the office" in browser.get(path).text

    browser.post(f"{path}/off")

    db.session.expire_all()
    assert not olivia.autopay_on


def test_preferences_are_kept(patient, olivia):
    browser = patient("olivia@example.com")
    path = f"/patient/preferences/{olivia.id}"
    data = fields(browser.get(path).page)

    browser.post(
        path,
        data
        | {
            "email": "new@example.com",
            "street": "1 Shore Road",
            "state": "HI",
            "language": "es",
            "phones-1": "808-555-0142",
        },
    )

    db.session.expire_all()
    assert (olivia.email, olivia.street) == ("new@example.com", "1 Shore Road")
    assert (olivia.state, olivia.language) == ("HI", "es")
    assert [(phone.e164, phone.label) for phone in olivia.phones] == [
        ("+14155550101", "mobile"),
        ("+18085550142", "from the patient"),
    ]
    assert olivia.delivery_paper
    assert olivia.delivery_email


def test_a_phone_is_taken_off_and_the_next_one_becomes_the_first(patient):
    theo = account("H1015")
    query = select(PortalLogin).where(PortalLogin.email == "olivia@example.com")
    db.session.scalars(query).one().patients = [theo]
    db.session.commit()
    browser = patient("olivia@example.com")
    path = f"/patient/preferences/{theo.id}"
    data = fields(browser.get(path).page)

    browser.post(path, data | {"phones-0": " "})

    db.session.expire_all()
    assert [(phone.label, phone.position) for phone in theo.phones] == [
        ("landline", 0),
        ("disconnected", 1),
    ]


def test_what_is_not_ticked_is_switched_off(patient, olivia):
    browser = patient("olivia@example.com")
    path = f"/patient/preferences/{olivia.id}"
    data = fields(browser.get(path).page)
    del data["delivery_paper"]

    browser.post(path, data)

    db.session.expire_all()
    assert not olivia.delivery_paper


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"email": "nonsense"}, "Enter an address"),
        ({"email": ""}, "Enter your email above."),
        ({"phones-0": "555-01"}, "with its area code"),
        ({"phones-1": "+1 415 555 0101"}, "each phone once"),
        ({"state": "XX"}, "Not a valid choice"),
        ({"street": "x" * 201}, "longer than 200"),
    ],
)
def test_preferences_that_cannot_be_are_refused_in_words(patient, olivia, wrong, words):
    browser = patient("olivia@example.com")
    path = f"/patient/preferences/{olivia.id}"
    data = fields(browser.get(path).page)

    answer = browser.post(path, data | wrong)

    assert answer.status_code == 422
    assert words in answer.text
    db.session.expire_all()
    assert olivia.email == "olivia@example.com"
    assert len(olivia.phones) == 1


def test_no_more_phones_are_taken_than_the_form_shows(patient, olivia):
    browser = patient("olivia@example.com")
    path = f"/patient/preferences/{olivia.id}"
    data = fields(browser.get(path).page)
    more = {f"phones-{n}": f"415-555-01{n + 10}" for n in range(1, 30)}

    browser.post(path, data | more)

    db.session.expire_all()
    assert len(olivia.phones) == PHONES


def test_phones_that_the_form_does_not_show_stay(patient, olivia):
    for place in range(1, PHONES + 2):
        number = f"(415) 555-01{place + 10}"
        phone = PatientPhone(number=number, e164=e164(number), position=place)
        olivia.phones.append(phone)
    db.session.commit()
    browser = patient("olivia@example.com")
    path = f"/patient/preferences/{olivia.id}"
    data = fields(browser.get(path).page)

    browser.post(path, data | {"phones-0": ""})

    db.session.expire_all()
    assert len(olivia.phones) == PHONES + 1
    assert olivia.phones[0].number == "(415) 555-0111"


@pytest.mark.parametrize(
    "path", ["dashboard", "receipts", "autopay/{}", "preferences/{}"]
)
def test_no_page_carries_a_script_or_a_style_of_its_own(patient, olivia, path):
    page = patient("olivia@example.com").get(f"/patient/{path.format(olivia.id)}").page

    assert not page.find_all(["script", "style"])
    assert not page.find_all(style=True)
    labels = {label.get("for") for label in page.find_all("label")}
    for field in page.select("main input:not([type=hidden]), main select"):
        assert (
            field["id"] in labels
            or field.get("aria-label")
            or field.parent.name == "label"
        )
