"""What people and scripts are told when an address of the plugin cannot be shown."""

from __future__ import annotations

import pytest

from sms_plugin.web import errorpages, links
from sms_plugin.web.messages import SmsMessagesView
from tests.web import pages
from tests.web.test_crud import add_messages


@pytest.fixture
def failing(app, monkeypatch):
    """The list of messages fails, as code fails outside of tests."""
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)  # noqa: FBT003  (a setting)

    def fail(*_, **__):
        raise RuntimeError("Maya Example, +12125550132")

    monkeypatch.setattr(SmsMessagesView.datamodel, "page", fail)


def ways(answer):
    """Where the page leads on."""
    return [link["href"] for link in pages.soup(answer).select("main .sms-actions a")]


@pages.on_sqlite
@pytest.mark.parametrize(
    ("user", "path", "status", "title"),
    [
        ("viewer", "messages/show/999", 404, "There is nothing at this address"),
        ("viewer", "messages/show/x", 404, "There is nothing at this address"),
        ("viewer", "messages/list/?before=x", 404, "There is nothing at this address"),
        ("viewer", "numbers/list/", 403, "This page is not open to you"),
        ("biller", "jobs/999", 404, "There is nothing at this address"),
        ("frontdesk", "inbox/999", 404, "There is nothing at this address"),
    ],
)
def test_an_error_is_a_page_of_the_product(world, login, user, path, status, title):
    world.enable()

    answer = login(user).get(f"/sms/{path}")

    page = pages.soup(answer)
    assert answer.status_code == status
    assert page.select_one("main h1").text == title
    assert page.select_one(".navbar"), "it stands in the host's frame"
    assert len(page.select("h1")) == len(page.select("main")) == 1
    assert ways(answer)[-1] == "/"
    assert answer.headers["Cache-Control"] == "no-store"
    assert pages.unsafe_parts(answer) == []


@pages.on_sqlite
def test_what_is_not_found_leads_to_the_list_that_may_be_read(world, login):
    world.enable()

    answer = login("viewer").get("/sms/messages/show/999")

    assert ways(answer) == ["/sms/messages/list/", "/"]
    assert "Go to Messages" in pages.words(answer)


@pages.on_sqlite
def test_while_texting_is_off_nothing_leads_to_what_is_hidden(world, login):
    answer = login("viewer").get("/sms/messages/list/")

    assert answer.status_code == 404
    assert ways(answer) == ["/"]
    assert "Messages" not in pages.words(answer)


def test_a_refused_page_shows_nothing_of_what_it_would_have_shown(world, login):
    add_messages(world, world.enable(), 1, patient_name="Maya Example", body="Secret")
    other = world.enable("birch", "+13125550100")
    add_messages(world, other, 1, patient_name="Noor Hidden", body="Hidden words")

    foreign = login("viewer").get("/sms/messages/show/2")
    refused = login("frontdesk").get("/sms/messages/show/1")

    assert (foreign.status_code, refused.status_code) == (404, 403)
    for answer in (foreign, refused):
        for word in ("Maya", "Noor", "Secret", "Hidden words"):
            assert word not in answer.text


@pages.on_sqlite
class TestStaleForms:
    def send(self, app, world, login, **headers):
        world.enable()
        client = login("admin")
        with pages.csrf(app):
            return client.post("/sms/settings/off", headers=headers)

    def test_the_page_says_what_to_do_and_leads_back_to_the_form(
        self, app, world, login
    ):
        answer = self.send(
            app, world, login, Referer="http://localhost/sms/settings/?a=1#top"
        )

        assert answer.status_code == 400
        assert "open too long" in pages.words(answer)
        assert "CSRF" not in answer.text
        assert ways(answer)[0] == "/sms/settings/?a=1"

    @pytest.mark.parametrize(
        "before",
        ["http://evil.example/sms/settings/", "http://localhost//evil.example/", "x"],
    )
    def test_it_never_leads_to_another_host(self, app, world, login, before):
        answer = self.send(app, world, login, Referer=before)

        assert answer.status_code == 400
        assert "evil.example" not in answer.text


@pages.on_sqlite
def test_a_step_that_came_too_late_says_so(world, login):
    acme, birch = world.enable("acme"), world.enable("birch", "+13125550100")
    client = login("both")
    client.post("/sms/switch", data={"practice_id": birch})

    answer = client.post("/sms/settings/off", data={"practice_id": acme})

    assert answer.status_code == 409
    assert "You switched the practice in another tab." in pages.words(answer)


class TestFailures:
    def test_the_page_says_to_try_again_and_tells_no_secrets(
        self, world, login, failing
    ):
        world.enable()

        answer = login("viewer").get("/sms/messages/list/?_flt_3_state=failed")

        assert answer.status_code == 500
        assert pages.soup(answer).select_one("h1").text == errorpages.TITLES[500]
        assert ways(answer)[0] == "/sms/messages/list/?_flt_3_state=failed"
        assert "Maya" not in answer.text
        assert "RuntimeError" not in answer.text

    @pages.on_sqlite
    def test_it_stands_alone_where_the_frame_fails_too(
        self, world, login, failing, monkeypatch
    ):
        world.enable()
        client = login("viewer")
        monkeypatch.setattr(errorpages, "_ways_back", lambda *_: 1 / 0)

        answer = client.get("/sms/messages/list/")

        assert answer.status_code == 500
        assert pages.soup(answer).select_one("main h1").text == errorpages.TITLES[500]
        assert not pages.soup(answer).select(".navbar")


@pages.on_sqlite
def test_a_patient_whose_link_fails_is_told_whom_to_call(app, monkeypatch):
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)  # noqa: FBT003  (a setting)
    monkeypatch.setattr(links.links, "open_link", lambda *_, **__: 1 / 0)

    answer = app.test_client().get("/sms/p/abc")

    page = pages.soup(answer)
    assert answer.status_code == 500
    assert "call the office" in page.select_one("main").text
    assert page.select_one("html")["lang"] == "en"
    assert not page.select("a"), "nothing leads a patient into the staff's portal"


@pages.on_sqlite
class TestScripts:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Accept": "application/json"},
            {"X-Requested-With": "XMLHttpRequest"},
            {"Sec-Fetch-Dest": "empty"},
        ],
    )
    def test_they_get_the_words_as_json(self, world, login, headers):
        world.enable()

        answer = login("viewer").get("/sms/messages/show/999", headers=headers)

        assert answer.status_code == 404
        assert answer.json == {
            "error": errorpages.TITLES[404],
            "message": errorpages.REASONS[404],
        }

    def test_a_browser_that_takes_anything_gets_a_page(self, world, login):
        world.enable()
        accept = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

        answer = login("viewer").get("/sms/messages/show/999", headers=accept)

        assert answer.mimetype == "text/html"


@pages.on_sqlite
def test_addresses_of_the_host_keep_the_pages_of_the_host(world, login):
    world.enable()
    client = login("viewer")

    for path in ("/nothing", "/sms/nothing", "/users/show/999"):
        assert "sms-page" not in client.get(path).text
