"""The Text/SMS panel of a patient, as staff meet it on a page of the host."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import render_template_string

from sms_plugin.gateways.base import LineType
from sms_plugin.models import (
    SmsAudit,
    SmsConsent,
    SmsPatientPhone,
    SmsPhone,
    SmsPractice,
    SmsSuppression,
)
from sms_plugin.port import PhoneOnFile
from sms_plugin.services import agreements, choices, practices
from sms_plugin.web import panel as panels
from tests.web import pages

HOST_PAGE = (
    '{% extends "appbuilder/base.html" %}{% block content %}<main id="host">'
    "<h1>A patient</h1>{{ sms_panel(practice, patient) }}</main>{% endblock %}"
)


@pytest.fixture
def host_page(app):
    """Ask for a page of the host that shows the panel of a patient."""
    if "host_page" not in app.view_functions:
        # The host of tests is built once, and Flask takes no routes after a request.
        app._got_first_request = False
        app.add_url_rule(
            "/host/<practice>/<patient>",
            "host_page",
            lambda practice, patient: render_template_string(
                HOST_PAGE,
                practice=practice,
                patient=patient,
                appbuilder=app.appbuilder,
                base_template=app.appbuilder.base_template,
            ),
        )
    return lambda client, patient="p1", practice="acme": client.get(
        f"/host/{practice}/{patient}?tab=2"
    )


def panel(answer):
    """The panel in a page, or None."""
    assert answer.status_code == 200
    return pages.soup(answer).select_one("#sms-panel")


def said(answer):
    """The words of the panel."""
    return " ".join(panel(answer).get_text(" ").split())


def numbers(world, ref="p1"):
    """The patient's phones with what the panel is there to set."""
    with world.session() as session:
        return [
            (row.phone.e164, row.label, row.preferred, row.delivery, row.consent)
            for row in session.scalars(
                sa.select(SmsPatientPhone)
                .filter_by(patient_ref=ref)
                .order_by(SmsPatientPhone.id)
            )
        ]


def add(client, number, **form):
    data = {
        "practice_id": 1,
        "patient": "p1",
        "number": number,
        "back": "/host/acme/p1",
    }
    return client.post("/sms/patient/add", data=data | form)


def of(world, phone, ref="p1"):
    """The id of a patient's phone."""
    with world.session() as session:
        return session.scalar(
            sa.select(SmsPatientPhone.id)
            .join(SmsPhone)
            .where(SmsPhone.e164 == phone, SmsPatientPhone.patient_ref == ref)
        )


class TestShowing:
    def test_a_host_page_shows_phones_and_how_consent_was_given(
        self, world, login, host_page
    ):
        world.enable()
        world.patient("p1", phone="+12125550132")

        answer = host_page(login("frontdesk"))

        assert "(212) 555-0132" in said(answer)
        assert "Agreed on Nov" in said(answer)
        assert "Signed form" in said(answer)
        assert "Gets texts" in said(answer)
        assert pages.unsafe_parts(answer) == []
        form = panel(answer).select_one("form[action$=save] input[name=back]")
        assert form["value"] == "/host/acme/p1?tab=2"
        for field in panel(answer).select(":is(input:not([type=hidden]), select)"):
            assert panel(answer).select(f'label[for="{field["id"]}"]'), field

    @pages.on_sqlite
    @pytest.mark.parametrize("user", ["viewer", "operator", "support", "nobody"])
    def test_who_may_not_see_phones_gets_no_panel(self, world, login, host_page, user):
        world.enable()
        world.patient("p1")

        assert panel(host_page(login(user))) is None

    @pages.on_sqlite
    def test_nothing_shows_where_texting_is_off(self, world, login, host_page):
        world.portal.add_patient("p1")

        assert panel(host_page(login("admin"))) is None

    @pages.on_sqlite
    def test_nothing_shows_to_visitors_for_strangers_and_for_unknown_patients(
        self, app, world, login, host_page
    ):
        world.enable()
        world.enable("birch", "+13125550100")
        world.patient("theirs", practice="birch")
        client = login("admin")

        assert panel(host_page(app.test_client(), "p1")) is None
        assert panel(host_page(client, "nobody")) is None
        assert panel(host_page(client, "theirs")) is None
        assert panel(host_page(client, "theirs", "birch")) is None

    def test_a_failure_leaves_the_host_page_whole(
        self, world, login, host_page, monkeypatch, caplog
    ):
        world.enable()
        world.patient("p1")

        def fail(*_, **__):
            panels.guards.db().execute(sa.text("SELECT nothing FROM nowhere"))

        monkeypatch.setattr(panels.patient_phones, "of_patient", fail)
        answer = host_page(login("admin"))

        assert panel(answer) is None
        assert "A patient" in answer.text
        assert "The panel could not be shown" in caplog.text
        assert "nowhere" not in caplog.text

    def test_two_patients_of_one_phone_both_show_why_it_gets_no_text(
        self, world, login, host_page
    ):
        world.enable()
        world.patient("p1", phone="+12125550132", first="Ann")
        world.patient("p2", phone="+12125550132", first="Ben")
        world.receive("+12125550132", "STOP")
        client = login("biller")

        for patient, other in (("p1", "Ben Example"), ("p2", "Ann Example")):
            shown = said(host_page(client, patient))
            assert "Opted out on" in shown
            assert "Texted STOP" in shown
            assert f"Also used by {other}" in shown

    def test_kinds_that_the_patient_turned_off_are_named(
        self, world, login, host_page, clock
    ):
        world.enable()
        world.patient("p1", phone="+12125550132")
        with world.session() as session:
            practice = practices.by_ref(session, "acme")
            choices.choose_for_patient(
                session,
                practice,
                "p1",
                choices.Choice(frozenset({"reminder"})),
                source="portal",
                vault=world.plugin.vault,
                now=clock.now,
            )

        shown = said(host_page(login("biller")))

        assert "The patient does not want: Reminder. Only the patient" in shown
        assert "Phone not confirmed" not in shown

    def test_a_phone_that_nobody_confirmed_for_long_says_so(
        self, world, login, host_page, clock
    ):
        world.enable()
        world.patient("p1", phone="+12125550132")
        clock.move(days=200)

        assert "Phone not confirmed for 200 days" in said(host_page(login("biller")))

    @pages.on_sqlite
    def test_a_patient_of_another_practice_of_the_user_shows_too(
        self, world, login, host_page
    ):
        world.enable()
        birch = world.enable("birch", "+13125550100")
        world.portal.add_patient("p9", practice="birch")
        client = login("both")

        assert panel(host_page(client, "p9", "birch")) is not None
        answer = client.post(
            "/sms/patient/add",
            data={"practice_id": birch, "patient": "p9", "number": "2125550132"},
            follow_redirects=True,
        )
        assert "The phone was added" in pages.words(answer)
        assert world.rows(SmsPatientPhone)[0].practice_id == birch


class TestAdding:
    def test_a_phone_is_added_and_the_host_page_comes_back(
        self, world, login, host_page
    ):
        world.enable()
        world.portal.add_patient("p1")
        client = login("frontdesk")

        answer = add(client, "(212) 555-0132", label="mobile")

        assert answer.status_code == 302
        assert answer.location == "/host/acme/p1#sms-panel"
        assert numbers(world) == [("+12125550132", "mobile", True, False, "none")]
        shown = host_page(client)
        assert "The phone was added" in shown.text
        assert "has not agreed" in said(shown)

    def test_consent_is_kept_with_its_source_and_its_exact_wording(self, world, login):
        world.enable()
        world.portal.add_patient("p1")

        add(login("biller"), "2125550132", delivery="y", source="verbal")

        assert numbers(world)[0][3:] == (True, "granted")
        [entry] = world.rows(SmsConsent)
        assert (entry.event, entry.source) == ("granted", "verbal")
        assert entry.wording == agreements.STAFF
        assert {row.action for row in world.rows(SmsAudit)} >= {"phone.add"}

    def test_texts_are_not_switched_on_without_a_source_and_nothing_is_half_done(
        self, world, login
    ):
        world.enable()
        world.portal.add_patient("p1")

        answer = add(login("biller"), "2125550132", label="mobile", delivery="y")

        assert answer.status_code == 422
        assert "Say how the patient agreed" in pages.words(answer)
        page = pages.soup(answer)
        assert page.select_one("#sms-number-new")["value"] == "2125550132"
        assert page.select_one("#sms-label-new")["value"] == "mobile"
        assert world.rows(SmsPatientPhone) == []
        assert world.rows(SmsConsent) == []

    @pages.on_sqlite
    @pytest.mark.parametrize(
        ("typed", "reason"),
        [
            ("", "enter one with its area code"),
            ("415-555", "Digits are missing"),
            ("(415) 555-0132 ext 5", "extension"),
            ("+1 415 555 0132 x 5", "extension"),
            ("4.155550132E9", "format its column as text"),
            ("900 555 0132", "premium"),
            ("800 555 0132", "toll-free"),
            ("+1 876 555 0132", "Only numbers of the US"),
            ("809-555-0132", "Only numbers of the US"),
            ("+44 20 7946 0958", "Only numbers of the US"),
            ("call me", "Remove the words"),
            ("1" * 200, "too many digits"),
        ],
    )
    def test_what_cannot_be_texted_is_refused_with_a_reason(
        self, world, login, typed, reason
    ):
        world.enable()
        world.portal.add_patient("p1")

        answer = add(login("frontdesk"), typed)

        assert answer.status_code == 422
        assert reason in pages.words(answer)
        assert world.rows(SmsPatientPhone) == []

    @pages.on_sqlite
    @pytest.mark.parametrize(
        "typed",
        [
            "(415) 555-0132",
            "+1 415.555.0132",
            "4155550132.0",
            "٤١٥٥٥٥٠١٣٢",
            "1-415-555-0132",
        ],
    )
    def test_any_usual_form_is_taken(self, world, login, typed):
        world.enable()
        world.portal.add_patient("p1")

        add(login("frontdesk"), typed)

        assert numbers(world)[0][0] == "+14155550132"

    @pages.on_sqlite
    def test_words_beside_a_number_are_offered_as_its_note(self, world, login):
        world.enable()
        world.portal.add_patient("p1")

        answer = add(login("frontdesk"), "415-555-0132 (mom)")

        page = pages.soup(answer)
        assert answer.status_code == 422
        assert page.select_one("#sms-number-new")["value"] == "415-555-0132"
        assert page.select_one("#sms-label-new")["value"] == "mom"
        assert world.rows(SmsPatientPhone) == []

    @pages.on_sqlite
    def test_phones_on_file_are_offered_until_they_are_added(
        self, world, login, host_page
    ):
        world.enable()
        on_file = (PhoneOnFile("212-555-0132", "home"), PhoneOnFile("none"))
        world.portal.add_patient("p1")
        world.portal.change_patient("p1", phones=on_file)
        client = login("frontdesk")

        assert "Add 212-555-0132" in said(host_page(client))
        add(client, "212-555-0132", label="home")
        assert "Add 212-555-0132" not in said(host_page(client))
        assert "already" in pages.words(add(client, "212-555-0132"))


class TestChanging:
    def test_one_form_changes_everything_at_once_and_says_what(self, world, login):
        world.enable()
        world.patient("p1", phone="+12125550132")
        client = login("frontdesk")
        add(client, "2125550133")
        row = of(world, "+12125550133")

        answer = client.post(
            f"/sms/patient/{row}/save",
            data={
                "number": "2125550133",
                "label": "daughter",
                "preferred": "y",
                "delivery": "y",
                "source": "form",
            },
            follow_redirects=True,
        )

        assert numbers(world) == [
            ("+12125550132", "", False, True, "granted"),
            ("+12125550133", "daughter", True, True, "granted"),
        ]
        for sentence in ("note was changed", "texted first now", "switched on"):
            assert sentence in pages.words(answer)

    def test_another_number_is_another_phone_without_the_consent(self, world, login):
        world.enable()
        world.patient("p1", phone="+12125550132")
        client = login("frontdesk")
        row = of(world, "+12125550132")
        form = {"number": "2125550133", "label": "new"}

        refused = client.post(f"/sms/patient/{row}/save", data=form | {"delivery": "y"})
        assert refused.status_code == 422
        assert "Consent does not go over" in pages.words(refused)
        assert numbers(world) == [("+12125550132", "", True, True, "granted")]

        answer = client.post(
            f"/sms/patient/{row}/save", data=form, follow_redirects=True
        )
        assert "The number was changed" in pages.words(answer)
        assert numbers(world) == [("+12125550133", "new", True, False, "none")]
        assert [(row.event, row.source) for row in world.rows(SmsConsent)] == [
            ("granted", "form"),
            ("revoked", "removed"),
        ]

    def test_removing_keeps_the_ledger_and_the_opt_out(self, world, login):
        world.enable()
        world.patient("p1", phone="+12125550132")
        world.receive("+12125550132", "STOP")
        before = len(world.rows(SmsConsent))
        client = login("frontdesk")

        answer = client.post(
            f"/sms/patient/{of(world, '+12125550132')}/remove", follow_redirects=True
        )
        assert "The phone was removed" in pages.words(answer)
        assert numbers(world) == []
        assert len(world.rows(SmsConsent)) >= before
        assert len(world.rows(SmsSuppression, lifted_at=None)) == 1

        refused = add(client, "2125550132", delivery="y", source="form")
        assert refused.status_code == 422
        assert "opted out" in pages.words(refused)

    def test_a_consent_taken_back_is_not_washed_off_by_adding_anew(self, world, login):
        world.enable()
        world.patient("p1", phone="+12125550132")
        world.receive("+12125550132", "STOP")
        world.receive("+12125550132", "START")
        world.alter(SmsPatientPhone, {"consent": "revoked"}, patient_ref="p1")
        with world.session() as session:
            session.add(
                SmsConsent(
                    practice_id=1,
                    phone_hash=world.plugin.vault.phone_hash(1, "+12125550132"),
                    patient_ref="p1",
                    event="revoked",
                    source="portal",
                    at=world.clock(),
                )
            )
        client = login("frontdesk")

        client.post(f"/sms/patient/{of(world, '+12125550132')}/remove")
        add(client, "2125550132")

        assert numbers(world)[0][4] == "revoked"


class TestWalls:
    @pages.on_sqlite
    @pytest.mark.parametrize("deed", ["save", "remove", "code", "check"])
    def test_phones_of_another_practice_are_not_found(self, world, login, deed):
        world.enable()
        world.enable("birch", "+13125550100")
        phone = world.patient("theirs", practice="birch")
        row = of(world, phone, "theirs")
        client = login("admin")

        assert client.post(f"/sms/patient/{row}/{deed}").status_code == 404
        assert client.post(f"/sms/patient/{'9' * 30}/{deed}").status_code == 404
        assert client.get(f"/sms/patient/{row}/{deed}").status_code == 405
        assert client.get("/sms/patient/?practice=2&patient=theirs").status_code == 404
        assert numbers(world, "theirs") != []

    @pages.on_sqlite
    def test_where_texting_is_off_nothing_is_found(self, world, login):
        world.enable()
        row = of(world, world.patient("p1"))
        world.alter(SmsPractice, {"enabled": False}, id=1)
        client = login("admin")

        assert client.post(f"/sms/patient/{row}/remove").status_code == 404
        assert add(client, "2125550132").status_code == 404

    @pages.on_sqlite
    @pytest.mark.parametrize("user", ["viewer", "operator"])
    def test_who_may_not_change_phones_is_refused(self, world, login, user):
        world.enable()
        row = of(world, world.patient("p1"))
        client = login(user)

        # Who lacks a permission is sent away before anything is looked at.
        assert client.post(f"/sms/patient/{row}/remove").status_code in {302, 403}
        assert add(client, "2125550132").status_code in {302, 403}
        assert len(numbers(world)) == 1

    @pages.on_sqlite
    def test_a_change_needs_its_token(self, app, world, login):
        world.enable()
        row = of(world, world.patient("p1"))
        client = login("admin")

        with pages.csrf(app):
            assert client.post(f"/sms/patient/{row}/remove").status_code == 400
        assert len(numbers(world)) == 1

    @pages.on_sqlite
    @pytest.mark.parametrize(
        "back",
        ["//evil.example", "/\\evil.example", "javascript:alert(1)", "https://x.example",
         "/\t/evil.example", "", "/" + "a" * 2000],
    )  # fmt: skip
    def test_the_way_back_leads_nowhere_else(self, world, login, back):
        world.enable()
        world.portal.add_patient("p1")

        answer = add(login("admin"), "2125550132", back=back)

        assert answer.location == "/sms/patient/?practice=1&patient=p1"


class TestLineTypes:
    def test_a_landline_is_named_where_the_practice_looks_phones_up(
        self, world, login, host_page
    ):
        world.enable()
        world.portal.add_patient("p1")
        world.alter(SmsPractice, {"lookup": True}, id=1)
        world.gateway().line_types["+12125550132"] = LineType.LANDLINE
        client = login("frontdesk")

        add(client, "2125550132")

        shown = host_page(client)
        assert "It is a landline" in shown.text
        assert "Landline" in said(shown)
        [phone] = world.rows(SmsPhone)
        assert (phone.condition, phone.line_type) == ("landline", "landline")

    @pages.on_sqlite
    def test_nobody_is_asked_where_the_practice_does_not_want_it(self, world, login):
        world.enable()
        world.portal.add_patient("p1")

        add(login("frontdesk"), "2125550132")

        assert world.rows(SmsPhone)[0].line_type is None

    @pages.on_sqlite
    def test_a_gateway_that_fails_does_no_harm(self, world, login, host_page):
        world.enable()
        world.portal.add_patient("p1")
        world.alter(SmsPractice, {"lookup": True}, id=1)
        from sms_plugin.errors import GatewayError, Retry

        world.gateway().errors.append(GatewayError("no", retry=Retry.LATER))
        client = login("frontdesk")

        add(client, "2125550132")

        assert "could not be asked" in host_page(client).text
        assert len(numbers(world)) == 1
