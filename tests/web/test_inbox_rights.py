"""Who may see and write what in the Text Inbox."""

from __future__ import annotations

import pytest

from sms_plugin.models import SmsPractice
from tests.web.reading import NONCE, conversation, on_both, soup, text_in, words


@pytest.fixture(params=["sqlite"])
def database(request):
    """See ``on_both``."""
    return request.param


@pytest.fixture
def talk(world):
    """A conversation with a patient who wrote; gives its address."""
    world.enable()
    return f"/sms/inbox/{text_in(world, world.patient('ann', first='Ann'), 'Hello')}"


@pytest.fixture
def theirs(talk, world):
    """The same patient's conversation with another practice; gives its id."""
    world.enable("birch", "+13125550100")
    phone = world.patient("ann2", first="Ann", practice="birch", phone="+12125550101")
    return text_in(world, phone, "Private matter", number="+13125550100")


def _post(client, url, **form):
    return client.post(url, data={"nonce": NONCE, "body": "Hi"} | form)


def test_a_visitor_is_sent_to_log_in(app, talk):
    for path in ("/sms/inbox/", talk, "/sms/inbox/updates", "/sms/inbox/new"):
        answer = app.test_client().get(path)
        assert answer.status_code == 302
        assert "/login/" in answer.location


@pytest.mark.parametrize("name", ["admin", "biller", "frontdesk"])
def test_who_reads_and_writes(talk, login, world, name):
    client = login(name)

    assert client.get(talk).status_code == 200
    assert _post(client, f"{talk}/reply").status_code == 302
    assert len(world.messages(purpose="reply")) == 1


def test_a_viewer_reads_with_masked_phones_and_writes_nothing(talk, login, world):
    stranger = text_in(world, "+12125550190", "Wrong number?")
    client = login("viewer")

    page = soup(client.get(talk))
    unknown = soup(client.get(f"/sms/inbox/{stranger}"))

    assert "(•••) •••-0101" in words(page)
    assert "0190" in words(unknown)
    assert "555-0190" not in unknown.text
    assert not page.select("main form[method=post]")
    for path in (f"{talk}/reply", f"{talk}/read", "/sms/inbox/start"):
        assert _post(client, path).status_code == 403
    assert client.get("/sms/inbox/new").status_code == 403
    assert world.messages(purpose="reply") == []
    assert conversation(world, 1).unread == 1


def test_an_operator_has_no_inbox(talk, login):
    assert login("operator").get(talk).status_code == 403


@pytest.mark.parametrize("name", ["support", "nobody", "birch"])
def test_without_a_practice_that_texts_there_is_no_inbox(talk, login, name):
    client = login(name)

    for path in ("/sms/inbox/", talk, "/sms/inbox/updates", "/sms/inbox/new"):
        assert client.get(path).status_code == 404
    assert _post(client, f"{talk}/reply").status_code == 404


def test_switched_off_there_is_no_inbox(talk, login, world):
    client = login("frontdesk")
    with world.session() as session:
        session.get(SmsPractice, 1).enabled = False

    assert client.get("/sms/inbox/").status_code == 404
    assert client.get(talk).status_code == 404
    assert client.get("/sms/inbox/updates").status_code == 404
    assert _post(client, f"{talk}/reply").status_code == 404
    assert world.messages(purpose="reply") == []


def test_another_practices_conversation_is_not_found(talk, theirs, login, world):
    client = login("frontdesk")
    foreign = f"/sms/inbox/{theirs}"

    assert client.get(foreign).status_code == 404
    assert client.get(f"/sms/inbox/updates?conversation={theirs}").status_code == 404
    assert _post(client, f"{foreign}/reply").status_code == 404
    assert _post(client, f"{foreign}/read", seen="99").status_code == 404
    assert _post(client, "/sms/inbox/start", patient_phone="2").status_code == 404
    for path in ("/sms/inbox/", talk, "/sms/inbox/new?search=Ann"):
        assert "Private matter" not in client.get(path).text
    found = soup(client.get("/sms/inbox/new?search=Ann"))
    assert len(found.select(".sms-found li")) == 1
    assert conversation(world, theirs).unread == 1
    assert world.messages(purpose="reply") == []


def test_a_reply_cannot_be_about_somebody_who_does_not_use_the_phone(
    talk, theirs, login, world
):
    answer = _post(login("frontdesk"), f"{talk}/reply", patient="ann2")

    assert answer.status_code == 404
    assert world.messages(purpose="reply") == []


def test_a_reply_goes_out_for_the_conversations_own_practice(
    talk, theirs, login, world
):
    client = login("both")
    client.get(talk)

    _post(client, f"/sms/inbox/{theirs}/reply")
    page = soup(client.get(f"/sms/inbox/{theirs}"))

    assert world.messages(purpose="reply")[0].practice_id == 2
    assert page.select_one("#sms-practice option[selected]").text == "Birch Therapy"
    assert len(page.select(".sms-convs li")) == 1


@on_both
@pytest.mark.parametrize("number", [0, 999, 2**63 - 1, 2**63, 10**30])
def test_unknown_keys_are_not_found(talk, login, number):
    client = login("frontdesk")

    assert client.get(f"/sms/inbox/{number}").status_code == 404
    assert client.get(f"/sms/inbox/updates?conversation={number}").status_code == 404
    answer = _post(client, "/sms/inbox/start", patient_phone=str(number))
    assert answer.status_code == 404


@pytest.mark.parametrize("host_protects", [True, False])
def test_a_post_without_its_token_is_refused(talk, login, world, app, host_protects):
    client = login("frontdesk")
    app.config["WTF_CSRF_ENABLED"] = True
    app.config["WTF_CSRF_CHECK_DEFAULT"] = host_protects
    try:
        for path in (f"{talk}/reply", f"{talk}/read", "/sms/inbox/start"):
            assert _post(client, path).status_code == 400
        token = soup(client.get(talk)).select_one("[name=csrf_token]")["value"]
        script = client.post(
            f"{talk}/read", data={"seen": 1}, headers={"X-CSRFToken": token}
        )
        assert script.status_code == 204
        sent = _post(client, f"{talk}/reply", csrf_token=token)
        assert sent.status_code == 302
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
        app.config["WTF_CSRF_CHECK_DEFAULT"] = True
    assert len(world.messages(purpose="reply")) == 1
