from __future__ import annotations

import csv
import io
import json

import pytest
import sqlalchemy as sa

from sms_plugin.models import SmsAudit, SmsConsent, SmsPatientPhone, SmsPhone
from sms_plugin.services import agreements, consents
from tests.support.world import STAFF
from tests.web import pages

STOP = "=STOP please, I am not Ann"


@pytest.fixture
def ann(world):
    """A patient who agreed, and whose phone said STOP; the row of her phone."""
    world.enable()
    phone = world.patient("ann", consent=False, first="Ann", last="Ames")
    with world.session() as session:
        row = session.scalars(sa.select(SmsPatientPhone)).one()
        more = {"vault": world.plugin.vault, "now": world.clock()}
        consents.set_consent(
            session,
            row,
            granted=True,
            source="verbal",
            wording=agreements.STAFF,
            actor=STAFF,
            **more,
        )
        locked = consents.lock_phone(session, row.phone_id)
        consents.suppress(session, locked, source="keyword", evidence=STOP, **more)
        assert locked.e164 == phone
        return row.id


def deeds(world):
    return [
        (row.action, row.user_name, row.object_id)
        for row in world.rows(SmsAudit)
        if row.action.startswith("ledger.")
    ]


@pytest.mark.parametrize("what", ["patient", "phone", "entry"])
def test_the_history_tells_everything_that_is_asked_in_a_dispute(
    world, login, ann, what
):
    key = ann if what == "patient" else 1

    answer = login("admin").get(f"/sms/consents/history/{what}/{key}")

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert pages.unsafe_parts(answer) == []
    text = pages.words(answer)
    for part in (
        "Ann Ames",
        agreements.SENTENCES[agreements.STAFF],
        "staff-1",
        STOP,
        "192.0.2.1",
        "Ada Admin",
        "2026-11-25 15:00:00 UTC",
        "Nov 25, 2026",
        "Said so, in person or by phone",
        "2 entries, the oldest first",
        "by Admin Tester",
        "SHA-256 of the content",
    ):
        assert part in text
    assert text.index("staff-1") < text.index(STOP)
    assert deeds(world) == [("ledger.read", "Admin Tester", key)]


def test_the_file_for_a_program_carries_the_checksum_of_the_page(login, ann):
    client = login("admin")
    page = pages.words(client.get(f"/sms/consents/history/patient/{ann}"))

    answer = client.post(f"/sms/consents/history/patient/{ann}/json")

    given = json.loads(answer.text)
    assert given["sha256"] in page
    assert [row["event"] for row in given["content"]["entries"]] == [
        "granted",
        "suppressed",
    ]
    assert given["content"]["state"][0]["opted_out_by"] == ["keyword"]


def test_the_file_for_a_spreadsheet_runs_nothing(world, login, ann):
    answer = login("admin").post(f"/sms/consents/history/patient/{ann}/csv")

    rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert [row["patient"] for row in rows] == ["Ann Ames", ""]
    assert rows[1]["evidence"] == f"'{STOP}"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert deeds(world)[-1][0] == "ledger.export"


@pytest.mark.parametrize("form", ["csv", "json"])
def test_the_ledger_of_a_period_is_one_file_of_this_practice(world, login, ann, form):
    other = world.enable("birch", number="+12125550199")
    world.patient("bo", practice="birch", first="Bo", last="Birch")
    practice_id = world.rows(SmsPatientPhone, id=ann)[0].practice_id
    client, form_of = login("admin"), {"practice_id": practice_id}

    answer = client.post(f"/sms/consents/period.{form}", data=form_of)
    text = answer.text.lstrip("\ufeff")
    rows = (
        json.loads(text) if form == "json" else list(csv.DictReader(io.StringIO(text)))
    )

    assert [row["event"] for row in rows] == ["granted", "suppressed"]
    assert rows[0]["patient"] == "Ann Ames"
    assert "555-01" in rows[1]["phone"]
    days = {"first": "2026-11-26", "last": "2026-11-26"}
    empty = client.post(f"/sms/consents/period.{form}", data=form_of | days)
    assert "Ann" not in empty.text
    refused = client.post(f"/sms/consents/period.{form}", data={"practice_id": other})
    assert refused.status_code == 404


@pages.on_sqlite
@pytest.mark.parametrize(
    "days", [{"first": "soon"}, {"first": "2026-12-01", "last": "2026-11-01"},
             {"first": "0001-01-01"}]
)  # fmt: skip
def test_days_that_make_no_period_are_refused_in_words(world, login, ann, days):
    practice_id = world.rows(SmsPatientPhone, id=ann)[0].practice_id
    client = login("admin")

    answer = client.post(
        "/sms/consents/period.csv",
        data={"practice_id": practice_id, **days},
        follow_redirects=True,
    )

    assert "Choose a first and a last day" in pages.words(answer)


def test_a_long_ledger_comes_page_by_page(world, login, ann, monkeypatch):
    monkeypatch.setattr("sms_plugin.services.ledger.BATCH", 2)
    for number in range(4):
        world.patient(f"more-{number}")
    practice_id = world.rows(SmsPatientPhone, id=ann)[0].practice_id

    answer = login("admin").post(
        "/sms/consents/period.json", data={"practice_id": practice_id}
    )

    assert len(json.loads(answer.text)) == len(world.rows(SmsConsent)) == 6


@pages.on_sqlite
@pytest.mark.parametrize("user", ["biller", "frontdesk", "viewer", "operator", "birch"])
def test_others_see_and_download_nothing(world, login, ann, user):
    client = login(user)

    for path in (
        f"/sms/consents/history/patient/{ann}",
        "/sms/consents/history/phone/1",
        "/sms/consents/history/entry/1",
    ):
        assert client.get(path).status_code in {302, 403, 404}
        assert client.post(f"{path}/csv").status_code in {302, 403, 404}
    answer = client.post("/sms/consents/period.csv", data={"practice_id": 1})
    assert answer.status_code in {302, 403, 404}
    assert deeds(world) == []


def test_an_admin_of_another_practice_is_told_of_nothing(world, login, ann):
    world.enable("birch", number="+12125550199")
    client = login("birch")

    for what, key in (("patient", ann), ("phone", 1), ("entry", 1), ("else", 1)):
        assert client.get(f"/sms/consents/history/{what}/{key}").status_code == 404
        answer = client.post(f"/sms/consents/history/{what}/{key}/json")
        assert answer.status_code == 404


@pages.on_sqlite
def test_files_are_given_only_to_a_form_of_this_session(app, login, ann):
    client = login("admin")
    with pages.csrf(app):
        answer = client.post(f"/sms/consents/history/patient/{ann}/csv")
        page = client.get(f"/sms/consents/history/patient/{ann}")
        given = client.post(
            f"/sms/consents/history/patient/{ann}/csv",
            data={"csrf_token": pages.token(page)},
        )

    assert answer.status_code == 400
    assert given.status_code == 200


@pages.on_sqlite
def test_a_phone_that_was_removed_keeps_its_history(world, login, ann):
    with world.session() as session:
        session.delete(session.get(SmsPatientPhone, ann))
        session.execute(sa.update(SmsPhone).values(e164="x1"))

    text = pages.words(login("admin").get("/sms/consents/history/entry/1"))

    assert "No phone of this subject is on file any more" in text
    assert "2 entries" in text
    assert agreements.SENTENCES[agreements.STAFF] in text


def test_a_stop_leads_to_the_history_of_its_phone(world, login, ann):
    stop = world.rows(SmsConsent, event="suppressed")[0]

    text = pages.words(login("admin").get(f"/sms/consents/history/entry/{stop.id}"))

    assert STOP in text
    assert "Ann Ames" in text
    assert "Opted out Texted STOP" in text


def test_a_stop_of_a_phone_that_nobody_uses_names_the_phone(world, login, ann):
    stranger = world.phone()
    world.receive(stranger, "STOP")
    stop = world.rows(SmsConsent)[-1]

    text = pages.words(login("admin").get(f"/sms/consents/history/entry/{stop.id}"))

    assert f"555-{stranger[-4:]}" in text
    assert "Ann Ames" not in text


@pages.on_sqlite
def test_an_entry_about_one_kind_of_text_says_which(world, login, ann):
    with world.session() as session:
        row = session.get(SmsPatientPhone, ann)
        consents.record(
            session,
            row.phone,
            "revoked",
            source="portal",
            patient_ref="ann",
            scope="reminder",
            vault=world.plugin.vault,
            now=world.clock(),
        )

    answer = login("admin").get(f"/sms/consents/history/patient/{ann}")

    assert pages.soup(answer).select(".sms-ledger-state .sms-badge-ok")
    assert "Reminder" in pages.words(answer)
    client = login("admin")
    assert "Consent history" in pages.words(client.get("/sms/consents/show/1"))
    assert "Download the ledger" in pages.words(client.get("/sms/consents/list/"))


@pages.on_sqlite
def test_a_link_leads_to_the_history_in_another_practice_of_the_user(world, login, ann):
    world.enable("birch", number="+12125550199")
    world.patient("bo", practice="birch", first="Bo", last="Birch")
    row = world.rows(SmsPatientPhone)[-1]
    path = f"/sms/consents/history/patient/{row.id}"

    client = login("both")
    assert client.get(path).status_code == 404
    answer = client.get(f"{path}?practice={row.practice_id}")

    assert "Bo Birch" in pages.words(answer)
    assert login("admin").get(f"{path}?practice={row.practice_id}").status_code == 404
    huge = f"/sms/consents/history/phone/{2**63}"
    assert client.get(huge).status_code == 404


@pages.on_sqlite
def test_the_panel_of_a_patient_leads_to_the_history_for_whom_it_is(world, login, ann):
    path = f"/sms/consents/history/patient/{ann}"
    panel = "/sms/patient/?practice=1&patient=ann"

    assert path in login("admin").get(panel).text
    assert path not in login("frontdesk").get(panel).text
