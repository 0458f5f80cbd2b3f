"""F16: callbacks about texts that are not ours, or signed by another account."""

from __future__ import annotations

import pytest

from sms_plugin.gateways.base import Credentials
from sms_plugin.gateways.signature import sign
from sms_plugin.models import SmsAttempt, SmsWebhookEvent
from sms_plugin.services import accounts, operations, refusals
from sms_plugin.services.sending import STATUS_PATH
from tests.support import host

STRANGE = "SM" + "f" * 32
THEIRS = Credentials("AC" + "9" * 32, "9" * 32)


@pytest.fixture
def sent(stage):
    """A text of ours that is on its way, and another account beside ours."""
    stage.carrier.faults(drop=1.0)
    stage.approved(1)
    stage.send()
    with stage.world.session() as session:
        accounts.save(
            session,
            THEIRS,
            gateway="twilio",
            vault=stage.world.plugin.vault,
            now=stage.clock(),
        )
    return stage.world.messages()[0]


def call_back(stage, *, sid, account, signed_by, token=""):
    """Bring a status word, signed by somebody; gives the status of the answer."""
    url = stage.app.config["SMS_PUBLIC_URL"]
    path = f"{STATUS_PATH}{token or 'x' * 22}"
    params = {"AccountSid": account, "MessageSid": sid, "MessageStatus": "failed"}
    signature = sign(signed_by, url + path, {k: [v] for k, v in params.items()})
    headers = {"X-Twilio-Signature": signature}
    # What was refused is written down when the answer is through.
    with stage.app.test_client().post(path, data=params, headers=headers) as answer:
        return answer.status_code


def seen_by_operators(stage):
    """What the operator's page reads."""
    with stage.world.session() as session:
        snapshot = operations.snapshot(
            session, settings=stage.world.plugin.settings, now=stage.clock()
        )
    return snapshot.webhooks


def test_a_word_about_an_unknown_text_is_kept_and_counted_and_changes_nothing(
    stage, sent
):
    status = call_back(stage, sid=STRANGE, account=host.ACCOUNT, signed_by=host.TOKEN)

    assert status == 200
    assert [row.state for row in stage.world.rows(SmsWebhookEvent)] == ["orphan"]
    assert seen_by_operators(stage).orphans == 1
    assert stage.world.messages()[0].state == sent.state


@pytest.mark.parametrize("with_token", [False, True])
def test_a_word_of_another_account_about_our_text_changes_nothing(
    stage, sent, with_token
):
    """Their own signature holds; the text is not theirs all the same."""
    [attempt] = stage.world.rows(SmsAttempt)
    status = call_back(
        stage,
        sid=sent.sid,
        account=THEIRS.account_sid,
        signed_by=THEIRS.auth_token,
        token=attempt.token if with_token else "",
    )

    assert status == 200
    assert [row.state for row in stage.world.rows(SmsWebhookEvent)] == ["orphan"]
    assert seen_by_operators(stage).orphans == 1
    assert stage.world.messages()[0].state == sent.state


def test_a_word_in_our_name_with_another_accounts_token_is_refused_and_counted(
    stage, sent
):
    [attempt] = stage.world.rows(SmsAttempt)
    stage.world.plugin.refusals = refusals.Tally()

    status = call_back(
        stage,
        sid=sent.sid,
        account=host.ACCOUNT,
        signed_by=THEIRS.auth_token,
        token=attempt.token,
    )

    assert status == 403
    assert stage.world.rows(SmsWebhookEvent) == []
    assert stage.world.messages()[0].state == sent.state
    assert seen_by_operators(stage).refused == {"signature": 1}
