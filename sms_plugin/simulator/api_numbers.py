"""Numbers: search, buy, list, point elsewhere, release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sms_plugin.simulator import rules, wire
from sms_plugin.simulator.entities import OwnedNumber
from sms_plugin.simulator.gate import Answer, Call
from sms_plugin.simulator.stock import Search

if TYPE_CHECKING:
    from collections.abc import Mapping


def search(call: Call) -> Answer:
    """AvailablePhoneNumbers US Local and TollFree: what can be bought."""
    query = call.params
    wanted = Search(
        kind="local" if call.parts["kind"] == "Local" else "toll free",
        area_code=query.get("AreaCode", ""),
        contains=query.get("Contains", ""),
        locality=query.get("InLocality", ""),
        region=query.get("InRegion", ""),
    )
    found = wanted.numbers(
        lambda e164: not call.carrier.is_for_sale(e164), wire.page_size(query)
    )
    rows = [wire.available_number(e164) for e164 in found]
    return Answer(200, {"available_phone_numbers": rows, "uri": call.path})


def buy(call: Call) -> Answer:
    """IncomingPhoneNumbers.create: an exact number, or any in an area code."""
    form = call.params
    e164 = _wanted_number(call)
    _check_urls(form)
    carrier = call.carrier
    if e164 == rules.MAGIC_SENDER:
        # As with test credentials: it always succeeds and nothing is kept.
        bought = OwnedNumber(
            f"PN{'0' * 32}", call.account.sid, e164, carrier.clock(), carrier.clock()
        )
        return Answer(201, wire.incoming_number(bought))
    if not carrier.is_for_sale(e164):
        raise rules.RefusedError(21422)
    bought = carrier.own_number(call.account.sid, e164)
    _configure(bought, form)
    return Answer(201, wire.incoming_number(bought))


def _wanted_number(call: Call) -> str:
    raw, area_code = call.params.get("PhoneNumber", ""), call.params.get("AreaCode", "")
    if not raw and area_code:
        if area_code == rules.MAGIC_AREA_NONE:
            raise rules.RefusedError(21452)
        if area_code == rules.MAGIC_AREA_OK:
            return rules.MAGIC_SENDER
        taken = call.carrier.is_for_sale
        found = Search(area_code=area_code).numbers(lambda n: not taken(n), limit=1)
        if not found:
            raise rules.RefusedError(21452)
        return found[0]
    e164 = rules.normal_number(raw)
    if e164 is None:
        raise rules.RefusedError(21421)
    if e164 in rules.MAGIC_BUY:
        raise rules.RefusedError(rules.MAGIC_BUY[e164])
    return e164


def list_numbers(call: Call) -> Answer:
    """IncomingPhoneNumbers.list: newest first, or the one asked for."""
    query = call.params
    exact = rules.normal_number(query.get("PhoneNumber", "")) or ""
    owned = [
        number
        for number in reversed(list(call.carrier.numbers.values()))
        if number.account_sid == call.account.sid and exact in {"", number.e164}
    ]
    last_shown = query.get("PageToken", "").removeprefix("PA")
    begin = next((i + 1 for i, n in enumerate(owned) if n.sid == last_shown), 0)
    rows = iter(owned[begin:])
    return Answer(
        200,
        wire.page(
            "incoming_phone_numbers",
            rows,
            path=call.path,
            query=call.params,
            show=wire.incoming_number,
        ),
    )


def fetch_number(call: Call) -> Answer:
    """IncomingPhoneNumbers.fetch."""
    return Answer(200, wire.incoming_number(_owned(call)))


def update_number(call: Call) -> Answer:
    """IncomingPhoneNumbers.update: point webhooks, rename."""
    number = _owned(call)
    _check_urls(call.params)
    _configure(number, call.params)
    number.updated = call.carrier.clock()
    return Answer(200, wire.incoming_number(number))


def release(call: Call) -> Answer:
    """IncomingPhoneNumbers.delete."""
    call.carrier.release_number(_owned(call).e164)
    return Answer(204)


def _owned(call: Call) -> OwnedNumber:
    for number in list(call.carrier.numbers.values()):
        if number.sid == call.parts["sid"] and number.account_sid == call.account.sid:
            return number
    raise rules.RefusedError(20404)


def _check_urls(form: Mapping[str, str]) -> None:
    for name in ("SmsUrl", "SmsFallbackUrl"):
        if form.get(name) and not rules.is_webhook_url(form[name]):
            raise rules.RefusedError(21502)


def _configure(number: OwnedNumber, form: Mapping[str, str]) -> None:
    number.friendly_name = form.get("FriendlyName", number.friendly_name)
    number.sms_url = form.get("SmsUrl", number.sms_url)
    number.sms_fallback_url = form.get("SmsFallbackUrl", number.sms_fallback_url)
    number.sms_application_sid = form.get(
        "SmsApplicationSid", number.sms_application_sid
    )
