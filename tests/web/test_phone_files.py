"""Phones of many patients: brought in from files and the portal, and taken out."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
import sqlalchemy as sa

from sms_plugin.models import (
    SmsAudit,
    SmsConsent,
    SmsConsentEvidence,
    SmsImport,
    SmsPatientPhone,
    SmsPhone,
)
from sms_plugin.port import PhoneOnFile
from sms_plugin.services import agreements, ledger, phone_adding, tables
from sms_plugin.worker import upkeep
from tests.support.world import STAFF
from tests.web import pages

FILES = "/sms/phone-files"
FILE = """account_number,phone,label,consent_source,consent_date
A1,(212) 555-0131,mobile,form,2026-01-31
A2,212-555-0132 (mom),,,
A3,not known,,,
A9,2125550133,,,
A2,+12125550132,,,
A2,212 555 0134,,guess,
A2,212 555 0135,,form,31/01/2026
"""


@pytest.fixture
def patients(world):
    """A practice that texts, with three patients that have accounts and no phone."""
    world.enable()
    for number in (1, 2, 3):
        world.portal.add_patient(
            f"p{number}", first=f"Pat{number}", account_number=f"A{number}"
        )


def upload(client, data, **form):
    data = data.encode() if isinstance(data, str) else data
    return client.post(
        f"{FILES}/upload",
        data={"practice_id": 1, "file": (io.BytesIO(data), "phones.csv")} | form,
        content_type="multipart/form-data",
    )


def kept(world):
    with world.session() as session:
        return session.execute(
            sa.select(
                SmsPatientPhone.patient_ref,
                SmsPhone.e164,
                SmsPatientPhone.label,
                SmsPatientPhone.preferred,
                SmsPatientPhone.delivery,
                SmsPatientPhone.consent,
            )
            .join(SmsPhone, SmsPhone.id == SmsPatientPhone.phone_id)
            .order_by(SmsPatientPhone.id)
        ).all()


def agrees_with_the_ledger(world):
    with world.session() as session:
        found, _ = ledger.check_derived(session, 1, vault=world.plugin.vault)
        return found == []


class TestFiles:
    def test_a_file_is_looked_at_first_and_nothing_is_added(
        self, world, login, patients
    ):
        client = login("frontdesk")

        answer = client.get(upload(client, FILE).location)

        said = pages.words(answer)
        assert "To add 2 Known already 0 Cannot be used 5" in said
        for row, why in (
            ("4", "Remove the words"),
            ("5", "No patient of the practice"),
            ("6", "earlier row"),
            ("7", "form, verbal, portal or text"),
            ("8", "2026-01-31"),
        ):
            assert f"{row} {why}" in said or (row in said and why in said)
        assert kept(world) == []
        assert pages.unsafe_parts(answer) == []

    def test_confirming_adds_the_good_rows_without_consent(
        self, world, login, patients
    ):
        client = login("frontdesk")
        page = upload(client, FILE).location

        answer = client.post(f"{page}/add", follow_redirects=True)

        assert "2 phones were brought in" in pages.words(answer)
        assert kept(world) == [
            ("p1", "+12125550131", "mobile", True, False, "none"),
            ("p2", "+12125550132", "mom", True, False, "none"),
        ]
        assert world.rows(SmsConsent) == []
        [imported] = world.rows(SmsImport)
        assert imported.rows == ""
        assert "phones.import" in {row.action for row in world.rows(SmsAudit)}
        assert client.post(f"{page}/add").status_code == 302
        assert len(kept(world)) == 2

    def test_consent_is_recorded_where_the_file_names_it_and_staff_confirm(
        self, world, login, patients
    ):
        client = login("frontdesk")
        page = upload(client, FILE).location

        client.post(f"{page}/add", data={"attested": "y"})

        assert [row[4:] for row in kept(world)] == [(True, "granted"), (False, "none")]
        [entry] = world.rows(SmsConsent)
        assert (entry.source, entry.wording) == ("form", agreements.IMPORTED)
        [evidence] = world.rows(SmsConsentEvidence)
        assert (evidence.text, evidence.user_name) == ("2026-01-31", "Frontdesk Tester")
        assert agrees_with_the_ledger(world)

    def test_phones_that_opted_out_get_no_texts_by_a_file(self, world, login, patients):
        world.patient("p1", phone="+12125550131", account_number="A1")
        world.receive("+12125550131", "STOP")
        client = login("frontdesk")
        file = "patient_id;phone;consent_source\np2;2125550131;form\n"

        answer = client.post(
            f"{upload(client, file).location}/add",
            data={"attested": "y"},
            follow_redirects=True,
        )

        assert "it opted out" in pages.words(answer)
        assert kept(world)[-1][4:] == (False, "none")
        assert agrees_with_the_ledger(world)

    def test_a_file_brought_in_twice_adds_nothing_new(self, world, login, patients):
        client = login("frontdesk")
        client.post(f"{upload(client, FILE).location}/add", data={"attested": "y"})

        answer = client.get(upload(client, FILE).location)

        assert "To add 0 Known already 2" in pages.words(answer)
        assert "There is nothing to add" in pages.words(answer)

    def test_an_import_that_stopped_goes_on_where_it_was(self, world, login, patients):
        client = login("frontdesk")
        page = upload(client, FILE).location
        with world.session() as session:
            assert phone_adding.add_batch(
                session,
                1,
                int(page.rsplit("/", 1)[1]),
                attested=False,
                vault=world.plugin.vault,
                actor=STAFF,
                now=world.clock(),
                batch=1,
            )

        assert "not added yet" in pages.words(client.get(page))
        client.post(f"{page}/add")
        assert len(kept(world)) == 2

    @pages.on_sqlite
    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
    def test_files_of_any_spreadsheet_are_read(self, world, login, patients, encoding):
        file = "Account Number\tPhone\tNote\r\nA1\t(212) 555-0131\tmóvil\r\n"
        client = login("frontdesk")

        client.post(f"{upload(client, file.encode(encoding)).location}/add")

        assert kept(world) == [("p1", "+12125550131", "móvil", True, False, "none")]

    @pages.on_sqlite
    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"", "empty"),
            (b"account,phone\n", "no row below"),
            (b"name,address\nA,B\n", "no name in it is known"),
            (b"phone\n2125550131\n", "Two columns are needed"),
            (
                b'account,phone\nA1,"2125550131\nA2,2125550132\n',
                "a quote is not closed",
            ),
            (b"PK\x03\x04\0\0binary", "not a CSV file"),
            ("account,phone\n".encode("utf-16-le") + b"\xd8", "not a CSV file"),
            (b"account,phone" + b",x" * 200 + b"\nA1,2125550131\n", "too many columns"),
            (b"account,phone\n" + b"A1,1\n" * (tables.MOST_ROWS + 1), "too many rows"),
        ],
    )
    def test_what_is_no_such_table_is_refused_with_a_reason(
        self, world, login, patients, data, reason
    ):
        answer = upload(login("frontdesk"), data)

        assert answer.status_code == 422
        assert reason in pages.words(answer)
        assert world.rows(SmsImport) == []

    @pages.on_sqlite
    @pytest.mark.parametrize("size", [101, 100_000])
    def test_a_file_that_is_too_large_is_refused_unread(
        self, world, login, patients, monkeypatch, size
    ):
        monkeypatch.setattr(tables, "MOST_BYTES", 100)

        answer = upload(login("frontdesk"), b"account,phone\n" + b" " * size)

        assert answer.status_code == 422
        assert "too large" in pages.words(answer)

    @pages.on_sqlite
    def test_formulas_are_kept_as_words_and_taken_out_as_words(
        self, world, login, patients
    ):
        file = 'account,phone,label\nA1,2125550131,"=HYPERLINK(1)"\nA2,=1+1,\n'
        client = login("admin")
        page = upload(client, file).location
        client.post(f"{page}/add")

        exported = client.post(f"{FILES}/export", data={"practice_id": 1})
        assert kept(world)[0][2] == "=HYPERLINK(1)"
        assert '"\'=HYPERLINK(1)"' in exported.text

    def test_the_report_names_every_row(self, world, login, patients):
        client = login("frontdesk")
        page = upload(client, FILE).location

        report = client.get(f"{page}/report")

        rows = list(csv.reader(io.StringIO(report.text)))
        assert report.mimetype == "text/csv"
        assert {row[0] for row in rows[1:]} == {"2", "3", "4", "5", "6", "7", "8"}
        assert ["3", "It will be added."] in rows

    def test_an_import_is_forgotten_after_a_week(self, world, login, patients, clock):
        client = login("frontdesk")
        upload(client, FILE)
        clock.now += timedelta(days=8)
        upload(client, FILE)

        assert len(world.rows(SmsImport)) == 1

    def test_an_import_is_forgotten_also_where_none_follows(
        self, app, world, login, patients, clock
    ):
        upload(login("frontdesk"), FILE)
        clock.now += timedelta(days=6)
        upkeep.tidy_imports(app)
        assert len(world.rows(SmsImport)) == 1

        clock.now += timedelta(days=2)
        upkeep.tidy_imports(app)
        assert world.rows(SmsImport) == []


class TestPortal:
    def test_phones_on_file_are_brought_in_without_consent(
        self, world, login, patients
    ):
        world.patient("p1", phone="+12125550131", account_number="A1")
        world.portal.change_patient(
            "p2", phones=(PhoneOnFile("212-555-0132", "home"), PhoneOnFile("none"))
        )
        client = login("biller")

        page = client.post(f"{FILES}/portal", data={"practice_id": 1}).location
        said = pages.words(client.get(page))
        assert "To add 1 Known already 1 Cannot be used 1" in said
        client.post(f"{page}/add")

        assert kept(world)[1:] == [("p2", "+12125550132", "home", True, False, "none")]


class TestExport:
    def test_a_file_holds_every_phone_and_the_log_says_who_took_it(self, world, login):
        world.enable()
        world.enable("birch", "+13125550100")
        world.patient("p1", phone="+12125550131", first="Ann")
        world.patient("p2", phone="+12125550132", first="Ben")
        world.patient("p3", practice="birch", first="Hidden")
        world.receive("+12125550132", "STOP")

        answer = login("biller").post(f"{FILES}/export", data={"practice_id": 1})

        rows = list(csv.reader(io.StringIO(answer.text.lstrip("\ufeff"))))
        assert [row[0] for row in rows] == ["Patient", "Ann Example", "Ben Example"]
        assert rows[1][2:8] == ["(212) 555-0131", "", "Agreed", "On", "No", "No"]
        assert rows[2][6] == "Yes"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "attachment" in answer.headers["Content-Disposition"]
        assert "phones.export" in {row.action for row in world.rows(SmsAudit)}


class TestWalls:
    @pages.on_sqlite
    @pytest.mark.parametrize("user", ["viewer", "operator", "support"])
    def test_who_may_not_see_phones_brings_none_in_and_takes_none_out(
        self, world, login, patients, user
    ):
        client = login(user)

        for answer in (
            client.get(f"{FILES}/"),
            upload(client, FILE),
            client.post(f"{FILES}/export", data={"practice_id": 1}),
            client.post(f"{FILES}/portal", data={"practice_id": 1}),
        ):
            assert answer.status_code in {302, 403, 404}
        assert world.rows(SmsImport) == []
        assert "phones.export" not in {row.action for row in world.rows(SmsAudit)}

    @pages.on_sqlite
    def test_imports_of_another_practice_are_not_found(self, world, login, patients):
        world.enable("birch", "+13125550100")
        page = upload(login("admin"), FILE).location
        stranger = login("birch")

        assert stranger.get(page).status_code == 404
        assert stranger.get(f"{page}/report").status_code == 404
        assert stranger.post(f"{page}/add").status_code == 404
        assert stranger.get(f"{FILES}/{'9' * 30}").status_code == 404
        assert kept(world) == []

    @pages.on_sqlite
    def test_a_form_of_another_practice_is_refused(self, world, login, patients):
        world.enable("birch", "+13125550100")

        assert upload(login("birch"), FILE).status_code == 409

    @pages.on_sqlite
    def test_a_change_needs_its_token_and_a_post(self, app, world, login, patients):
        client = login("admin")

        with pages.csrf(app):
            assert upload(client, FILE).status_code == 400
        assert client.get(f"{FILES}/export").status_code == 405

    @pages.on_sqlite
    def test_while_texting_is_off_there_is_nothing(self, world, login):
        assert login("admin").get(f"{FILES}/").status_code == 404


class TestFilters:
    def test_phones_are_found_by_how_they_stand(self, world, login):
        world.enable()
        world.patient("ok", first="Ready")
        world.patient("stop", first="Stopped")
        world.patient("broken", first="Broken")
        world.patient("no", first="Silent", consent=False)
        phone = world.patient("one", first="SharerOne")
        world.patient("two", first="SharerTwo", phone=phone)
        with world.session() as session:
            numbers = dict(
                session.execute(
                    sa.select(SmsPatientPhone.patient_ref, SmsPhone.e164).join(
                        SmsPhone, SmsPhone.id == SmsPatientPhone.phone_id
                    )
                ).all()
            )
        world.receive(numbers["stop"], "STOP")
        world.alter(SmsPhone, {"condition": "unreachable"}, e164=numbers["broken"])
        world.alter(SmsPhone, {"verified_at": world.clock()}, e164=numbers["ok"])
        client = login("frontdesk")
        everybody = {"Ready", "Stopped", "Broken", "Silent", "SharerOne", "SharerTwo"}

        def found(standing):
            page = client.get(f"/sms/phones/list/?_flt_0_phone={standing}")
            assert page.status_code == 200
            table = pages.soup(page).select_one("main table")
            return {name for name in everybody if name in table.get_text()}

        assert found("opted_out") == {"Stopped"}
        assert found("broken") == {"Broken"}
        assert found("shared") == {"SharerOne", "SharerTwo"}
        assert found("unverified") == everybody - {"Ready"}
        assert found("ready") == {"Ready", "SharerOne", "SharerTwo"}

    @pages.on_sqlite
    def test_the_page_of_a_phone_holds_the_panel_of_its_patient(self, world, login):
        world.enable()
        world.patient("p1", phone="+12125550131")

        page = pages.soup(login("frontdesk").get("/sms/phones/show/1"))

        assert "(212) 555-0131" in page.select_one("#sms-panel").get_text()
