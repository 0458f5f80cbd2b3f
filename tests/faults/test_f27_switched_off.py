"""F27: a practice switches texting off with 300 texts queued.

Nothing is handed over after the commit; what is queued is kept, is seen, and goes out
once when texting is on again.
"""

from __future__ import annotations

import pytest

from sms_plugin import config
from sms_plugin.models import SmsAttempt

QUEUED, PATIENTS = 300, 60


@pytest.fixture(autouse=True)
def _push_request_context():
    """Take the place of pytest-flask's fixture, as ``tests/web/conftest.py`` does."""


@pytest.fixture
def job(world, monkeypatch):
    """An approved job of 300 texts to 60 phones, with no cap in their way; its id."""
    settings = world.plugin.settings.values
    monkeypatch.setitem(settings, config.CAP_DAY.name, 50)
    monkeypatch.setitem(settings, config.CAP_WEEK.name, 200)
    world.enable()
    for number in range(PATIENTS):
        world.patient(f"p{number}")
    rows = []
    for number in range(QUEUED):
        patient = f"p{number % PATIENTS}"
        world.portal.add_bill(f"b{number}", patient)
        rows.append((patient, f"b{number}"))
    world.portal.add_job("job-1", rows)
    job_id = world.prepare("job-1")
    world.approve(job_id)
    return job_id


def handed_over(world):
    return [row.message_id for row in world.rows(SmsAttempt)]


def test_nothing_is_sent_after_the_switch_and_everything_when_it_is_on_again(
    world, login, job, monkeypatch
):
    admin, gateway = login("admin"), world.gateway()
    send, before = gateway.send, []

    def switch_off(texts, **more):
        """The first wave is on its way when the admin switches off."""
        if not before:
            form = {"practice_id": 1}
            assert admin.post("/sms/settings/off", data=form).status_code == 302
            before.extend(handed_over(world))
        return send(texts, **more)

    monkeypatch.setattr(gateway, "send", switch_off)
    world.drain()
    world.drain()

    assert 0 < len(before) < QUEUED
    assert sorted(handed_over(world)) == sorted(before)
    assert len(gateway.sent) == len(before)
    held = world.messages(job_id=job, state="approved")
    assert len(held) == QUEUED - len(before)
    assert all(message.due_at for message in held)
    settings = admin.get("/sms/settings/").text
    assert f"{len(held)} approved texts wait" in settings
    assert admin.get(f"/sms/jobs/{job}").status_code == 404

    admin.post("/sms/settings/on", data={"practice_id": 1})
    assert f"{len(held)} texts" in admin.get(f"/sms/jobs/{job}").text
    world.drain()

    assert len(gateway.sent) == QUEUED
    assert sorted(handed_over(world)) == sorted(m.id for m in world.messages())
    assert {m.state for m in world.messages()} == {"accepted"}
