"""The webhook edge: what is let in, what is refused, and what the answer tells."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from sms_plugin.gateways.base import Credentials
from sms_plugin.models import (
    SmsAccount,
    SmsPractice,
    SmsSuppression,
    SmsWebhookEvent,
)
from sms_plugin.services import accounts, receiving
from tests.support import host
from tests.support.marks import on_postgresql, on_sqlite
from tests.support.world import NUMBER

PATH = "/sms/hooks/inbound"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def ready(world):
    """A practice whose patient may write."""
    world.enable()
    world.params = {
        "AccountSid": host.ACCOUNT,
        "MessageSid": "SM" + "1" * 32,
        "From": world.patient("p"),
        "To": NUMBER,
        "Body": "STOP",
    }
    return world


def sign(world, params, path=PATH):
    return world.gateway().sign(host.PUBLIC_URL + path, params)


def post(world, params=None, *, path=PATH, signature=None, headers=None, **more):
    params = world.params if params is None else params
    if signature is None:
        signature = sign(world, params, path)
    return world.app.test_client().post(
        path,
        data=params,
        headers={"X-Twilio-Signature": signature} | (headers or {}),
        **more,
    )


def nothing_happened(world):
    return world.rows(SmsWebhookEvent) == [] and world.rows(SmsSuppression) == []


def refused(world, answer):
    return (
        answer.status_code == 403
        and answer.data == b"Forbidden"
        and nothing_happened(world)
    )


@on_sqlite
@pytest.mark.parametrize(
    "signature",
    ["", "x", "A" * 1_000_000, "ünïcödé", "\udcff", "=" * 28],
    ids=["empty", "short", "megabyte", "letters", "surrogate", "padding"],
)
def test_a_request_that_is_not_signed_is_refused(ready, signature):
    answer = post(ready, headers={}, signature=signature.encode("utf-8", "replace"))

    assert refused(ready, answer)


@on_sqlite
def test_a_request_without_the_header_is_refused(ready):
    answer = ready.app.test_client().post(PATH, data=ready.params)

    assert refused(ready, answer)


@on_sqlite
def test_the_signature_of_another_account_is_refused(ready):
    with ready.session() as session:
        accounts.save(
            session,
            Credentials("AC" + "9" * 32, "their-token"),
            gateway="memory",
            vault=ready.plugin.vault,
            now=ready.clock(),
        )
        theirs = ready.plugin.gateway_for(
            session.scalars(
                sa.select(SmsAccount).filter_by(account_sid="AC" + "9" * 32)
            ).one()
        )
    signature = theirs.sign(host.PUBLIC_URL + PATH, ready.params)

    assert refused(ready, post(ready, signature=signature))
    unknown = ready.params | {"AccountSid": "AC" + "8" * 32}
    assert refused(ready, post(ready, unknown))


@on_sqlite
@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"Body": "START"}, PATH),
        ({"Extra": "1"}, PATH),
        ({}, PATH + "?a=1"),
        ({}, PATH + "/again"),
    ],
    ids=["body", "extra field", "query", "path"],
)
def test_a_signature_holds_for_these_very_fields_at_this_very_address(
    ready, change, path
):
    signature = sign(ready, ready.params)

    answer = post(ready, ready.params | change, path=path, signature=signature)

    assert refused(ready, answer)


@on_sqlite
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "a:99999"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
    ],
    ids=["host", "port", "forwarded"],
)
def test_the_configured_address_counts_whatever_the_request_says_it_is(ready, headers):
    assert post(ready, headers=headers).status_code in {200, 400}
    forged = ready.gateway().sign("http://evil.example" + PATH, ready.params)

    answer = post(
        ready,
        ready.params | {"MessageSid": "SM" + "2" * 32},
        signature=forged,
        headers=headers,
    )

    assert answer.status_code in {400, 403}
    assert len(ready.rows(SmsWebhookEvent)) <= 1


@on_sqlite
def test_other_methods_and_types_are_refused(ready):
    client = ready.app.test_client()
    signed = {"X-Twilio-Signature": sign(ready, ready.params)}

    assert client.get(PATH).status_code == 405
    assert client.put(PATH, data=ready.params, headers=signed).status_code == 405
    answer = client.post(PATH, data=json.dumps(ready.params), headers=signed)
    assert answer.status_code == 415
    assert client.post(PATH, json=ready.params, headers=signed).status_code == 415
    multipart = client.post(
        PATH,
        data=ready.params,
        headers=signed,
        content_type="multipart/form-data",
    )
    assert multipart.status_code == 415
    too_long = client.post(PATH, data={"Body": "x" * 70_000}, headers=signed)
    assert too_long.status_code == 413
    assert nothing_happened(ready)


def test_a_request_played_again_and_again_changes_nothing(ready):
    answers = {post(ready).status_code for _ in range(30)}

    assert answers == {200}
    assert len(ready.rows(SmsWebhookEvent)) == 1
    assert len(ready.rows(SmsSuppression)) == 1


@on_sqlite
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MessageSid", "SM" + "1" * 32 + "From"),
        ("MessageSid", "SM" + "1" * 31),
        ("MessageSid", ""),
        ("AccountSid", host.ACCOUNT + "\n"),
    ],
)
def test_fields_that_cannot_be_what_they_claim_are_refused(ready, name, value):
    """A signature binds no field to its name, so a boundary could be shifted."""
    assert refused(ready, post(ready, ready.params | {name: value}))


@on_sqlite
def test_a_boundary_shifted_under_the_same_signature_is_refused(ready):
    signature = sign(ready, ready.params)
    sid = ready.params["MessageSid"]
    shifted = {
        name: value for name, value in ready.params.items() if name != "MessageSid"
    }
    shifted["MessageSi"] = "d" + sid
    assert sign(ready, shifted) == signature

    assert refused(ready, post(ready, shifted, signature=signature))


@on_sqlite
def test_both_tokens_hold_while_they_are_rotated_and_the_old_one_no_longer(ready):
    def use(first, second=""):
        with ready.session() as session:
            accounts.save(
                session,
                Credentials(host.ACCOUNT, first, second),
                gateway="memory",
                vault=ready.plugin.vault,
                now=ready.clock(),
            )

    old = sign(ready, ready.params)
    use("new-token", host.TOKEN)
    assert post(ready, signature=old).status_code == 200
    assert post(ready).status_code == 200

    use("new-token")
    assert post(ready, signature=old).status_code == 403
    assert post(ready).status_code == 200


@on_sqlite
@pytest.mark.parametrize(
    "fields",
    [
        {"NumMedia": "-1"},
        {"NumMedia": "9999"},
        {"NumMedia": "abc", "MediaUrl0": "http://169.254.169.254/"},
        {"MediaUrl0": "file:///etc/passwd", "NumMedia": "1"},
        {"OptOutType": "STOP", "NewField": "from the future"},
    ],
)
def test_fields_we_do_not_use_do_no_harm(ready, fields):
    """The tests may reach no network: a fetch would be an error."""
    assert post(ready, ready.params | fields).status_code == 200
    assert ready.rows(SmsWebhookEvent)[0].state == "applied"


@on_sqlite
@pytest.mark.parametrize(
    "fields",
    [{"From": ""}, {"To": ""}, {"To": "+12125550199"}, {"To": "x" * 3000}],
    ids=["no sender", "no recipient", "not our number", "nonsense"],
)
def test_a_text_that_belongs_to_nothing_of_ours_is_kept_and_changes_nothing(
    ready, fields
):
    assert post(ready, ready.params | fields).status_code == 200

    [event] = ready.rows(SmsWebhookEvent)
    assert event.state == "orphan"
    assert ready.rows(SmsSuppression) == []


@on_sqlite
def test_a_text_for_a_number_of_another_account_does_not_cross_over(ready):
    with ready.session() as session:
        saved = accounts.save(
            session,
            Credentials("AC" + "9" * 32, "their-token"),
            gateway="memory",
            vault=ready.plugin.vault,
            now=ready.clock(),
        )
        theirs = ready.plugin.gateway_for(saved)
    params = ready.params | {"AccountSid": "AC" + "9" * 32}

    answer = post(ready, params, signature=theirs.sign(host.PUBLIC_URL + PATH, params))

    assert answer.status_code == 200
    assert [row.state for row in ready.rows(SmsWebhookEvent)] == ["orphan"]
    assert ready.messages(purpose="inbound") == []


@on_sqlite
def test_the_answer_tells_nothing(ready):
    seen = {post(ready).data for _ in range(2)}
    other = ready.params | {"To": "+12125550199", "MessageSid": "SM" + "3" * 32}
    answer = post(ready, other)

    assert seen == {answer.data} == {b"<Response/>"}
    assert answer.content_type.startswith("text/xml")


@on_sqlite
def test_the_hosts_csrf_protection_leaves_the_webhook_alone(ready, monkeypatch):
    monkeypatch.setitem(ready.app.config, "WTF_CSRF_ENABLED", True)  # noqa: FBT003

    assert ready.app.test_client().post("/login/", data={}).status_code == 400
    assert post(ready).status_code == 200
    assert post(ready, path=PATH + "/again").status_code == 200


@on_sqlite
@pytest.mark.parametrize("values", [{"enabled": False}, {"allowed": False}])
def test_a_stop_is_heard_while_texting_is_off(ready, values):
    ready.alter(SmsPractice, values, practice_ref="acme")

    assert post(ready).status_code == 200

    assert [row.source for row in ready.rows(SmsSuppression)] == ["keyword"]


@on_postgresql
@pytest.mark.parametrize("at_start", [True, False], ids=["at start", "later"])
def test_a_database_that_is_away_makes_the_gateway_try_again(
    ready, monkeypatch, at_start
):
    signature = sign(ready, ready.params)
    monkeypatch.setattr(ready.plugin, "migrated", not at_start)
    with ready.app.app_context():
        engine = ready.app.appbuilder.session.get_bind()
        ready.app.appbuilder.session.remove()
    engine.dispose()

    def away(*_):
        raise sa.exc.OperationalError("SELECT", {}, OSError())

    sa.event.listen(engine, "do_connect", away)
    try:
        answer = post(ready, signature=signature)
    finally:
        sa.event.remove(engine, "do_connect", away)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert post(ready).status_code == 200


@on_sqlite
def test_a_locked_database_is_not_waited_for_longer_than_the_gateway_waits(
    ready, monkeypatch
):
    """Twilio was told to wait four seconds for our answer."""
    assert receiving.PATIENCE < 4
    monkeypatch.setattr(receiving, "PATIENCE", 0.05)
    signature = sign(ready, ready.params)
    with ready.app.app_context():
        engine = ready.app.appbuilder.session.get_bind()
    with engine.connect() as other:
        other.exec_driver_sql("BEGIN IMMEDIATE")
        answer = post(ready, signature=signature)
        other.rollback()

    assert answer.status_code == 503
    assert post(ready).status_code == 200
