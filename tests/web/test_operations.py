"""The Operations page: for operators alone, over all practices, of no patient."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sms_plugin.gateways.base import Outcome, Verdict
from sms_plugin.models import SmsAccount, SmsMessage, SmsNumber, SmsPractice
from sms_plugin.services import processes
from sms_plugin.services.refusals import Tally
from sms_plugin.web import menu, roles
from tests.support import host
from tests.web import pages

URL = "/sms/operations/"
GETS = (URL, f"{URL}live")
POSTS = (
    "text/1/leave", "text/1/again", "practice/1/resume", "numbers/check",
    "number/1/repair", "installation/confirm",
)  # fmt: skip


def busy(world, clock):
    """Something in every part of the page."""
    world.enable()
    phone = world.patient("p", phone="+12125550187", first="Zebulon", last="Canary")
    world.approve(world.job_for("p"))
    world.gateway().script.append(Outcome(0, Verdict.UNKNOWN, detail="cut off"))
    world.drain()
    [message] = world.messages()
    world.alter(SmsMessage, {"state": "review"}, id=message.id)
    world.reply("p", "Canary: call us")
    later = clock() + timedelta(hours=2)
    world.alter(
        SmsMessage,
        {"hold": "window", "due_at": later},
        id=world.messages(purpose="reply")[0].id,
    )
    world.alter(SmsNumber, {"drift": "It is gone.", "checked_at": clock()})
    stop = {"stopped": "The account is closed.", "stopped_at": clock()}
    world.alter(SmsPractice, stop, practice_ref="acme")
    pause = {"pause": "throttled", "pause_reason": "Too fast.", "paused_until": later}
    world.alter(SmsAccount, pause)
    with world.session() as session:
        processes.seen(session, "machine:7:ff", kind="worker", version="9.9")
    return phone, message.body, "Zebulon", "Canary"


@pages.on_sqlite
@pytest.mark.parametrize("user", sorted(host.USERS))
def test_it_opens_for_operators_and_nobody_else(world, login, user):
    world.enable()
    client = login(user)

    for path in GETS:
        status = client.get(path).status_code
        assert status == (200 if user == "operator" else 403), path
    for path in POSTS:
        status = client.post(URL + path).status_code
        assert status in ({302, 404} if user == "operator" else {403}), path


@pages.on_sqlite
def test_visitors_are_sent_to_log_in(app, world):
    client = app.test_client()

    for path in GETS:
        assert pages.is_login(client.get(path)), path
    for path in POSTS:
        assert pages.is_login(client.post(URL + path)), path


@pages.on_sqlite
def test_the_menu_shows_it_to_operators_wherever_texting_is_off(world, login):
    assert "/sms/operations/" in login("operator").get("/").text
    world.enable()
    assert "/sms/operations/" not in login("admin").get("/").text
    assert {roles.OPERATIONS, f"{roles.OPERATIONS} Menu"} <= menu.names()


@pages.on_sqlite
def test_who_may_only_read_sees_no_button(app, world, login, clock):
    busy(world, clock)
    with app.app_context():
        security = app.appbuilder.sm
        role = security.find_role("SMS Operator")
        write = security.find_permission_view_menu(roles.WRITE, roles.OPERATIONS)
        role.permissions.remove(write)
        app.appbuilder.session.commit()
    client = login("operator")

    answer = client.get(URL)

    assert "needs a decision" in pages.words(answer)
    assert pages.soup(answer).select("main form") == []
    for path in POSTS:
        assert client.post(URL + path).status_code == 403, path


def test_an_installation_at_rest_says_so(world, login):
    said = pages.words(login("operator").get(URL))

    for words in (
        "Every outcome is known.",
        "Nothing waits.",
        "No process was seen in the last hour.",
        "No account and no number rests.",
        "No practice has a number.",
        "No beat runs. Start one with: flask sms beat",
    ):
        assert words in said


def test_where_all_is_well_nothing_needs_a_person(world, login):
    with world.session() as session:
        for kind in processes.KINDS:
            processes.seen(session, kind, kind=kind, version="1")

    assert "All is well Nothing needs a person." in pages.words(
        login("operator").get(URL)
    )


def test_everything_shows_and_nothing_of_a_patient(world, login, clock):
    secrets = busy(world, clock)

    client = login("operator")
    for path in GETS:
        answer = client.get(path)
        said = " ".join(pages.soup(answer).get_text(" ").split())
        for words in (
            "Needs a person",
            "1 text needs a decision.",
            "stopped sending: The account is closed.",
            "(•••) •••-0187",
            "cut off",
            "Too fast. Tried again in 2 h",
            "It is gone.",
            "machine:7:ff Worker Runs",
            "1: outside texting hours, next in 2 h",
        ):
            assert words in said, words
        for secret in (*secrets, "5550187", "555-0187"):
            assert secret not in answer.text, secret


@pages.on_sqlite
def test_practices_of_nobody_here_show_as_well(world, login):
    """An operator looks after all practices, also those that are not theirs."""
    world.enable("birch", "+13125550100")
    world.approve(world.job(2, practice="birch"))
    name = world.rows(SmsPractice, practice_ref="birch")[0].name

    assert f"{name} Job texts 2, the oldest for" in pages.words(
        login("operator").get(URL)
    )


@pages.on_sqlite
def test_the_page_obeys_a_strict_content_policy_and_is_kept_by_nobody(
    world, login, clock
):
    busy(world, clock)
    client = login("operator")

    answer = client.get(URL)

    assert answer.headers["Cache-Control"] == "no-store"
    assert client.get(f"{URL}live").headers["Cache-Control"] == "no-store"
    assert pages.unsafe_parts(answer) == []
    page = pages.soup(answer)
    assert len(page.select("h1")) == 1
    scripts = [script.get("src") or "" for script in page.select("script")]
    assert any(src.endswith("operations.js") for src in scripts)
    for table in page.select("main table"):
        columns = len(table.select("thead th"))
        assert {len(row.select("td")) for row in table.select("tbody tr")} == {columns}


@pages.on_sqlite
def test_the_live_part_is_what_the_page_shows(world, login, clock):
    busy(world, clock)
    client = login("operator")

    page = pages.soup(client.get(URL)).select_one("#sms-operations")
    part = pages.soup(client.get(f"{URL}live"))

    assert page["data-live"] == f"{URL}live"
    assert [node.text for node in page.select("h2")] == [
        node.text for node in part.select("h2")
    ]
    assert part.select("html, h1") == []


@pages.on_sqlite
def test_looking_writes_down_what_this_process_refused(world, login):
    world.plugin.refusals = Tally()
    world.plugin.refusals.count("signature", now=world.clock())

    said = pages.words(login("operator").get(URL))

    assert "Refused: 1 wrong signature." in said


@pages.on_sqlite
@pytest.mark.parametrize("path", ["text/0", "text/x", f"text/{2**63}"])
def test_odd_keys_are_not_found(world, login, path):
    client = login("operator")

    for deed in ("leave", "again"):
        assert client.post(f"{URL}{path}/{deed}").status_code == 404
