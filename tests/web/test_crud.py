from __future__ import annotations

import pytest
import sqlalchemy as sa

from sms_plugin.models import (
    SmsAccount,
    SmsConsent,
    SmsMessage,
    SmsPatientPhone,
    SmsPractice,
    SmsWebhookEvent,
)
from sms_plugin.services import consents
from tests.support.statements import counted
from tests.web import pages

LISTS = {
    "phones": {"admin", "biller", "frontdesk"},
    "messages": {"admin", "biller", "viewer"},
    "consents": {"admin"},
    "audit": {"admin", "operator"},
    "events": {"operator"},
    "templates": {"admin", "biller"},
    "numbers": {"admin"},
    "practices": {"support"},
}
STAFF = ("admin", "biller", "frontdesk", "viewer", "operator", "support", "nobody")


def phone_rows(world, **where):
    with world.session() as session:
        rows = session.scalars(sa.select(SmsPatientPhone).filter_by(**where)).all()
        session.expunge_all()
        return rows


def ledger(world):
    with world.session() as session:
        return session.execute(
            sa.select(SmsConsent.event, SmsConsent.source).order_by(SmsConsent.id)
        ).all()


def add_messages(world, practice_id, count, **values):
    with world.session() as session:
        for number in range(count):
            session.add(
                SmsMessage(
                    **{
                        "practice_id": practice_id,
                        "purpose": "job",
                        "state": "delivered",
                        "patient_name": f"Patient {number:03}",
                        "body": "Hello",
                        "created_at": world.clock(),
                        "changed_at": world.clock(),
                    }
                    | values
                )
            )


@pages.on_sqlite
@pytest.mark.parametrize("user", STAFF)
def test_each_list_opens_for_its_roles_and_nobody_else(world, login, user):
    world.enable()
    client = login(user)

    for name, roles in LISTS.items():
        status = client.get(f"/sms/{name}/list/").status_code
        if user in roles:
            assert status == 200, name
        else:
            # Who has no practice is not told that there are such pages.
            assert status in {403, 404}, name


@pages.on_sqlite
@pytest.mark.parametrize("name", [*LISTS, "settings"])
def test_visitors_are_sent_to_log_in(app, world, name):
    world.enable()
    path = f"/sms/{name}/" if name == "settings" else f"/sms/{name}/list/"

    assert pages.is_login(app.test_client().get(path))


@pages.on_sqlite
@pytest.mark.parametrize(
    "name", ["phones", "messages", "consents", "audit", "templates", "numbers"]
)
def test_lists_are_not_found_while_texting_is_off(world, login, name):
    assert login("admin").get(f"/sms/{name}/list/").status_code == 404


@pages.on_sqlite
@pytest.mark.parametrize("name", LISTS)
def test_what_a_screen_does_not_offer_does_not_exist(world, login, name):
    world.enable()
    client = login(next(iter(LISTS[name] & {"admin", "support", "operator"})))
    missing = ["add", "delete/1", "download/x"]
    if name not in {"templates", "phones"}:
        missing.append("edit/1")

    for path in missing:
        assert client.get(f"/sms/{name}/{path}").status_code in {404, 405}
        assert client.post(f"/sms/{name}/{path}").status_code in {404, 405}


def test_pages_are_not_kept_and_obey_a_strict_content_policy(world, login):
    world.enable()
    world.patient("p1")
    client = login("admin")

    for path in (
        *(f"{name}/list/" for name in LISTS if "admin" in LISTS[name]),
        "settings/",
        "numbers/search?area_code=212",
        "phones/show/1",
        "phones/edit/1",
        "templates/edit/1",
    ):
        answer = client.get(f"/sms/{path}")
        assert answer.status_code == 200, path
        assert answer.headers["Cache-Control"] == "no-store", path
        assert pages.unsafe_parts(answer) == [], path
        page = pages.soup(answer)
        assert len(page.select("h1")) == 1, path
        for field in page.select(
            "main :is(input:not([type=hidden]), select, textarea)"
        ):
            assert page.select(f'label[for="{field["id"]}"]'), (path, field)


@pytest.mark.parametrize(
    ("name", "view", "column"),
    [
        ("phones", "SmsPatientPhonesView", "patient_name"),
        ("messages", "SmsMessagesView", "state"),
    ],
)
def test_odd_queries_are_not_found(world, login, name, view, column):
    world.enable()
    client = login("admin")

    for query in (
        f"page_{view}=x",
        f"page_{view}=-1",
        f"psize_{view}=x",
        f"_oc_{view}=practice_id&_od_{view}=asc",
        f"_oc_{view}=nothing&_od_{view}=asc",
        f"_flt_99_{column}=x",
        "_flt_0_practice_id=2",
        "_flt_0_content_hash=x",
        "before=x",
        "before=-1",
    ):
        answer = client.get(f"/sms/{name}/list/?{query}")
        assert answer.status_code == 404, query


@pytest.mark.parametrize("name", ["phones", "messages", "audit"])
def test_odd_keys_are_not_found(world, login, name):
    world.enable()
    client = login("admin")

    for pk in ("0", "x", "1;--", "9" * 18, "9" * 30, "%00", "٣"):
        assert client.get(f"/sms/{name}/show/{pk}").status_code == 404, pk


def test_rows_of_another_practice_are_neither_listed_nor_found(world, login):
    world.enable()
    birch = world.enable("birch", "+13125550100")
    world.patient("theirs", practice="birch", first="Hidden")
    add_messages(world, birch, 1, patient_name="Hidden Patient")
    [phone] = phone_rows(world, patient_ref="theirs")
    [message] = world.messages(practice_id=birch)
    client = login("admin")

    for name in ("phones", "messages", "consents", "audit"):
        assert "Hidden" not in client.get(f"/sms/{name}/list/").text
    assert "Birch" not in client.get("/sms/audit/list/").text
    assert client.get(f"/sms/messages/show/{message.id}").status_code == 404
    for call in (client.get, client.post):
        assert call(f"/sms/phones/edit/{phone.id}").status_code == 404


class TestPatientPhones:
    def test_list_masks_phones_and_the_page_of_one_does_not(self, world, login):
        world.enable()
        world.patient("p1", phone="+12125550132", first="Maya")
        client = login("frontdesk")

        listed = pages.words(client.get("/sms/phones/list/"))
        assert "Maya Example" in listed
        assert "(•••) •••-0132" in listed
        assert "(212) 555-0132" not in listed
        assert "(212) 555-0132" in pages.words(client.get("/sms/phones/show/1"))

    def test_texts_are_switched_on_with_the_way_consent_was_given(self, world, login):
        world.enable()
        world.patient("p1", consent=False)

        answer = login("frontdesk").post(
            "/sms/phones/edit/1",
            data={"delivery": "y", "source": "verbal"},
            follow_redirects=True,
        )

        assert "the consent is recorded" in pages.words(answer)
        [row] = phone_rows(world)
        assert (row.delivery, row.consent) == (True, "granted")
        assert ledger(world) == [("granted", "verbal")]

    @pages.on_sqlite
    @pytest.mark.parametrize("source", ["", "guess"])
    def test_texts_are_not_switched_on_without_it(self, world, login, source):
        world.enable()
        world.patient("p1", consent=False)

        answer = login("frontdesk").post(
            "/sms/phones/edit/1", data={"delivery": "y", "source": source}
        )

        assert answer.status_code == 422
        assert not phone_rows(world)[0].delivery
        assert ledger(world) == []

    def test_staff_cannot_undo_a_stop(self, world, login):
        world.enable()
        world.patient("p1")
        with world.session() as session:
            phone = consents.lock_phone(session, 1)
            consents.suppress(
                session,
                phone,
                source="keyword",
                vault=world.plugin.vault,
                now=world.clock(),
            )
            session.get(SmsPatientPhone, 1).delivery = False

        answer = login("admin").post(
            "/sms/phones/edit/1", data={"delivery": "y", "source": "form"}
        )

        assert answer.status_code == 422
        assert "Only the patient can undo that" in pages.words(answer)
        assert not phone_rows(world)[0].delivery

    def test_texts_are_switched_off_and_the_consent_stays(self, world, login):
        world.enable()
        world.patient("p1")

        login("biller").post("/sms/phones/edit/1", data={"source": ""})

        [row] = phone_rows(world)
        assert (row.delivery, row.consent) == (False, "granted")

    def test_a_form_names_no_other_columns(self, world, login):
        world.enable()
        world.patient("p1")

        login("admin").post(
            "/sms/phones/edit/1",
            data={"source": "", "practice_id": 2, "consent": "granted", "phone_id": 9},
        )

        [row] = phone_rows(world)
        assert (row.practice_id, row.phone_id) == (1, 1)

    @pages.on_sqlite
    def test_a_name_cannot_become_markup(self, world, login):
        world.enable()
        world.patient("p1", first="<script>alert(1)</script>")
        client = login("admin")

        for path in ("list/", "show/1", "edit/1"):
            page = client.get(f"/sms/phones/{path}")
            assert "<script>alert(1)" not in page.text
            assert "&lt;script&gt;alert(1)" in page.text

    def test_search_finds_by_name(self, world, login):
        world.enable()
        world.patient("p1", first="Maya")
        world.patient("p2", first="Noor")

        answer = login("admin").get("/sms/phones/list/?_flt_2_patient_name=Noor")

        text = pages.soup(answer).select_one(".sms-table").text
        assert "Noor" in text
        assert "Maya" not in text

    def test_editing_is_refused_without_a_token(self, app, world, login):
        world.enable()
        world.patient("p1")
        client = login("admin")
        with pages.csrf(app):
            client.get("/sms/phones/edit/1")
            answer = client.post("/sms/phones/edit/1", data={"source": ""})

        assert answer.status_code == 400
        assert phone_rows(world)[0].delivery


class TestMessages:
    def test_pages_follow_each_other_by_key_without_a_count(self, world, login):
        add_messages(world, world.enable(), 60)
        client = login("viewer")
        seen, path = [], "/sms/messages/list/"
        with counted(world) as statements:
            while path:
                page = pages.soup(client.get(path))
                cells = page.select('.sms-table td[data-label="Patient"]')
                seen += [cell.text for cell in cells]
                older = page.select_one("a[rel=next]")
                path = older and older["href"]

        assert seen == [f"Patient {number:03}" for number in reversed(range(60))]
        asked = [text for text in statements if "from sms_message" in text]
        assert len(asked) == 3
        assert not any("count(" in text for text in statements)

    def test_states_and_times_are_words_of_the_practice(self, world, login):
        add_messages(world, world.enable(), 1, state="withdrawn", reason="paid")
        client = login("viewer")

        text = pages.words(client.get("/sms/messages/list/"))
        assert "Withdrawn" in text
        assert "Nov 25, 2026, 10:00 AM EST" in text
        assert "Paid" in pages.words(client.get("/sms/messages/show/1"))

    def test_search_keeps_its_filter_on_the_next_page(self, world, login):
        practice_id = world.enable()
        add_messages(world, practice_id, 30)
        add_messages(world, practice_id, 30, state="failed", patient_name="Failing")

        answer = login("viewer").get("/sms/messages/list/?_flt_0_state=failed")

        older = pages.soup(answer).select_one("a[rel=next]")["href"]
        assert "_flt_0_state=failed" in older
        assert "Patient 0" not in pages.words(answer)

    @pages.on_sqlite
    def test_bodies_cannot_become_markup(self, world, login):
        add_messages(world, world.enable(), 1, body="<b onclick=x()>=cmd()</b>")

        page = login("viewer").get("/sms/messages/show/1")

        assert "<b onclick" not in page.text
        assert "&lt;b onclick" in page.text


class TestLogs:
    def test_ledger_says_what_happened_in_words(self, world, login):
        world.enable()
        world.patient("p1")

        text = pages.words(login("admin").get("/sms/consents/list/"))

        assert "Agreed Signed form All texts p1" in text

    def test_operators_see_the_audit_log_of_every_practice(self, world, login):
        world.enable()
        world.enable("birch", "+13125550100")

        text = pages.words(login("operator").get("/sms/audit/list/"))

        assert "Switched texting on" in text
        assert "Acme Pharmacy" in text
        assert "Birch Therapy" in text

    def test_operators_see_events_without_what_they_hold(self, world, login):
        with world.session() as session:
            account = session.scalars(sa.select(SmsAccount.id)).one()
            session.add(
                SmsWebhookEvent(
                    key="k" * 64,
                    kind="inbound",
                    account_id=account,
                    token="sesame",
                    payload="Body=private",
                    state="waiting",
                    received_at=world.clock(),
                )
            )
        client = login("operator")

        for path in ("list/", "show/1"):
            page = client.get(f"/sms/events/{path}")
            assert "Waits to be applied" in pages.words(page)
            assert "private" not in page.text
            assert "sesame" not in page.text

    def test_secrets_of_accounts_show_nowhere(self, world, login):
        world.enable()
        with world.session() as session:
            account = session.scalars(sa.select(SmsAccount)).one()
            secrets, sid = account.secrets, account.account_sid

        for user, names in (("admin", ("numbers", "audit")), ("operator", ("events",))):
            client = login(user)
            for name in names:
                page = client.get(f"/sms/{name}/list/").text
                assert secrets not in page
                assert sid not in page
        page = login("support").get("/sms/practices/show/1").text
        assert secrets not in page


def test_a_practice_that_was_switched_off_is_off_at_the_next_click(world, login):
    practice_id = world.enable()
    client = login("admin")
    assert client.get("/sms/phones/list/").status_code == 200

    with world.session() as session:
        session.get(SmsPractice, practice_id).enabled = False

    assert client.get("/sms/phones/list/").status_code == 404
