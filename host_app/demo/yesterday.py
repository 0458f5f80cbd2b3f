"""What happened yesterday, by an application whose clock is 26 hours behind.

No process of the demo lives in the past. What came in yesterday is told to this
application by the ways that are open to everybody: the plugin's own functions, and the
webhook by which a carrier announces a text.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from host_app.app import create_app
from host_app.demo.settings import DemoError

if TYPE_CHECKING:
    from flask import Flask

    from host_app.demo.play import Round

AGO = timedelta(hours=26)


def application() -> Flask:
    """The portal as it was."""
    shift = float(os.environ["SMS_CLOCK_SHIFT"]) - AGO.total_seconds()
    return create_app({"FAB_UPDATE_PERMS": False, "SMS_CLOCK_SHIFT": str(shift)})


def write(played: Round, who: tuple[str, str], body: str) -> None:
    """A patient wrote this to Harbor Light 26 hours ago, and nobody has answered."""
    fields = {
        "AccountSid": os.environ["SMS_TWILIO_ACCOUNT_SID"],
        "MessageSid": f"SM{secrets.token_hex(16)}",
        "From": played.phone(who),
        "To": played.number(),
        "Body": body,
        "NumMedia": "0",
    }
    url = played.carrier.inbound_url()
    answer = played.past.test_client().post(
        urlsplit(url).path,
        base_url=played.demo.url,
        data=fields,
        headers={"X-Twilio-Signature": _signature(url, fields)},
    )
    if answer.status_code >= 300:
        raise DemoError(f"Yesterday's text was answered with {answer.status_code}.")


def _signature(url: str, fields: dict[str, str]) -> str:
    """Sign as Twilio does: https://www.twilio.com/docs/usage/security."""
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    token = os.environ["SMS_TWILIO_AUTH_TOKEN"].encode()
    return base64.b64encode(
        hmac.new(token, signed.encode(), hashlib.sha1).digest()
    ).decode()
