"""The paths of the REST API and the views behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sms_plugin.simulator import (
    api_account,
    api_messages,
    api_numbers,
    api_registrations,
    wire,
)
from sms_plugin.simulator.faults import Asks
from sms_plugin.simulator.gate import Gate, not_found

if TYPE_CHECKING:
    from aiohttp import web


_SERVICE: Final = "/v1/Services/{sid}"
_REGISTRATIONS: Final = (
    ("GET", "/v1/Services", Asks.READ, api_registrations.services),
    ("POST", _SERVICE, Asks.READ, api_registrations.update_service),
    (
        "GET",
        f"{_SERVICE}/PhoneNumbers",
        Asks.READ,
        api_registrations.service_numbers,
    ),
    (
        "GET",
        f"{_SERVICE}/Compliance/Usa2p",
        Asks.READ,
        api_registrations.campaigns,
    ),
    (
        "GET",
        "/v1/a2p/BrandRegistrations/{sid}",
        Asks.READ,
        api_registrations.brand,
    ),
    (
        "GET",
        "/v1/Tollfree/Verifications",
        Asks.READ,
        api_registrations.verifications,
    ),
)


def add_routes(app: web.Application, gate: Gate) -> None:
    """Add the REST paths, the busiest first."""
    account = wire.API + "/Accounts/{account}"
    numbers = account + "/IncomingPhoneNumbers"
    for_sale = account + "/AvailablePhoneNumbers/US/{kind:Local|TollFree}.json"
    routes = (
        ("POST", f"{account}/Messages.json", Asks.SEND, api_messages.send),
        ("GET", f"{account}/Messages.json", Asks.READ, api_messages.list_messages),
        (
            "GET",
            account + "/Messages/{sid}.json",
            Asks.READ,
            api_messages.fetch_message,
        ),
        (
            "GET",
            account + "/Messages/{sid}/Media.json",
            Asks.READ,
            api_messages.list_pictures,
        ),
        (
            "GET",
            account + "/Messages/{sid}/Media/{picture}",
            Asks.READ,
            api_messages.fetch_picture,
        ),
        ("GET", for_sale, Asks.READ, api_numbers.search),
        ("POST", f"{numbers}.json", Asks.BUY, api_numbers.buy),
        ("GET", f"{numbers}.json", Asks.READ, api_numbers.list_numbers),
        ("GET", numbers + "/{sid}.json", Asks.READ, api_numbers.fetch_number),
        ("POST", numbers + "/{sid}.json", Asks.READ, api_numbers.update_number),
        ("DELETE", numbers + "/{sid}.json", Asks.READ, api_numbers.release),
        ("GET", f"{account}/Balance.json", Asks.READ, api_account.balance),
        ("GET", "/v1/PhoneNumbers/Countries/US", Asks.READ, api_account.prices),
        ("GET", "/v2/PhoneNumbers/{number}", Asks.READ, api_account.lookup),
    )
    for method, path, asks, view in (*routes, *_REGISTRATIONS):
        app.router.add_route(method, path, gate.endpoint(asks, view))
    # A standard API key cannot reach the account itself, at Twilio neither.
    own = gate.endpoint(Asks.READ, api_account.fetch_account, keys=False)
    app.router.add_get(f"{account}.json", own)
    for prefix in (wire.API, "/v1", "/v2"):
        app.router.add_route("*", prefix + "/{rest:.*}", _missing)


async def _missing(request: web.Request) -> web.Response:
    return not_found(request)
