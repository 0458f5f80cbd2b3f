from __future__ import annotations

import hashlib
from decimal import Decimal

import pytest
import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.models import SmsAudit, SmsBillingConsent, SmsPractice
from sms_plugin.services import practices, prices
from tests.support.world import STAFF
from tests.web import pages

PAGE = "/sms/settings/"
HOURS = {
    "start": "10:00",
    "end": "18:00",
    "sunday_start": "12:00",
    "sunday_end": "12:00",
    "timezone": "America/Chicago",
}


@pytest.fixture
def allowed(world):
    """A practice that support allowed to text; gives its id."""
    with world.session() as session:
        practice = practices.by_ref(session, "acme")
        practices.allow(session, practice, True, actor=STAFF, now=world.clock())  # noqa: FBT003  (as the service takes it)
        return practice.id


def practice(world, ref="acme"):
    with world.session() as session:
        row = practices.by_ref(session, ref)
        session.expunge_all()
        return row


def version(world):
    return prices.offer(world.plugin.settings).version


def test_settings_do_not_exist_until_support_allows_texting(world, login):
    assert login("admin").get(PAGE).status_code == 404


def test_settings_show_what_is_missing_and_who_can_mend_it(allowed, login):
    text = pages.words(login("admin").get(PAGE))

    assert "Not ready to text yet" in text
    assert "The prices are not accepted. You can change this." in text
    assert "No number is chosen." in text


def test_switching_on_without_the_tick_is_refused_in_words(world, allowed, login):
    answer = login("admin").post(PAGE + "on", data={"practice_id": allowed})

    assert answer.status_code == 422
    assert "tick the box below them" in pages.words(answer)
    assert not practice(world).enabled


def test_switching_on_stores_the_consent_with_hash_user_and_address(
    world, allowed, login
):
    answer = login("admin").post(
        PAGE + "on",
        data={"practice_id": allowed, "version": version(world), "accept": "y"},
        follow_redirects=True,
        environ_base={"REMOTE_ADDR": "192.0.2.77"},
    )

    assert "Texting is switched on for Acme Pharmacy." in pages.words(answer)
    with world.session() as session:
        consent = session.scalars(sa.select(SmsBillingConsent)).one()
        assert consent.text_hash == hashlib.sha256(consent.text.encode()).hexdigest()
        assert consent.version == version(world)
        assert consent.user_name == "Admin Tester"
        assert consent.user_id
        assert consent.ip == "192.0.2.77"
        assert consent.accepted_at == world.clock()


def test_prices_that_changed_since_the_page_was_read_are_not_accepted(
    world, allowed, login
):
    answer = login("admin").post(
        PAGE + "on", data={"practice_id": allowed, "version": "old", "accept": "y"}
    )

    assert answer.status_code == 409
    assert "The prices changed meanwhile." in pages.words(answer)
    assert not practice(world).enabled


def test_switching_off_hides_the_pages_and_keeps_the_switch(world, login):
    practice_id = world.enable()
    client = login("admin")

    client.post(PAGE + "off", data={"practice_id": practice_id})

    assert client.get("/sms/templates/list/").status_code == 404
    page = client.get(PAGE)
    assert page.status_code == 200
    assert "The practice still owns (212) 555-0100" in pages.words(page)
    assert not practice(world).enabled


def test_saving_says_what_was_saved(world, allowed, login):
    answer = login("admin").post(
        PAGE + "save",
        data=HOURS | {"practice_id": allowed, "amounts": "y"},
        follow_redirects=True,
    )

    text = pages.words(answer)
    assert "Monday to Saturday 10:00 to 18:00 and nothing on Sunday" in text
    assert "The practice is in America/Chicago. Texts may name amounts." in text
    saved = practice(world)
    assert (saved.window_start, saved.window_end) == (600, 1080)
    assert saved.timezone == "America/Chicago"
    assert saved.amounts


@pages.on_sqlite
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"start": "07:00"}, "from 08:00 to 21:00 at most"),
        ({"end": "09:00"}, "must end after they start"),
        ({"start": "soon"}, "Not a valid time value."),
        ({"end": ""}, "Give an hour"),
        ({"timezone": "Mars/Olympus"}, "Not a valid choice"),
    ],
)
def test_settings_that_cannot_be_are_refused_beside_their_field(
    world, allowed, login, wrong, said
):
    answer = login("admin").post(
        PAGE + "save", data=HOURS | wrong | {"practice_id": allowed}
    )

    assert answer.status_code == 422
    assert said in pages.soup(answer).select_one(".has-error [role=alert]").text
    assert practice(world).window_start == 9 * 60


def test_a_form_of_another_practice_changes_nothing(world, login):
    acme, birch = world.enable("acme"), world.enable("birch", "+13125550100")
    client = login("both")
    client.post("/sms/switch", data={"practice_id": birch})

    answer = client.post(PAGE + "off", data={"practice_id": acme})

    assert answer.status_code == 409
    assert practice(world, "acme").enabled
    assert practice(world, "birch").enabled


def test_stopped_sending_is_resumed_by_a_button(world, login):
    practice_id = world.enable()
    with world.session() as session:
        session.get(SmsPractice, practice_id).stopped = "The account is closed."
    client = login("admin")
    assert "The account is closed." in pages.words(client.get(PAGE))

    answer = client.post(
        PAGE + "resume", data={"practice_id": practice_id}, follow_redirects=True
    )

    assert "Ready to text" in pages.words(answer)
    with world.session() as session:
        deeds = session.scalars(sa.select(SmsAudit.action)).all()
    assert "practice.resume" in deeds


def test_switcher_offers_the_users_practices_only(world, login):
    world.enable("acme")
    world.enable("birch", "+13125550100")
    client = login("both")

    options = pages.soup(client.get(PAGE)).select("#sms-practice option")

    assert [option.text for option in options] == ["Acme Pharmacy", "Birch Therapy"]
    assert client.post("/sms/switch", data={"practice_id": 3}).status_code == 404
    assert client.post("/sms/switch", data={"practice_id": "x"}).status_code == 404


def test_switching_goes_to_the_same_section_of_the_other_practice(world, login):
    world.enable("acme")
    birch = world.enable("birch", "+13125550100")
    client = login("both")

    answer = client.post(
        "/sms/switch", data={"practice_id": birch, "section": "SmsNumbersView"}
    )

    assert answer.location == "/sms/numbers/list/"
    assert "(312) 555-0100" in pages.words(client.get(answer.location))


@pages.on_sqlite
@pytest.mark.parametrize("section", ["UserDBModelView", "//evil.example", "static"])
def test_switcher_leads_to_no_other_pages(world, login, section):
    practice_id = world.enable()

    answer = login("admin").post(
        "/sms/switch", data={"practice_id": practice_id, "section": section}
    )

    assert answer.location == "/"


def test_everything_is_saved_at_once_with_a_deed_for_each_thing(world, allowed, login):
    answer = login("admin").post(
        PAGE + "save",
        data=HOURS
        | {
            "practice_id": allowed,
            "amounts": "y",
            "sender_name": "Acme Rx",
            "language": "es",
            "limit": "$1,250.50",
            "exempt": ["reply", "payment_confirmation"],
            "lookup": "y",
        },
        follow_redirects=True,
    )

    text = pages.words(answer)
    assert "New texts begin with “Acme Rx”." in text
    assert "nobody knows are texted in Spanish." in text
    assert "A month may cost $1,250.50" in text
    assert "New phones are looked up." in text
    saved = practice(world)
    assert (saved.sender_name, saved.language) == ("Acme Rx", "es")
    assert saved.spending_limit_micros == 1_250_500_000
    assert "payment_confirmation" in saved.limit_exempt
    assert saved.lookup
    with world.session() as session:
        deeds = session.execute(
            sa.select(SmsAudit.action, SmsAudit.detail).where(SmsAudit.user_id != 1)
        ).all()
    assert sorted(dict(map(tuple, deeds))) == [
        f"practice.{name}"
        for name in (
            *("amounts", "hours", "language", "limit", "lookup", "sender", "zone"),
        )
    ]
    assert ("practice.sender", "Acme Pharmacy -> Acme Rx") in map(tuple, deeds)


def test_saving_the_same_again_changes_nothing_and_says_so(world, allowed, login):
    client = login("admin")
    client.post(PAGE + "save", data=HOURS | {"practice_id": allowed})
    before = len(world.rows(SmsAudit))

    answer = client.post(
        PAGE + "save", data=HOURS | {"practice_id": allowed}, follow_redirects=True
    )

    assert "Nothing was changed." in pages.words(answer)
    assert len(world.rows(SmsAudit)) == before


@pages.on_sqlite
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"sender_name": "A"}, "2 to 60 characters"),
        ({"sender_name": "x" * 61}, "2 to 60 characters"),
        ({"sender_name": "Acme <b>"}, "Leave out < and >"),
        ({"sender_name": "{{ first_name }}"}, "Leave out < and >"),
        ({"sender_name": "[payment link]"}, "Leave out < and >"),
        ({"sender_name": "Acme\nPharmacy"}, "on one line"),
        ({"sender_name": "bit.ly/acme"}, "a link belongs in a template"),
        ({"limit": "0"}, "Give a limit above 0"),
        ({"limit": "2000000"}, "Give a limit above 0"),
        ({"limit": "-5"}, "Give an amount such as 150"),
        ({"limit": "1e3"}, "Give an amount such as 150"),
        ({"limit": "NaN"}, "Give an amount such as 150"),
        ({"exempt": ["anything"]}, "Choose kinds of text from the list."),
        ({"language": "fr"}, "Not a valid choice"),
    ],
)
def test_one_wrong_field_saves_nothing_at_all(world, allowed, login, wrong, said):
    answer = login("admin").post(
        PAGE + "save", data=HOURS | {"practice_id": allowed, "amounts": "y"} | wrong
    )

    assert answer.status_code == 422
    assert said in pages.soup(answer).select_one(".has-error [role=alert]").text
    saved = practice(world)
    assert (saved.timezone, saved.amounts) == ("America/New_York", False)
    assert not [row for row in world.rows(SmsAudit) if row.user_id != 1]


def test_an_old_page_overwrites_nothing_that_somebody_saved_meanwhile(
    world, allowed, login
):
    client = login("admin")
    old = pages.soup(client.get(PAGE)).select_one("input[name=seen]")["value"]
    form = HOURS | {"practice_id": allowed, "seen": old}
    assert client.post(PAGE + "save", data=form).status_code == 302

    answer = client.post(PAGE + "save", data=form | {"start": "11:00"})

    assert answer.status_code == 409
    assert "Somebody changed these settings meanwhile" in pages.words(answer)
    assert practice(world).window_start == 600


@pages.on_sqlite
def test_a_dear_character_in_the_name_is_named(world, allowed, login):
    answer = login("admin").post(
        PAGE + "save",
        data=HOURS | {"practice_id": allowed, "sender_name": "Acmé łab"},
        follow_redirects=True,
    )

    assert "ł leaves 70 characters a segment, not 160." in pages.words(answer)


def test_texts_begin_with_the_chosen_name_in_the_practices_language(world, login):
    practice_id = world.enable()
    login("admin").post(
        PAGE + "save",
        data=HOURS
        | {"practice_id": practice_id, "sender_name": "Acme Rx", "language": "es"},
    )
    world.patient("known", language="en")
    world.job_for("known", "b1")

    world.patient("unknown")
    world.job_for("unknown", "b2")

    bodies = {m.patient_ref: m.body for m in world.messages(purpose="job")}
    assert bodies["unknown"].startswith("Acme Rx: Hola ")
    assert bodies["known"].startswith("Acme Rx: Hi ")


@pages.on_sqlite
@pytest.mark.parametrize("user", ["biller", "frontdesk", "viewer", "operator"])
def test_nobody_but_the_admin_opens_or_saves_settings(world, login, user):
    practice_id = world.enable()
    client = login(user)

    assert client.get(PAGE).status_code == 403
    assert client.get(PAGE + "consent/1").status_code == 403
    answer = client.post(PAGE + "save", data=HOURS | {"practice_id": practice_id})
    assert answer.status_code == 403
    assert practice(world).timezone == "America/New_York"


@pages.on_sqlite
@pytest.mark.parametrize("name", ["on", "off", "save", "resume"])
def test_settings_never_change_by_get(world, allowed, login, name):
    assert login("admin").get(PAGE + name).status_code == 405


@pages.on_sqlite
@pytest.mark.parametrize("name", ["on", "off", "save", "resume"])
def test_settings_are_refused_without_a_token(app, world, allowed, login, name):
    client = login("admin")
    with pages.csrf(app):
        client.get(PAGE)
        answer = client.post(PAGE + name, data={"practice_id": allowed})

    assert answer.status_code == 400


def test_settings_page_posts_with_its_own_token(app, world, allowed, login):
    client = login("admin")
    with pages.csrf(app):
        token = pages.token(client.get(PAGE))
        answer = client.post(
            PAGE + "save", data=HOURS | {"practice_id": allowed, "csrf_token": token}
        )

    assert answer.status_code == 302
    assert practice(world).timezone == "America/Chicago"


@pages.on_sqlite
def test_a_practice_name_cannot_become_markup(world, login):
    practice_id = world.enable()
    with world.session() as session:
        session.get(SmsPractice, practice_id).name = "<script>alert(1)</script>"

    answer = login("admin").get(PAGE)

    assert "<script>alert(1)</script>" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text


class TestPractices:
    LIST = "/sms/practices/list/"

    def test_support_sees_every_practice_with_what_is_missing(self, world, login):
        world.enable()

        text = pages.words(login("support").get(self.LIST))

        assert "Acme Pharmacy Allowed On Nov 25, 2026, 3:00 PM UTC" in text
        assert "(212) 555-0100 Registered 0 Ready to text." in text
        assert "Cedar Clinic Not allowed" in text
        assert "Not allowed by support. The prices are not accepted." in text

    def test_support_allows_texting_and_takes_it_back(self, world, login):
        client = login("support")
        row = practice(world, "cedar")

        answer = client.post(
            f"/sms/practices/action/allow/{row.id}", follow_redirects=True
        )

        assert "Cedar Clinic may text now." in pages.words(answer)
        assert practice(world, "cedar").allowed
        with world.session() as session:
            deeds = session.scalars(sa.select(SmsAudit.action)).all()
        assert deeds == ["practice.allow"]
        client.post(f"/sms/practices/action/disallow/{row.id}")
        assert not practice(world, "cedar").allowed

    def test_refreshing_takes_over_new_practices(self, world, login):
        world.portal.all_practices.append(
            type(world.portal.all_practices[0])("dogwood", "Dogwood Care")
        )

        answer = login("support").post("/sms/practices/refresh", follow_redirects=True)

        assert "Dogwood Care" in pages.words(answer)

    @pages.on_sqlite
    @pytest.mark.parametrize("path", ["action/allow/1", "refresh", "action_post"])
    def test_nothing_changes_by_get(self, app, world, login, path):
        assert login("support").get(f"/sms/practices/{path}").status_code == 405

    def test_unknown_rows_and_actions_are_not_found(self, world, login):
        client = login("support")

        for path in ("action/allow/99", "action/allow/x", "action/nothing/1"):
            assert client.post(f"/sms/practices/{path}").status_code == 404, path

    def test_a_single_action_takes_no_list_of_rows(self, world, login):
        answer = login("support").post(
            "/sms/practices/action_post", data={"action": "allow", "rowid": ["1", "2"]}
        )

        assert answer.status_code == 404

    def test_support_sees_what_waits_why_it_stopped_and_finds_by_name(
        self, world, login, monkeypatch
    ):
        practice_id = world.enable()
        world.approve(world.job(2))
        with world.session() as session:
            session.get(SmsPractice, practice_id).stopped = "The account is closed."
        monkeypatch.setitem(
            world.plugin.settings.values, config.PRICE_SEGMENT.name, Decimal("0.5")
        )

        text = pages.words(login("support").get(self.LIST + "?_flt_0_name=acme"))

        assert "Changed since Nov 25, 2026" in text
        assert "Registered 2 The prices changed" in text
        assert "The account is closed." in text
        assert "Cedar Clinic" not in text

    def test_allowing_needs_the_token_of_the_page(self, app, world, login):
        client = login("support")
        row = practice(world, "cedar")
        with pages.csrf(app):
            client.get(self.LIST)
            answer = client.post(f"/sms/practices/action/allow/{row.id}")

        assert answer.status_code == 400
        assert not practice(world, "cedar").allowed

    @pages.on_sqlite
    @pytest.mark.parametrize("user", ["admin", "biller", "operator", "nobody"])
    def test_nobody_else_may_see_or_allow(self, world, login, user):
        client = login(user)

        assert client.get(self.LIST).status_code == 403
        assert client.post("/sms/practices/action/allow/3").status_code == 403
        assert not practice(world, "cedar").allowed
