"""Asking gateways from the beat: one that is away rests, and a long list goes on later.

What is kept here lives in the process and as long as the gateway. When it is lost, a
list is begun anew, which costs requests and nothing else.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from sms_plugin.errors import GatewayError
from sms_plugin.models import SmsAccount
from sms_plugin.worker.scope import plugin_of, transaction

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from flask import Flask

    from sms_plugin.gateways.base import Gateway

# After a call that failed the other accounts have their turn, for this long at least.
SHORTEST_REST = timedelta(minutes=1)
# A STOP must not stay unheard for longer, whatever the gateway asks for.
LONGEST_REST = timedelta(minutes=10)
# A list that was left for longer is begun anew.
STALE = timedelta(minutes=10)
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list goes on that was begun at a moment of the application's clock."""

    begun: datetime
    after: str = ""


_rests: WeakKeyDictionary[Any, datetime] = WeakKeyDictionary()
_places: WeakKeyDictionary[Any, dict[tuple[str, int], Place]] = WeakKeyDictionary()


def gateways_of(app: Flask, account_ids: Collection[int]) -> dict[int, Gateway]:
    """The gateways of accounts, by the accounts' ids."""
    plugin = plugin_of(app)
    with transaction(app) as session:
        accounts = session.scalars(
            sa.select(SmsAccount).where(SmsAccount.id.in_(account_ids))
        )
        return {account.id: plugin.gateway_for(account) for account in accounts}


def rests(gateway: Gateway, *, now: datetime) -> bool:
    """Whether a gateway that just failed is left alone."""
    until = _rests.get(gateway)
    return until is not None and now < until <= now + LONGEST_REST


@contextmanager
def asking(gateway: Gateway, *, now: datetime) -> Iterator[None]:
    """Let a gateway rest when the call in the block fails.

    That it does not know something is an answer, and no failure.
    """
    try:
        yield
    except GatewayError as error:
        if error.http_status != NOT_FOUND:
            wanted = timedelta(seconds=error.retry_after or 0)
            _rests[gateway] = now + min(max(wanted, SHORTEST_REST), LONGEST_REST)
        raise


def place(gateway: Gateway, what: str, number_id: int, *, now: datetime) -> Place:
    """Where the list of a number goes on; at its beginning if nobody was in it."""
    known = _places.get(gateway, {}).get((what, number_id))
    if known is not None and abs(now - known.begun) < STALE:
        return known
    return Place(now)


def keep_place(gateway: Gateway, what: str, number_id: int, here: Place | None) -> None:
    """Remember where a list goes on; None when it is through."""
    places = _places.setdefault(gateway, {})
    if here is not None:
        places[what, number_id] = here
    else:
        places.pop((what, number_id), None)
