"""What belongs to a patient stays in the database: not in logs, not in Redis."""

from __future__ import annotations

import logging
import re

import pytest
import sqlalchemy as sa

from sms_plugin.errors import GatewayError, Retry
from sms_plugin.gateways.base import Outcome, Verdict
from sms_plugin.models import SmsMessage, SmsPractice
from sms_plugin.port import SignedInPatient
from sms_plugin.services import outcomes, phone_imports, receiving
from sms_plugin.worker import sender
from sms_plugin.worker.beat import Beat
from sms_plugin.worker.workers import run_worker
from tests.support.invariants import in_redis
from tests.support.marks import on_sqlite
from tests.support.world import STAFF

PHONE, NAME, BODY = "+12125550177", "Zyxwinda", "Quokkaphrase"
SECRETS = (PHONE[2:], PHONE[-7:], NAME, BODY, "job-1-p1-b")
# That the failing paths have been walked.
FAILURES = (
    "not prepared: CanaryError",
    "not prepared: OperationalError",
    "calls ended without an outcome: CanaryError",
    "outcomes were not recorded: CanaryError",
    "the gateway did not answer",
    "not applied: CanaryError",
    "not stored: CanaryError",
    "belongs to nothing of ours",
    "payment_url",
    "could not be shown: CanaryError",
)


class CanaryError(RuntimeError):
    """An error whose text and arguments hold everything that must not be told."""

    def __init__(self, *_, **__):
        super().__init__(f"{PHONE} {NAME} {BODY}", {"phone": PHONE})


def sing(*_, **__):
    raise CanaryError


@pytest.fixture
def canary(world, caplog):
    """One patient with a telling name, phone and text; all logs are listened to."""
    caplog.set_level(logging.DEBUG)
    # With its logger at DEBUG it writes every statement's values, as a host may choose.
    caplog.set_level(logging.WARNING, "sqlalchemy")
    world.enable()
    world.patient("canary", phone=PHONE, first=NAME, last=BODY)
    return world


def written(caplog):
    """Everything that was logged, with its tracebacks."""
    layout = logging.Formatter("%(name)s %(levelname)s %(message)s")
    return [layout.format(record) for record in caplog.records]


def sending_paths(world, monkeypatch):
    """Accepted, refused, unknown, broken off, not recorded, and looked up in vain."""
    gateway = world.gateway()
    for number, told in enumerate(
        (
            None,
            Outcome(0, Verdict.REFUSED, code=21614, detail="no"),
            Outcome(0, Verdict.UNKNOWN),
        )
    ):
        gateway.decide = lambda _, told=told: told
        world.reply("canary", BODY, nonce=str(number))
        world.plugin.wake()
        run_worker(world.app, burst=True)
    world.reply("canary", BODY, nonce="broken")
    with monkeypatch.context() as broken:
        broken.setattr(gateway, "send", sing)
        world.drain()
    gateway.decide = lambda _: None
    world.reply("canary", BODY, nonce="lost")
    with monkeypatch.context() as broken:
        broken.setattr(outcomes, "record", sing)
        broken.setattr(sender.time, "sleep", lambda _: None)
        world.drain()
    world.clock.move(minutes=1)
    refusal = f"{PHONE} was not found"
    gateway.errors.append(GatewayError(refusal, retry=Retry.LATER))
    Beat(world.app).tick()


def receiving_paths(world, monkeypatch):
    """Applied, failed, not stored, and refused."""
    world.receive(PHONE, f"{BODY} please cancel")
    for name in ("take_text", "_store"):
        with monkeypatch.context() as broken:
            broken.setattr(receiving, name, sing)
            world.receive(PHONE, f"STOP {BODY}")
    answer = world.app.test_client().post(
        "/sms/hooks/inbound", data={"From": PHONE, "Body": BODY}
    )
    assert answer.status_code == 403
    world.receive(PHONE, BODY, to="+12125550199")
    with monkeypatch.context() as broken:
        broken.setattr(receiving, "take_text", sing)
        Beat(world.app).tick()
    Beat(world.app).tick()


def job_paths(world, monkeypatch):
    """A host that fails, a database that refuses, and a link that leads astray."""
    with monkeypatch.context() as broken:
        broken.setattr(world.portal, "bills", sing)
        world.job_for("canary", "b1")
    with monkeypatch.context() as broken:
        broken.setattr(
            world.portal,
            "patients",
            lambda *_: (
                world.session()
                .__enter__()
                .execute(sa.text("SELECT :phone FROM nowhere"), {"phone": PHONE})
            ),
        )
        world.job_for("canary", "b2")
    world.approve(world.job_for("canary", "b3"))
    world.drain()
    link = world.gateway().sent[-1].body.split("/sms/p/")[1][:22]
    with monkeypatch.context() as broken:
        broken.setattr(world.portal, "payment_url", lambda *_: f"https://{NAME}/")
        world.app.test_client().get(f"/sms/p/{link}")
    return link


def own_paths(world, monkeypatch):
    """A code that is sent and typed wrongly, an import, and pages that fail."""
    client = world.app.test_client()
    world.portal.signed = [SignedInPatient("acme", "canary")]
    form = {"practice": "acme", "patient": "canary", "back": "/"}
    for more in ({"deed": "send", "number": PHONE}, {"deed": "rename", "label": NAME}):
        client.post("/sms/mine", data=form | more)
    world.drain()
    code = re.search(r"\b\d{6}\b", world.gateway().sent[-1].body)[0]
    table = f"patient_id,phone,label\ncanary,{PHONE},{NAME}\nnobody,{PHONE},{BODY}\n"
    with world.session() as session:
        phone_imports.from_file(
            session,
            session.get(SmsPractice, 1),
            table.encode(),
            port=world.portal,
            actor=STAFF,
            now=world.clock(),
        )
    with monkeypatch.context() as broken:
        broken.setattr(world.portal, "signed_in_patients", sing)
        client.get("/my-preferences")
    return code


@on_sqlite
def test_nothing_of_a_patient_reaches_logs_or_redis(
    canary, caplog, valkey, monkeypatch
):
    link = job_paths(canary, monkeypatch)
    canary.clock.move(days=1)
    code = own_paths(canary, monkeypatch)
    sending_paths(canary, monkeypatch)
    receiving_paths(canary, monkeypatch)
    for job_id in (1, 2):
        canary.plugin.prepare(job_id)
    canary.plugin.wake()

    connection = valkey.client()
    kept, said = in_redis(connection), written(caplog)
    connection.close()

    states = {m.state for m in canary.rows(SmsMessage)}
    assert {"accepted", "failed", "unknown", "submitting", "received"} <= states
    for words in FAILURES:
        assert any(words in line for line in said), words
    assert any("prepare" in value for value in kept), "the queue has been read"
    for secret in (*SECRETS, link, f"code is {code}", f" {code} "):
        assert [line for line in said if secret in line] == []
        assert [value for value in kept if secret in value] == []
