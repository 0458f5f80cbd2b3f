"""The numbers of a Twilio account: found, bought, pointed at us, given back."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from twilio.base import values  # type: ignore[import-untyped]  # ships no types

from sms_plugin.core.language import mark
from sms_plugin.errors import GatewayError, Retry
from sms_plugin.gateways import twilio_records as records
from sms_plugin.gateways.twilio_account import TwilioAccount, match

if TYPE_CHECKING:
    from sms_plugin.gateways.base import LineType, NumberOffer, OwnedNumber

_log = logging.getLogger(__name__)

_NUMBER_SID = re.compile(r"PN[0-9a-fA-F]{32}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# What "all numbers" is bounded by.
_MOST_NUMBERS = 10_000
_PAGE = 1_000
_NO_PHONE = mark("This is not a phone number of Twilio's.")
_NO_NUMBER = mark("This is not a number id of Twilio's.")


class TwilioNumbers(TwilioAccount):
    """The part of the gateway that deals with numbers."""

    def search_numbers(
        self,
        *,
        kind: str = "local",
        area_code: str | None = None,
        contains: str | None = None,
        locality: str | None = None,
        region: str | None = None,
        limit: int = 20,
    ) -> list[NumberOffer]:
        """Find numbers in the US that can text; *kind* is local or toll_free."""

        async def call() -> list[NumberOffer]:
            country = self._client.available_phone_numbers("US")
            # A price is asked for first and alone: one exchange tells of one call.
            price = await self._price(kind)
            offers = await getattr(country, kind).list_async(
                area_code=area_code or values.unset,
                contains=contains or values.unset,
                in_locality=locality or values.unset,
                in_region=region or values.unset,
                sms_enabled=True,
                exclude_all_address_required=True,
                beta=False,
                limit=limit,
            )
            return [records.offer_of(offer, kind, price) for offer in offers]

        if kind not in {"local", "toll_free"}:
            raise GatewayError(
                mark("Numbers are local or toll-free."), retry=Retry.NEVER
            )
        return self._call(call)

    def buy_number(
        self, e164: str, *, sms_url: str, sms_fallback_url: str, friendly_name: str
    ) -> OwnedNumber:
        """Buy exactly this number, its webhooks set in the same call."""
        match(_E164, e164, _NO_PHONE)

        async def call() -> OwnedNumber:
            record = await self._client.incoming_phone_numbers.create_async(
                phone_number=e164,
                friendly_name=friendly_name[:64],
                **_webhooks(sms_url, sms_fallback_url),
            )
            return _identified(records.owned_of(record))

        return self._call(call, repeatable=False)

    def owned_numbers(self, *, e164: str | None = None) -> list[OwnedNumber]:
        """Numbers of the account, or the one asked for."""

        async def call() -> list[OwnedNumber]:
            found = await self._client.incoming_phone_numbers.list_async(
                phone_number=e164 or values.unset,
                limit=_MOST_NUMBERS,
                page_size=_PAGE,
            )
            owned = [records.owned_of(record) for record in found]
            # Twilio also finds numbers that merely contain the one asked for.
            return [number for number in owned if e164 in {None, number.e164}]

        return self._call(call)

    def configure_number(
        self, sid: str, *, sms_url: str, sms_fallback_url: str
    ) -> OwnedNumber:
        """Point a number's webhooks at us."""
        match(_NUMBER_SID, sid, _NO_NUMBER)

        async def call() -> OwnedNumber:
            record = await self._client.incoming_phone_numbers(sid).update_async(
                # With an application set, Twilio ignores the addresses.
                sms_application_sid="",
                **_webhooks(sms_url, sms_fallback_url),
            )
            return _identified(records.owned_of(record))

        return self._call(call)

    def release_number(self, sid: str) -> None:
        """Give a number back; it may belong to a stranger next."""
        match(_NUMBER_SID, sid, _NO_NUMBER)

        async def call() -> None:
            await self._client.incoming_phone_numbers(sid).delete_async()

        self._call(call, repeatable=False)

    def line_type(self, e164: str) -> LineType:
        """Ask what kind of line this is (a paid call)."""
        match(_E164, e164, _NO_PHONE)

        async def call() -> LineType:
            record = await self._client.lookups.v2.phone_numbers(e164).fetch_async(
                fields="line_type_intelligence"
            )
            return records.line_type_of(record.line_type_intelligence)

        return self._call(call)

    async def _price(self, kind: str) -> tuple[int | None, str]:
        """Ask for a kind's monthly price; a search is of use without one as well."""
        try:
            countries = self._client.pricing.v1.phone_numbers.countries
            return records.price_of(await countries("US").fetch_async(), kind)
        except Exception as error:  # noqa: BLE001  no price stops no search
            _log.info("Twilio tells no price: %s", type(error).__name__)
            return None, "USD"


def _webhooks(sms_url: str, sms_fallback_url: str) -> dict[str, str]:
    return {
        "sms_url": sms_url,
        "sms_method": "POST",
        "sms_fallback_url": sms_fallback_url,
        "sms_fallback_method": "POST",
    }


def _identified(number: OwnedNumber) -> OwnedNumber:
    if not _NUMBER_SID.fullmatch(number.sid):
        raise ValueError("no id")  # becomes "cannot be understood", an unknown outcome
    return number
