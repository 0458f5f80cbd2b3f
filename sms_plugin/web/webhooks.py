"""The webhook: texts of patients and status words, brought by the gateway.

A plain blueprint, exempt from the host's CSRF protection: what protects it is the
gateway's signature over the configured public address. It works while texting is off:
a STOP must always be heard.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import time
from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, request

from sms_plugin import config
from sms_plugin.errors import describe
from sms_plugin.services import accounts, numbers, receiving, refusals, sending
from sms_plugin.web.guards import db, is_ready, toolbox

if TYPE_CHECKING:
    from flask import Flask

    from sms_plugin.models import SmsAccount
    from sms_plugin.services.toolbox import Toolbox

log = logging.getLogger(__name__)
blueprint = Blueprint("sms_hooks", __name__)

# The gateway's own requests are a few hundred bytes; a text has 1,600 characters.
MAX_BYTES = 65_536
MAX_SIGNATURE = 256
_ACCOUNT = re.compile(r"AC[0-9a-f]{32}")
_MESSAGE = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
_TOKEN = re.compile(r"[0-9A-Za-z]{1,32}")


class _RefusedError(Exception):
    """This is no request of the gateway's."""

    def __init__(self, reason: str, status: int = 403) -> None:
        super().__init__(reason)
        self.reason, self.status = reason, status


def exempt_from_csrf(app: Flask, *more: Blueprint) -> None:
    """Take the webhook out of the host's CSRF protection, whichever came first.

    Args:
        app: the host.
        more: blueprints that protect their forms in another way.
    """

    def exempt() -> None:
        csrf = app.extensions.get("csrf")
        if csrf is not None:
            for exempted in (blueprint, *more):
                csrf.exempt(exempted)

    exempt()
    app.before_request_funcs.setdefault(None, []).insert(0, exempt)


@blueprint.post(numbers.INBOUND_PATH)
@blueprint.post(numbers.FALLBACK_PATH)
def inbound() -> Response:
    """Take a patient's text."""
    return _take(receiving.INBOUND, "")


@blueprint.post(f"{sending.STATUS_PATH}<token>")
def status(token: str) -> Response:
    """Take a status word of one of our texts."""
    return _take(receiving.STATUS, token)


def _take(kind: str, token: str) -> Response:
    tools = toolbox()
    try:
        params = _fields()
        if not is_ready():
            return _again()
        account = _verified(params, token)
        receipt = receiving.receive(
            db(),
            account,
            kind,
            params,
            token=token,
            gateway=tools.gateway_for(account),
            settings=tools.settings,
            vault=tools.vault,
            now=tools.now(),
        )
        db().commit()
    except _RefusedError as refused:
        # It is told no more than that.
        tools.refusals.count(refused.reason, now=tools.now())
        return Response(
            "Forbidden" if refused.status == 403 else None, status=refused.status
        )
    except Exception as error:  # noqa: BLE001  (whatever it is, the gateway must try again)
        db().rollback()
        log.error("an event was not stored: %s", describe(error))  # noqa: TRY400  (its text may hold a number)
        return _again()
    if receipt is receiving.Receipt.ORPHAN:
        log.warning("an event of kind %s belongs to nothing of ours", kind)
    return Response("<Response/>", mimetype="text/xml")


@blueprint.after_request
def write_refusals(response: Response) -> Response:
    """Write the counts down now and then, when the answer has been sent."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001  (the context is gone when the answer has been sent)
    response.call_on_close(lambda: flush_refusals(app))
    return response


def flush_refusals(app: Flask) -> None:
    """Write down what this process counted, if it is time; never fails."""
    tools: Toolbox = app.extensions["sms_plugin"]
    counts = tools.refusals.take(time.monotonic())
    if not counts:
        return
    try:
        with app.app_context():
            refusals.write(db(), counts, now=tools.now())
            db().commit()
    except Exception as error:  # noqa: BLE001  (figures to look at; a text must not wait for them)
        tools.refusals.put_back(counts)
        log.warning("refused requests were not written: %s", describe(error))


def _again() -> Response:
    """Nothing was stored; the gateway should bring it once more."""
    return Response(status=503, headers={"Retry-After": "5"})


def _fields() -> dict[str, str]:
    """What the request brings, if it can be a webhook at all."""
    if request.mimetype != "application/x-www-form-urlencoded":
        raise _RefusedError(refusals.MEDIA_TYPE, 415)
    # Without a length the body would be read to its end, however long that is.
    if request.content_length is None or request.content_length > MAX_BYTES:
        raise _RefusedError(refusals.TOO_LARGE, 413)
    return {name: values[0] for name, values in request.form.lists()}


def _verified(params: dict[str, str], token: str) -> SmsAccount:
    """The account whose signature this request bears."""
    account = _account(params)
    if account is None:
        raise _RefusedError(refusals.UNKNOWN_ACCOUNT)
    if not _is_signed_by(account):
        raise _RefusedError(refusals.SIGNATURE)
    if not _well_formed(params, token):
        raise _RefusedError(refusals.MALFORMED)
    return account


def _account(params: dict[str, str]) -> SmsAccount | None:
    """The account of ours that a request names, or None."""
    sid = params.get("AccountSid", "")
    known = accounts.by_sid(db(), sid) if _ACCOUNT.fullmatch(sid) else None
    if known is None:
        # As much work as for a known account, so that time tells nothing.
        hmac.new(b"unknown", request.get_data(), hashlib.sha1).digest()
    return known


def _is_signed_by(account: SmsAccount) -> bool:
    """Whether an account signed this request."""
    signature = request.headers.get("X-Twilio-Signature", "")
    if not signature.isascii() or len(signature) > MAX_SIGNATURE:
        signature = ""
    # The gateway signs the address it called. Behind a proxy that is the configured
    # one, never what the Host header says.
    base = toolbox().settings[config.PUBLIC_URL].rstrip("/")
    url = base + request.full_path.rstrip("?")
    gateway = toolbox().gateway_for(account)
    return gateway.verify_signature(url, dict(request.form.lists()), signature)


def _well_formed(params: dict[str, str], token: str) -> bool:
    """Whether the fields can be what they claim: a signature binds no field names."""
    return bool(_MESSAGE.fullmatch(params.get("MessageSid", ""))) and (
        not token or bool(_TOKEN.fullmatch(token))
    )
