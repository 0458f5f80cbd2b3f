"""The staff pages: what each user sees, uploads, and cannot reach."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from sqlalchemy import select

from host_app import texting
from host_app.database import db
from host_app.models import AccountStatus, Invoice, Job, JobState, Patient, Practice
from host_app.seed_data import HARBOR, QUIET

SAMPLES = Path(__file__).parents[2] / "host_app" / "samples"
HEADER = (
    "account_number,first_name,last_name,phone,state,language,"
    "invoice_number,balance,due_date\n"
)
LISTS = ("patients", "invoices", "payments", "jobs")


def patient(account_number):
    query = select(Patient).where(Patient.account_number == account_number)
    return db.session.scalars(query).one()


def latest_job():
    """The job that was made last."""
    return db.session.scalars(select(Job).order_by(Job.id.desc()).limit(1)).one()


def upload(browser, content, practice=HARBOR, name="statement.csv"):
    """Upload a file and return the page of its job."""
    browser.get("/portal/jobs/upload")
    answer = browser.post(
        "/portal/jobs/upload",
        {"practice": practice, "file": (io.BytesIO(content), name)},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 302, answer.text
    return browser.get(answer.headers["Location"])


@pytest.mark.parametrize("name", LISTS)
def test_an_anonymous_visitor_is_sent_to_sign_in(browser, name):
    answer = browser.get(f"/portal/{name}/list/")

    assert answer.status_code == 302
    assert "/login/?next=" in answer.headers["Location"]


@pytest.mark.parametrize("name", LISTS)
def test_staff_see_the_lists(staff, name):
    assert staff("biller").get(f"/portal/{name}/list/").status_code == 200


def test_staff_see_their_own_practice_only(staff):
    browser = staff("biller")

    def found(text):
        return browser.get(f"/portal/patients/list/?q={text}").page.find("tbody")

    assert "Paused, Paula" in found("paus").text
    assert found("therapy") is None
    assert found("quinn") is None


def test_one_user_may_work_for_two_practices(staff):
    browser = staff("floater")

    assert (
        browser.get(f"/portal/patients/show/{patient('S2001').id}").status_code == 200
    )
    assert (
        browser.get(f"/portal/patients/show/{patient('H1002').id}").status_code == 200
    )
    assert (
        browser.get(f"/portal/patients/show/{patient('Q3001').id}").status_code == 404
    )


def test_support_sees_every_practice(staff):
    browser = staff("support")

    assert (
        browser.get(f"/portal/patients/show/{patient('Q3001').id}").status_code == 200
    )
    assert "Quiet Valley Clinic" in browser.get("/portal/practices/list/").text


@pytest.mark.parametrize("page", ["show", "edit"])
@pytest.mark.parametrize("key", ["foreign", "99999", "abc", "-1", "1.5"])
def test_a_foreign_patient_is_as_missing_as_one_that_never_was(staff, page, key):
    key = patient("S2001").id if key == "foreign" else key

    answer = staff("biller").get(f"/portal/patients/{page}/{key}")

    assert answer.status_code == 404


def test_a_foreign_invoice_is_missing(staff):
    query = select(Invoice.id).where(Invoice.number == "INV-S2001")
    key = db.session.scalars(query).one()

    assert staff("biller").get(f"/portal/invoices/show/{key}").status_code == 404


@pytest.mark.parametrize(
    ("username", "path", "status"),
    [
        ("viewer", "/portal/patients/list/", 200),
        ("viewer", "/portal/patients/edit/1", 403),
        ("viewer", "/portal/jobs/upload", 403),
        ("frontdesk", "/portal/jobs/upload", 403),
        ("biller", "/portal/practices/list/", 403),
        ("operator", "/portal/patients/list/", 403),
        ("support", "/portal/jobs/upload", 200),
    ],
)
def test_each_role_has_its_limits(staff, username, path, status):
    assert staff(username).get(path).status_code == status


def test_a_deactivated_user_cannot_sign_in(browser):
    browser.get("/login/")
    browser.post("/login/", {"username": "former", "password": "portal-demo-2026"})

    assert browser.get("/portal/patients/list/").status_code == 302


@pytest.mark.parametrize(
    "path",
    [
        "/portal/patients/delete/1",
        "/portal/patients/add",
        "/portal/patients/action/muldelete/1",
        "/portal/patients/action_post",
        "/portal/invoices/edit/1",
        "/portal/jobs/delete/1",
        "/portal/practices/add",
    ],
)
def test_there_is_no_address_to_delete_add_or_act_in_bulk(staff, path):
    browser = staff("support")

    assert browser.get(path).status_code == 404
    assert browser.post(path).status_code == 404


def test_staff_pause_an_account(staff):
    browser = staff("biller")
    olivia = patient("H1001")
    browser.get(f"/portal/patients/edit/{olivia.id}")

    browser.post(
        f"/portal/patients/edit/{olivia.id}",
        {
            "first_name": "Olivia",
            "last_name": "Open",
            "status": "PAUSED",
            "language": "en",
            "state": "CA",
        },
    )

    db.session.expire_all()
    assert olivia.status is AccountStatus.PAUSED


def test_every_box_of_an_account_can_be_unticked_and_every_text_emptied(staff):
    browser = staff("biller")
    agnes = patient("H1009")
    assert agnes.delivery_paper
    browser.get(f"/portal/patients/edit/{agnes.id}")

    browser.post(
        f"/portal/patients/edit/{agnes.id}",
        {"first_name": "", "last_name": "Agency", "status": "NEW", "agency": ""},
    )

    db.session.expire_all()
    assert not agnes.delivery_paper
    assert (agnes.agency, agnes.first_name) == ("", "")


def test_a_name_is_text_and_never_markup(staff):
    patient("H1001").last_name = "<script>alert(1)</script>"
    db.session.commit()
    browser = staff("biller")

    for path in ("list/", f"show/{patient('H1001').id}"):
        assert "<script>alert" not in browser.get(f"/portal/patients/{path}").text


def test_a_patient_s_page_shows_phones_and_invoices(staff):
    page = staff("biller").get(f"/portal/patients/show/{patient('H1015').id}").text

    assert "(415) 555-0190 landline" in page
    assert "INV-H1015" in page


def test_the_first_page_says_what_to_do_next(staff, browser):
    assert "Sign in" in browser.get("/").text
    assert "Upload a statement" in staff("biller").get("/").text
    assert "Upload a statement" not in staff("viewer").get("/").text
    assert "not a member of a practice" in staff("operator").get("/").text


def test_an_uploaded_file_becomes_a_job_with_its_counts_and_bad_rows(staff):
    content = (SAMPLES / "statement-october.csv").read_bytes()

    answer = upload(staff("biller"), content)

    cells = [
        row.get_text(" ", strip=True) for row in answer.page.find_all(["li", "tr"])
    ]
    assert "27 rows in the file" in cells
    assert "23 good rows" in cells
    assert "4 bad rows" in cells
    assert any(cell.startswith("26 due_date") for cell in cells)


def test_a_broken_file_is_a_failed_job_with_one_clear_sentence(staff):
    content = (SAMPLES / "statement-unclosed-quote.csv").read_bytes()

    answer = upload(staff("biller"), content)

    assert "opens in line 3 is not closed" in answer.text
    job = latest_job()
    assert (job.state, job.item_count) == (JobState.FAILED, 0)


def test_the_same_file_twice_is_flagged(staff):
    browser = staff("biller")
    content = (SAMPLES / "statement-october.csv").read_bytes()

    assert "same file" not in upload(browser, content).text
    assert "same file" in upload(browser, content).text


def test_a_job_of_another_practice_is_missing(staff):
    content = HEADER.encode() + b"N1,Newton,New,,CA,en,INV-A,1.00,\n"
    upload(staff("floater"), content, practice="stepping-stones")
    job = latest_job()
    browser = staff("biller")

    assert browser.get(f"/portal/jobs/show/{job.id}").status_code == 404
    assert browser.get(f"/portal/jobs/problems/{job.id}.csv").status_code == 404
    assert browser.post(f"/portal/jobs/hand-over/{job.id}").status_code == 404


def test_a_file_cannot_be_uploaded_for_another_practice(staff):
    browser = staff("biller")
    browser.get("/portal/jobs/upload")
    before = latest_job().id

    answer = browser.post(
        "/portal/jobs/upload",
        {"practice": QUIET, "file": (io.BytesIO(b"x"), "x.csv")},
        content_type="multipart/form-data",
    )

    assert answer.status_code == 422
    assert latest_job().id == before


def test_an_upload_without_a_file_says_so(staff):
    browser = staff("biller")
    browser.get("/portal/jobs/upload")

    answer = browser.post("/portal/jobs/upload", {"practice": HARBOR})

    assert answer.status_code == 422
    assert "Choose a file." in answer.text


def test_an_upload_without_the_form_s_token_is_refused(staff):
    browser = staff("biller")

    answer = browser.client.post("/portal/jobs/upload", data={"practice": HARBOR})

    assert answer.status_code == 400
    assert "Nothing was changed" in answer.text


def test_a_file_over_the_limit_is_refused(staff, portal, monkeypatch):
    monkeypatch.setitem(portal.config, "MAX_CONTENT_LENGTH", 10_000)
    browser = staff("biller")
    browser.get("/portal/jobs/upload")

    answer = browser.post(
        "/portal/jobs/upload",
        {"practice": HARBOR, "file": (io.BytesIO(b"x" * 10_000), "x.csv")},
        content_type="multipart/form-data",
    )

    assert answer.status_code == 413


def test_bad_rows_are_downloaded_with_formulas_disarmed(staff):
    row = '"=HYPERLINK(""http://x.example"")","A","B",,CA,en,INV-A,=1+1,\n'
    browser = staff("biller")
    upload(browser, HEADER.encode() + row.encode() + b"-1,2\n")
    job = latest_job()

    answer = browser.get(f"/portal/jobs/problems/{job.id}.csv")

    rows = list(csv.reader(io.StringIO(answer.text)))
    assert answer.mimetype == "text/csv"
    assert rows[0] == ["Line", "Reason"]
    assert rows[1] == ["2", 'balance "=1+1" is not an amount such as 123.45']
    assert not any(
        cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row
    )


class Plugin:
    """Stands in for the plugin's two public functions."""

    def __init__(self):
        self.submitted = []
        self.is_broken = False

    def submit_job(self, practice_id, job_id):
        if self.is_broken:
            raise RuntimeError("no database")
        # The host must have committed: another connection sees the job.
        with db.engine.connect() as elsewhere:
            query = select(Job.id).where(Job.id == int(job_id))
            assert elsewhere.execute(query).first()
        self.submitted.append((practice_id, job_id))

    def pending_texts_url(self, practice_id, job_id):
        return f"/sms/{practice_id}/{job_id}"


@pytest.fixture
def plugin(portal, monkeypatch):
    import sms_plugin

    fake = Plugin()
    monkeypatch.setitem(portal.extensions, "sms_plugin", fake)
    for name in ("submit_job", "pending_texts_url"):
        monkeypatch.setattr(sms_plugin, name, getattr(fake, name), raising=False)
    return fake


CONTENT = HEADER.encode() + b"N1,Newton,New,,CA,en,INV-A,1.00,\n"


def test_a_job_is_handed_over_after_it_is_committed(staff, plugin):
    page = upload(staff("biller"), CONTENT).page

    job = latest_job()
    assert plugin.submitted == [(HARBOR, str(job.id))]
    assert page.find("a", string="Pending texts")["href"] == f"/sms/{HARBOR}/{job.id}"
    assert "Prepare the texts" not in page.text


def test_a_failed_hand_over_can_be_repeated_and_happens_once(staff, plugin):
    plugin.is_broken = True
    browser = staff("biller")
    assert "Prepare the texts" in upload(browser, CONTENT).text
    plugin.is_broken = False
    job = latest_job()

    for _ in range(2):
        browser.post(f"/portal/jobs/hand-over/{job.id}")

    assert plugin.submitted == [(HARBOR, str(job.id))]
    assert "Prepare the texts" not in browser.get(f"/portal/jobs/show/{job.id}").text


def test_a_failed_file_is_not_handed_over(staff, plugin):
    upload(staff("biller"), b"nonsense")

    assert plugin.submitted == []


def test_without_the_plugin_nothing_of_texts_is_shown(staff):
    page = upload(staff("biller"), CONTENT)
    job = latest_job()

    assert "Pending texts" not in page.text
    assert "Prepare the texts" not in page.text
    assert texting.pending_texts_url(job) is None


def test_support_edits_a_practice(staff):
    browser = staff("support")
    row = db.session.scalars(select(Practice).where(Practice.public_id == HARBOR)).one()
    browser.get(f"/portal/practices/edit/{row.id}")

    browser.post(
        f"/portal/practices/edit/{row.id}",
        {"name": "Harbor", "phone": "", "timezone": "America/Denver"},
    )

    db.session.expire_all()
    assert (row.name, row.public_id) == ("Harbor", HARBOR)
