"""Refused webhooks are counted for the operator, and cost a good one nothing."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sms_plugin.gateways.base import Credentials
from sms_plugin.models import SmsRefusal, SmsWebhookEvent
from sms_plugin.services import accounts, refusals
from sms_plugin.services.refusals import Tally
from sms_plugin.web import webhooks
from tests.support import host
from tests.support.marks import on_sqlite
from tests.support.parallel import at_once, failures
from tests.support.world import NUMBER

PATH = "/sms/hooks/inbound"


@pytest.fixture
def ready(world, monkeypatch):
    """A practice whose patient may write, and nothing counted yet."""
    world.enable()
    world.plugin.refusals = Tally()
    world.elapsed = 100.0
    monkeypatch.setattr(webhooks.time, "monotonic", lambda: world.elapsed)
    world.params = {
        "AccountSid": host.ACCOUNT,
        "MessageSid": "SM" + "1" * 32,
        "From": world.patient("p"),
        "To": NUMBER,
        "Body": "Hello",
    }
    return world


def post(world, params=None, **more):
    """Bring a webhook, signed, and read the answer to its end as a server does."""
    params = params or world.params
    headers = {
        "X-Twilio-Signature": world.gateway().sign(host.PUBLIC_URL + PATH, params)
    }
    options = {"data": params, "headers": headers} | more
    with world.app.test_client().post(PATH, **options) as answer:
        return answer.status_code


def forge(world):
    return post(world, headers={"X-Twilio-Signature": "forged"})


def counted(world):
    return {row.reason: row.count for row in world.rows(SmsRefusal)}


@pytest.mark.parametrize(
    ("reason", "status", "params", "options"),
    [
        ("signature", 403, {}, {"headers": {"X-Twilio-Signature": "forged"}}),
        ("unknown_account", 403, {"AccountSid": "AC" + "9" * 32}, {}),
        ("unknown_account", 403, {"AccountSid": "nonsense"}, {}),
        ("malformed", 403, {"MessageSid": "nonsense"}, {}),
        ("too_large", 413, {"Body": "x" * 70_000}, {}),
        ("media_type", 415, {}, {"content_type": "multipart/form-data"}),
    ],
)
def test_each_refusal_is_counted_by_its_reason(ready, reason, status, params, options):
    assert post(ready, ready.params | params, **options) == status

    assert counted(ready) == {reason: 1}


@on_sqlite
def test_a_wrong_signature_of_a_known_account_is_told_from_an_unknown_account(ready):
    with ready.session() as session:
        accounts.save(
            session,
            Credentials("AC" + "9" * 32, "their-token"),
            gateway="memory",
            vault=ready.plugin.vault,
            now=ready.clock(),
        )

    post(ready, ready.params | {"AccountSid": "AC" + "9" * 32})

    assert counted(ready) == {"signature": 1}


def test_a_good_webhook_is_counted_nowhere(ready):
    assert post(ready) == 200

    assert counted(ready) == {}


def test_a_flood_is_written_once_in_ten_seconds(ready):
    for _ in range(50):
        assert forge(ready) == 403
    assert counted(ready) == {"signature": 1}

    ready.elapsed += 9.9
    forge(ready)
    assert counted(ready) == {"signature": 1}
    ready.elapsed += 0.1
    forge(ready)

    assert counted(ready) == {"signature": 52}


@on_sqlite
def test_what_is_left_of_a_flood_is_written_after_the_next_good_webhook(ready):
    forge(ready)
    forge(ready)
    ready.elapsed += 10

    assert post(ready) == 200

    assert counted(ready) == {"signature": 2}


def test_the_answer_is_there_before_the_counts_are_written(ready):
    """A good webhook waits for no figures."""
    forge(ready)
    forge(ready)
    ready.elapsed += 10
    signature = ready.gateway().sign(host.PUBLIC_URL + PATH, ready.params)

    answer = ready.app.test_client().post(
        PATH, data=ready.params, headers={"X-Twilio-Signature": signature}
    )
    assert answer.data == b"<Response/>"
    assert counted(ready) == {"signature": 1}

    answer.close()
    assert counted(ready) == {"signature": 2}


@on_sqlite
def test_counts_that_cannot_be_written_fail_nobody_and_are_kept(
    ready, monkeypatch, caplog
):
    def away(*_, **__):
        raise sa.exc.OperationalError("UPDATE", {}, OSError())

    with monkeypatch.context() as broken:
        broken.setattr(refusals, "write", away)
        assert forge(ready) == 403
        ready.elapsed += 10
        assert post(ready) == 200
    assert "refused requests were not written: OperationalError" in caplog.text
    assert len(ready.rows(SmsWebhookEvent)) == 1

    ready.elapsed += 10
    forge(ready)
    assert counted(ready) == {"signature": 2}


def test_refusals_at_once_are_all_counted(ready):
    def flood():
        return [forge(ready) for _ in range(5)]

    assert failures(at_once(*[flood] * 4)) == []
    ready.elapsed += 10
    forge(ready)

    assert counted(ready) == {"signature": 21}


@on_sqlite
def test_where_the_tables_are_missing_the_answer_is_still_an_answer(ready, monkeypatch):
    monkeypatch.setattr(webhooks, "is_ready", lambda: False)

    assert post(ready) == 503
    assert post(ready, content_type="multipart/form-data") == 415
