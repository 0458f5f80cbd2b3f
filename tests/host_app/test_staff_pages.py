"""The pages of the staff beside the lists: dashboard, accounts, users, settings."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from host_app.database import db
from host_app.models import (
    AutopayEnrollment,
    AutopayState,
    Invoice,
    Job,
    Patient,
    PaymentPlan,
    Practice,
    StaffMembership,
    UsageCharge,
)
from host_app.seed_data import HARBOR, PATIENTS


def patient(account_number):
    query = select(Patient).where(Patient.account_number == account_number)
    return db.session.scalars(query).one()


def card_of(account_number):
    query = select(AutopayEnrollment).where(
        AutopayEnrollment.patient_id == patient(account_number).id
    )
    return db.session.scalars(query).one()


def membership(portal, username, practice=HARBOR):
    user = portal.appbuilder.sm.find_user(username=username)
    query = (
        select(StaffMembership)
        .join(Practice)
        .where(Practice.public_id == practice, StaffMembership.user_id == user.id)
    )
    return db.session.scalars(query).one()


def rows(page, title):
    """The rows of the table under a heading, as texts."""
    table = page.find("h2", string=title).find_next("table")
    return [
        [cell.get_text(strip=True) for cell in row.find_all("td")]
        for row in table.select("tbody tr")
    ]


def test_the_dashboard_adds_up_the_practice_and_no_other(staff):
    page = staff("biller").get("/").page

    balances = rows(page, "Balances by status")
    assert ["Paused", "1", "$84.50"] in balances
    assert ["Payment Plan Late", "1", "$450.00"] in balances
    assert sum(int(count) for _, count, _ in balances) == len(PATIENTS[HARBOR])
    assert "2 failed autopay" in page.find(class_="p-figures").get_text(" ", strip=True)
    assert "1 late plans" in page.find(class_="p-figures").get_text(" ", strip=True)
    assert [row[0] for row in rows(page, "Latest jobs")] == [
        "statement-2026-09.csv",
        "statement-2026-08.csv",
        "statement-2026-07.csv",
    ]
    assert len(rows(page, "Recent payments")) == 5


def test_the_figures_of_the_dashboard_lead_to_the_rows(staff):
    browser = staff("biller")

    for link in browser.get("/").page.select("main a"):
        assert browser.get(link["href"]).status_code in {200, 302}, link


def test_the_dashboard_of_support_spans_the_practices(staff):
    page = staff("support").get("/").page

    assert sum(int(row[1]) for row in rows(page, "Balances by status")) == sum(
        map(len, PATIENTS.values())
    )
    assert "Quiet Valley Clinic" in str(rows(page, "Latest jobs"))


def test_pending_texts_stand_on_the_dashboard_and_on_the_account(
    staff, portal, monkeypatch
):
    import sms_plugin

    monkeypatch.setitem(portal.extensions, "sms_plugin", object())
    monkeypatch.setattr(
        sms_plugin, "pending_texts_url", lambda practice, job: f"/sms/{practice}/{job}"
    )
    query = select(Job.id).where(Job.file_name == "statement-2026-09.csv")
    job = db.session.scalars(query.order_by(Job.id)).first()
    abel = patient("H1115")

    browser = staff("biller")

    assert f"/sms/{HARBOR}/{job}" in browser.get("/").text
    assert (
        f"/sms/{HARBOR}/{job}" in browser.get(f"/portal/patients/show/{abel.id}").text
    )


def test_an_account_shows_bills_payments_plan_and_autopay(staff):
    browser = staff("viewer")

    polly = browser.get(f"/portal/patients/show/{patient('H1022').id}").page
    assert rows(polly, "Bills")[0][:3] == ["INV-H1022", "Open", "$300.00"]
    assert len(rows(polly, "Payments")) == 3
    assert "$100.00 a month" in polly.text
    fay = browser.get(f"/portal/patients/show/{patient('H1026').id}").page
    assert "card that ends in 1881" in fay.text
    assert "The card has expired." in fay.text
    agnes = browser.get(f"/portal/patients/show/{patient('H1009').id}").page
    assert "Seaside Care Home" in agnes.text


def test_an_invoice_shows_its_payments_and_the_way_to_the_pay_page(staff):
    query = select(Invoice).where(Invoice.number == "INV-H1022")
    bill = db.session.scalars(query).one()

    page = staff("viewer").get(f"/portal/invoices/show/{bill.id}").page

    assert len(rows(page, "Payments")) == 3
    link = page.find("a", string="Open the patient's pay page")
    assert link["href"] == f"/patient/pay/{bill.public_id}"


def test_a_job_lists_its_rows_with_the_step_of_each(staff):
    query = select(Job).where(Job.file_name == "statement-2026-09.csv")
    job = db.session.scalars(query.order_by(Job.id)).first()

    page = staff("viewer").get(f"/portal/jobs/show/{job.id}").page

    assert len(rows(page, "Good rows")) == 20
    assert {row[2] for row in rows(page, "Good rows")} == {"Invoice"}


def test_an_old_job_is_never_prepared_for_texting(staff, portal, monkeypatch):
    monkeypatch.setitem(portal.extensions, "sms_plugin", object())
    monkeypatch.setattr("host_app.texting.pending_texts_url", lambda _job: None)
    monkeypatch.setattr("host_app.texting.hand_over", pytest.fail)
    job = db.session.scalars(select(Job).order_by(Job.id)).first()
    browser = staff("biller")

    assert "Prepare the texts" not in browser.get(f"/portal/jobs/show/{job.id}").text
    assert browser.post(f"/portal/jobs/hand-over/{job.id}").status_code == 302


def test_staff_charge_a_card_that_failed(staff):
    card = card_of("H1039")
    browser = staff("biller")
    browser.get(f"/portal/autopay/show/{card.id}")

    browser.post(f"/portal/autopay/charge/{card.id}")

    assert "not charged" in browser.get(f"/portal/autopay/show/{card.id}").text
    db.session.expire_all()
    assert (card.state, len(card.attempts)) == (AutopayState.FAILED, 3)


def test_staff_charge_a_card_that_works_and_nothing_twice(staff, told):
    card = card_of("H1008")
    browser = staff("biller")
    browser.get(f"/portal/autopay/show/{card.id}")

    for _ in range(2):
        browser.post(f"/portal/autopay/charge/{card.id}")

    assert "nothing was charged" in browser.get(f"/portal/autopay/show/{card.id}").text
    db.session.expire_all()
    assert card.patient.balance_cents == 0
    assert len(card.attempts) == 2
    assert list(told) == [f"autopay-{card.attempts[0].id}"]


@pytest.mark.parametrize(("username", "status"), [("viewer", 403), ("quiet", 404)])
def test_a_card_is_charged_by_staff_of_the_practice_only(staff, username, status):
    browser = staff(username)
    browser.get("/")

    answer = browser.post(f"/portal/autopay/charge/{card_of('H1008').id}")

    assert answer.status_code == status
    assert (
        browser.get(f"/portal/autopay/charge/{card_of('H1008').id}").status_code == 405
    )


@pytest.mark.parametrize("table", ["payments", "autopay", "jobs"])
def test_rows_of_another_practice_are_missing(staff, table):
    browser = staff("biller")
    first = browser.get(f"/portal/{table}/list/").page.select("tbody a")[0]["href"]

    assert browser.get(first).status_code == 200
    assert staff("quiet").get(first).status_code == 404


@pytest.mark.parametrize(
    ("username", "path", "status"),
    [
        ("admin", "/portal/users/list/", 200),
        ("biller", "/portal/users/list/", 403),
        ("viewer", "/portal/users/list/", 403),
        ("viewer", "/portal/settings/", 200),
        ("operator", "/portal/settings/", 403),
        ("admin", "/portal/practices/list/", 403),
        ("operator", "/", 200),
    ],
)
def test_each_role_has_its_pages(staff, username, path, status):
    assert staff(username).get(path).status_code == status


@pytest.mark.parametrize(
    ("username", "entries"),
    [
        ("admin", {"Users", "Upload a statement", "Practice settings"}),
        ("biller", {"Upload a statement", "Practice settings"}),
        ("viewer", {"Practice settings"}),
        ("operator", set()),
    ],
)
def test_the_menu_shows_what_the_role_opens(staff, username, entries):
    page = staff(username).get("/").page

    shown = {link.get_text(strip=True) for link in page.select(".navbar a")}
    assert shown & {
        "Users", "Upload a statement", "Practice settings", "Practices"
    } == entries  # fmt: skip


def test_an_admin_sees_his_users_with_their_roles(staff):
    page = staff("admin").get("/portal/users/list/").page

    users = {
        row.td.text: row.get_text(" ", strip=True) for row in page.select("tbody tr")
    }
    assert "Quentin Quiet" not in users
    assert "Portal Viewer" in users["Fran Frontdesk"]
    assert "Deactivated" in users["Fred Former"]


def test_an_admin_changes_roles_and_locks_out(staff, portal):
    manager = portal.appbuilder.sm
    manager.add_role("SMS Front Desk")
    manager.add_role("SMS Support")
    row = membership(portal, "biller")
    browser = staff("admin")
    page = browser.get(f"/portal/users/edit/{row.id}").page
    assert "SMS Support" not in page.text

    answer = browser.post(
        f"/portal/users/edit/{row.id}",
        {"portal_role": "Portal Viewer", "other_roles": ["SMS Front Desk"]},
    )

    assert answer.headers["Location"] == "/portal/users/list/"
    db.session.expire_all()
    assert {role.name for role in row.user.roles} == {"Portal Viewer", "SMS Front Desk"}
    assert not row.user.is_active


@pytest.mark.parametrize("role", ["Portal Support", "Admin", "SMS Support", ""])
def test_an_admin_gives_no_role_that_is_not_his_to_give(staff, portal, role):
    portal.appbuilder.sm.add_role("SMS Support")
    row = membership(portal, "biller")
    browser = staff("admin")
    browser.get(f"/portal/users/edit/{row.id}")
    field = "other_roles" if role.startswith("SMS") else "portal_role"
    data = {"portal_role": "Portal Staff", "is_active": "y", field: role}

    answer = browser.post(f"/portal/users/edit/{row.id}", data)

    assert answer.status_code == 422
    db.session.expire_all()
    assert {role.name for role in row.user.roles} == {"Portal Staff"}


@pytest.mark.parametrize(
    ("username", "why"), [("admin", "himself"), ("floater", "elsewhere")]
)
def test_an_admin_changes_neither_himself_nor_who_works_elsewhere_too(
    staff, portal, username, why
):
    row = membership(portal, username)
    browser = staff("admin")

    assert browser.get(f"/portal/users/edit/{row.id}").status_code == 403
    assert browser.post(f"/portal/users/edit/{row.id}").status_code == 403


def test_an_admin_changes_nobody_who_holds_a_greater_role(staff, portal):
    manager = portal.appbuilder.sm
    row = membership(portal, "biller")
    row.user.roles = [*row.user.roles, manager.find_role("Portal Support")]
    db.session.commit()

    assert staff("admin").get(f"/portal/users/edit/{row.id}").status_code == 403


def test_users_of_another_practice_are_missing(staff, portal):
    row = membership(portal, "quiet", "quiet-valley")

    assert staff("admin").get(f"/portal/users/edit/{row.id}").status_code == 404


def test_a_user_who_is_locked_out_is_out_at_once(staff, portal):
    biller, admin = staff("biller"), staff("admin")
    row = membership(portal, "biller")
    admin.get(f"/portal/users/edit/{row.id}")

    admin.post(f"/portal/users/edit/{row.id}", {"portal_role": "Portal Staff"})

    assert biller.get("/portal/patients/list/").status_code == 302


def test_an_admin_sets_what_patients_read(staff):
    browser = staff("admin")
    browser.get("/portal/settings/")

    browser.post(
        "/portal/settings/practice",
        {"name": "Harbor", "phone": "(415) 555-0199", "timezone": "America/Denver"},
    )

    row = db.session.scalars(select(Practice).where(Practice.public_id == HARBOR)).one()
    assert (row.name, row.phone, row.timezone) == (
        "Harbor", "(415) 555-0199", "America/Denver"
    )  # fmt: skip


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"timezone": "Mars/Olympus"}, {"name": "x" * 101}]
)
def test_settings_that_cannot_be_are_refused(staff, wrong):
    browser = staff("admin")
    browser.get("/portal/settings/")
    right = {"name": "Harbor", "phone": "", "timezone": "America/Denver"}

    answer = browser.post("/portal/settings/practice", right | wrong)

    assert answer.status_code == 422
    row = db.session.scalars(select(Practice).where(Practice.public_id == HARBOR)).one()
    assert row.name == "Harbor Light Pharmacy"


def test_others_read_the_settings_and_choose_their_own_notices(staff, portal):
    browser = staff("biller")
    row = membership(portal, "biller")
    assert not row.notify_replies
    page = browser.get("/portal/settings/")
    assert "An admin of the practice can change this." in page.text

    assert browser.post("/portal/settings/practice").status_code == 403
    browser.post("/portal/settings/notices", {"notify_replies": "y"})

    db.session.expire_all()
    assert row.notify_replies


def test_support_chooses_a_practice_before_its_settings(staff):
    browser = staff("support")
    page = browser.get("/portal/settings/")

    assert "Choose a practice above." in page.text
    assert browser.post("/portal/settings/practice").status_code == 404
    assert browser.post("/portal/settings/notices").status_code == 404


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "UTC\n"])
def test_support_gives_a_practice_no_zone_that_is_none(staff, zone):
    browser = staff("support")
    row = db.session.scalars(select(Practice)).first()
    browser.get(f"/portal/practices/edit/{row.id}")

    browser.post(
        f"/portal/practices/edit/{row.id}", {"name": "X", "phone": "", "timezone": zone}
    )

    db.session.expire_all()
    assert row.timezone.startswith("America/")


def test_staff_correct_a_state_in_two_letters_only(staff):
    olivia = patient("H1001")
    browser = staff("biller")
    browser.get(f"/portal/patients/edit/{olivia.id}")
    data = {"first_name": "Olivia", "last_name": "Open", "status": "INVOICE"}

    answer = browser.post(
        f"/portal/patients/edit/{olivia.id}", {**data, "language": "en", "state": "XX"}
    )

    assert "Two letters, such as CA." in answer.text
    db.session.expire_all()
    assert olivia.state == "CA"


def test_a_foreign_plan_does_not_show(staff):
    assert db.session.scalars(select(PaymentPlan)).all()
    assert not staff("quiet").get("/portal/plans/list/").page.select("tbody tr")


@pytest.mark.parametrize(
    ("path", "title"),
    [("/nothing", "Not found"), ("/portal/practices/list/", "Not allowed")],
)
def test_an_error_is_a_page_in_plain_words(staff, path, title):
    answer = staff("biller").get(path)

    assert answer.page.h1.text == title
    assert answer.page.find("a", string="First page")


def test_every_page_names_its_language_and_one_heading(staff):
    browser = staff("admin")

    for path in ("/", "/portal/patients/list/", "/portal/settings/", "/login/"):
        page = browser.get(path).page
        assert page.html["lang"] == "en", path
    assert len(browser.get("/portal/patients/list/").page.find_all("h1")) == 1


def test_settings_say_what_texting_cost_this_month(staff, portal):
    practice_id = membership(portal, "admin").practice_id
    today = portal.config["PORTAL_CLOCK"]().date()
    for number, (day, micros) in enumerate(
        [(today, 36_000), (today, 1_999_964_000), (today - timedelta(days=60), 1)]
    ):
        db.session.add(
            UsageCharge(
                key=str(number),
                practice_id=practice_id,
                day=day,
                kind="invoice",
                texts=1000,
                amount_micros=micros,
            )
        )
    db.session.commit()

    words = staff("admin").get("/portal/settings/").page.get_text(" ", strip=True)

    assert "Texting this month 2,000 texts, $2,000.00" in words
