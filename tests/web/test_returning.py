"""A stop by link whose link is lost ends by a START from that phone and a person."""

from __future__ import annotations

import pytest

from sms_plugin.models import (
    SmsAudit,
    SmsConsent,
    SmsConsentEvidence,
    SmsPhone,
    SmsSuppression,
    SmsTask,
)
from sms_plugin.services import consents
from tests.web import pages

URL = "/sms/todo/"
BUTTON = "Let texts go out again"


@pytest.fixture
def ann(world, clock):
    """The phone of a patient who agreed, and stopped all texts by the link in one."""
    world.enable()
    phone = world.patient("ann", first="Ann", last="Example")
    stop(world, "link")
    clock.move(hours=1)
    return phone


def stop(world, source):
    with world.session() as session:
        [phone] = session.query(SmsPhone)
        consents.suppress(
            session,
            consents.lock_phone(session, phone.id),
            source=source,
            vault=world.plugin.vault,
            now=world.clock(),
        )


def decide(client, task, **form):
    return client.post(f"{URL}{task.id}", data={"deed": "lift"} | form)


def standing(world):
    return [row.source for row in world.rows(SmsSuppression, lifted_at=None)]


def test_start_lets_staff_lift_a_stop_by_link_with_its_words_as_evidence(
    ann, world, login
):
    world.receive(ann, "Start")
    client = login("frontdesk")
    page = client.get(URL)
    [task] = world.rows(SmsTask)
    assert standing(world) == ["link"], "the text alone lifts nothing"

    answer = client.post(
        f"{URL}{task.id}", data={"deed": "lift"}, follow_redirects=True
    )

    assert BUTTON in pages.words(page)
    assert "If the link is lost, you can lift that stop here." in pages.words(page)
    assert "The stop is lifted." in pages.words(answer)
    assert standing(world) == []
    entry = world.rows(SmsConsent)[-1]
    assert (entry.event, entry.source) == ("lifted", "link")
    [evidence] = world.rows(SmsConsentEvidence, consent_id=entry.id)
    assert (evidence.text, bool(evidence.user_name)) == ("Start", True)
    [audit] = world.rows(SmsAudit, action="task.lift")
    assert (audit.object_id, audit.detail) == (task.id, "wants_texts")
    job = world.job_for("ann")
    assert [text.state for text in world.messages(job_id=job)] == ["pending"]


@pages.on_sqlite
def test_a_second_start_after_an_older_question_is_evidence_as_well(world, login):
    world.enable()
    phone = world.patient("ann", consent=False)
    world.receive(phone, "START")
    world.clock.move(hours=1)
    stop(world, "link")
    [task] = world.rows(SmsTask)
    client = login("frontdesk")

    refused = decide(client, task)
    world.clock.move(hours=1)
    world.receive(phone, "START")

    assert refused.status_code in {400, 403}
    assert "only after a START from that very phone" in pages.words(refused)
    assert decide(client, task).status_code == 302
    assert standing(world) == []


@pages.on_sqlite
@pytest.mark.parametrize("source", ["staff", "portal"])
def test_what_was_stopped_elsewhere_as_well_is_not_lifted(ann, world, login, source):
    stop(world, source)
    world.receive(ann, "START")
    client = login("admin")
    [task] = world.rows(SmsTask)

    answer = decide(client, task)

    assert BUTTON not in client.get(URL).text
    assert answer.status_code in {400, 403}
    assert set(standing(world)) == {"link", source}
    assert world.rows(SmsTask)[0].done_at is None


@pages.on_sqlite
def test_a_number_that_somebody_else_has_is_not_let_back(ann, world, login):
    world.receive(ann, "wrong number")
    world.receive(ann, "START")
    task = world.rows(SmsTask, kind="wants_texts")[0]
    client = login("admin")

    assert BUTTON not in client.get(URL).text
    assert decide(client, task).status_code in {400, 403}
    assert standing(world) == ["link"]


@pages.on_sqlite
def test_a_viewer_lifts_nothing_and_another_practice_finds_nothing(ann, world, login):
    world.receive(ann, "START")
    world.enable("birch", "+13125550100")
    [task] = world.rows(SmsTask)

    assert decide(login("viewer"), task).status_code == 403
    assert decide(login("birch"), task).status_code == 404
    assert standing(world) == ["link"]


@pages.on_sqlite
def test_lifting_needs_its_token(ann, world, login, app):
    world.receive(ann, "START")
    [task] = world.rows(SmsTask)
    client = login("admin")

    with pages.csrf(app):
        assert decide(client, task).status_code == 400
    assert standing(world) == ["link"]
