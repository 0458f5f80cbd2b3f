"""Quick replies: kept by an admin, filled in for the composer."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sms_plugin.models import SmsQuickReply
from sms_plugin.services import quick_replies
from tests.web.reading import Talk, on_both, soup, words

WORDS = "Hi {{ first_name }}, please call {{ practice_name }}."
FORM = {"title": "Call us", "language": "en", "body": WORDS}
ADD = "/sms/quick-replies/add"


@pytest.fixture(params=["sqlite"])
def database(request):
    """See ``on_both``."""
    return request.param


@pytest.fixture
def talk(world, login):
    """A patient who wrote, and the front desk at the inbox; no quick replies yet."""
    world.enable()
    with world.session() as session:
        session.execute(sa.delete(SmsQuickReply))
    return Talk(world, login("frontdesk"))


@pytest.fixture
def admin(login):
    """Who keeps the quick replies."""
    return login("admin")


def key(world):
    with world.session() as session:
        return session.scalars(sa.select(SmsQuickReply.id)).one()


def kept(world):
    with world.session() as session:
        return [row.title for row in session.scalars(sa.select(SmsQuickReply))]


@on_both
def test_what_an_admin_keeps_comes_into_the_text_of_the_front_desk(talk, admin):
    said = admin.post(ADD, data=FORM, follow_redirects=True)
    offered = [words(one) for one in talk.page().select("#sms-quick-reply option")]
    quick = key(talk.world)
    answer = talk.client.get(f"{talk.url}/quick?quick={quick}").json
    page = talk.page(f"{talk.url}?quick={quick}")

    assert "Call us" in words(soup(said))
    assert offered == ["Call us"]
    assert answer == {"body": "Hi Ann, please call Acme Pharmacy.", "problem": ""}
    assert page.select_one("#sms-body").text == "Hi Ann, please call Acme Pharmacy."
    assert talk.replies() == []


def test_on_a_shared_phone_it_must_be_said_whom_it_greets(talk, admin):
    admin.post(ADD, data=FORM)
    talk.world.patient("bob", first="Bob", phone=talk.phone)

    nobody = talk.client.get(f"{talk.url}/quick?quick=1").json
    bob = talk.client.get(f"{talk.url}/quick?quick=1&patient=bob").json

    assert nobody["body"] == ""
    assert "Choose first whom the text is about" in nobody["problem"]
    assert bob["body"].startswith("Hi Bob")


@on_both
def test_it_is_changed_and_deleted(world, talk, admin):
    admin.post(ADD, data=FORM)
    quick = key(world)
    form = FORM | {"title": "Ring us"}
    admin.post(f"/sms/quick-replies/edit/{quick}", data=form)
    changed = kept(world)
    admin.post(f"/sms/quick-replies/remove/{quick}")

    assert (changed, kept(world)) == (["Ring us"], [])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"title": ""}, "Give it a name of at most 60 characters."),
        ({"title": "x" * 61}, "Give it a name of at most 60 characters."),
        ({"language": "xx"}, "Choose a language from the list."),
        ({"body": ""}, "Write something first."),
        ({"body": "Pay {{ amount_due }}"}, "amount_due"),
        ({"body": "See https://bit.ly/x"}, "shortened links"),
        ({"body": "This is a final notice from our debt collector"}, "debt collectors"),
    ],
)
def test_what_cannot_be_sent_cannot_be_kept(world, talk, admin, change, said):
    answer = admin.post(ADD, data=FORM | change)

    assert answer.status_code == 400
    assert said in words(soup(answer))
    assert kept(world) == []


def test_there_is_one_of_a_name_and_an_end_of_them(world, talk, admin, monkeypatch):
    admin.post(ADD, data=FORM)
    twice = admin.post(ADD, data=FORM)
    monkeypatch.setattr(quick_replies, "MOST", 1)
    more = admin.post(ADD, data=FORM | {"title": "Another"})

    assert "of this name already" in words(soup(twice))
    assert more.status_code == 429
    assert kept(world) == ["Call us"]


def test_braces_that_nobody_filled_in_are_not_sent(talk):
    answer = talk.reply("Hi {{ first_name }}")

    assert answer.status_code == 400
    assert "between the braces" in words(soup(answer))
    assert talk.replies() == []


def test_a_new_practice_begins_with_some_in_both_languages(world, login):
    world.enable()
    page = Talk(world, login("frontdesk")).page()
    first = [one["lang"] for one in page.select("#sms-quick-reply option")]

    assert first == ["en"] * 4 + ["es"] * 4
    with world.session() as session:
        for row in session.scalars(sa.select(SmsQuickReply)):
            assert quick_replies._check(row.title, row.language, row.body, ()) is None


def test_who_may_not_keep_or_use_them(world, talk, admin, login):
    admin.post(ADD, data=FORM)
    edit = "/sms/quick-replies/edit/1"

    assert talk.client.post(ADD, data=FORM).status_code in {302, 403}
    assert login("biller").post(ADD, data=FORM).status_code in {302, 403}
    assert login("birch").post(edit, data=FORM).status_code in {302, 403, 404}
    assert login("birch").get(f"{talk.url}/quick?quick=1").status_code == 404
    assert login("viewer").get(f"{talk.url}/quick?quick=1").status_code == 403
    assert kept(world) == ["Call us"]


def test_another_practices_are_not_used(world, talk, admin, login):
    world.enable("birch", "+13125550100")
    with world.session() as session:
        session.execute(sa.delete(SmsQuickReply))
        session.add(
            SmsQuickReply(
                practice_id=2,
                title="Theirs",
                language="en",
                body="Secret",
                created_at=world.clock(),
                changed_at=world.clock(),
            )
        )

    assert talk.page().select("#sms-quick") == []
    assert talk.client.get(f"{talk.url}/quick?quick=1").json == {
        "body": "",
        "problem": "There is no such quick reply.",
    }
    assert admin.get("/sms/quick-replies/edit/1").status_code == 404
