"""The carrier's record as plain data: what was accepted, refused and called."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sms_plugin.simulator.entities import Direction

if TYPE_CHECKING:
    from sms_plugin.simulator.carrier import Carrier
    from sms_plugin.simulator.entities import Callback, Refusal, Text


def record(carrier: Carrier) -> dict[str, Any]:
    """Return everything recorded, oldest first, ready for JSON.

    ``accepted`` holds what Messages.create took, ``inbound`` what handsets wrote,
    ``replies`` the carrier's own answers to keywords, ``refused`` the requests that
    were answered with an error, ``callbacks`` every try to call a webhook, ``faults``
    how often each fault met something.
    """
    by_direction: dict[Direction, list[dict[str, Any]]] = {d: [] for d in Direction}
    for text in list(carrier.texts):
        by_direction[text.direction].append(_text(text))
    return {
        "accepted": by_direction[Direction.API],
        "inbound": by_direction[Direction.INBOUND],
        "replies": by_direction[Direction.REPLY],
        "refused": [_dated(refusal) for refusal in list(carrier.refusals)],
        "callbacks": [_dated(callback) for callback in list(carrier.callbacks)],
        "faults": dict(+carrier.faults.met),
    }


def _text(text: Text) -> dict[str, Any]:
    return {
        "serial": text.serial,
        "sid": text.sid,
        "account_sid": text.account_sid,
        "from": text.sender,
        "to": text.recipient,
        "body": text.body,
        "segments": text.segments,
        "created": text.created.isoformat(),
        "status": text.status,
        "error_code": text.error_code,
        "status_callback": text.status_callback,
        "history": [[word, at.isoformat()] for word, at in list(text.history)],
    }


def _dated(row: Refusal | Callback) -> dict[str, Any]:
    return {**asdict(row), "at": row.at.isoformat()}
