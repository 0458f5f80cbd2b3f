"""What the carriers know of a Twilio account's numbers, and the services they are in.

A local number is registered by the campaign of the messaging service that holds it, a
toll-free one by a verification of its own.
"""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sms_plugin.core import registrations as words
from sms_plugin.core.language import mark
from sms_plugin.gateways.base import Registration, Service
from sms_plugin.gateways.twilio_account import match
from sms_plugin.gateways.twilio_numbers import TwilioNumbers

if TYPE_CHECKING:
    from collections.abc import Iterable

_log = logging.getLogger(__name__)

_NUMBER_SID = re.compile(r"PN[0-9a-fA-F]{32}")
_SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}")
_NO_NUMBER = mark("This is not a number id of Twilio's.")
_NO_SERVICE = mark("This is not a service id of Twilio's.")
# An account of a portal has one service a practice; each is asked for its numbers, one
# after the other, so the number of calls is bounded.
_MOST_SERVICES = 100
_MOST_NUMBERS = 1_000
_MOST_RECORDS = 20

# https://www.twilio.com/docs/messaging/api/usapptoperson-resource
_CAMPAIGNS = {
    "VERIFIED": ("verified", ""),
    "IN_PROGRESS": ("pending", words.CAMPAIGN_PENDING),
    "PENDING": ("pending", words.CAMPAIGN_PENDING),
    "FAILED": ("failed", words.CAMPAIGN_REFUSED),
    "SUSPENDED": ("failed", words.CAMPAIGN_SUSPENDED),
    "EXPIRED": ("failed", words.CAMPAIGN_SUSPENDED),
}
# https://www.twilio.com/docs/messaging/api/brand-registration-resource
_BRANDS = {
    "APPROVED": ("verified", ""),
    "PENDING": ("pending", words.BRAND_PENDING),
    "IN_REVIEW": ("pending", words.BRAND_PENDING),
    "FAILED": ("failed", words.BRAND_REFUSED),
    "SUSPENDED": ("failed", words.BRAND_SUSPENDED),
    "DELETION_PENDING": ("failed", words.BRAND_SUSPENDED),
}
# https://www.twilio.com/docs/messaging/api/tollfree-verification-resource
_VERIFICATIONS = {
    "TWILIO_APPROVED": ("verified", ""),
    "PENDING_REVIEW": ("pending", words.VERIFICATION_PENDING),
    "IN_REVIEW": ("pending", words.VERIFICATION_PENDING),
    "TWILIO_REJECTED": ("failed", words.VERIFICATION_REFUSED),
}
# Of several records of a number, the one that lets the most through counts.
_BEST_FIRST = ("verified", "pending", "failed", "none")


class TwilioRegistrations(TwilioNumbers):
    """The part of the gateway that asks what the carriers know."""

    def services(self) -> list[Service]:
        """Messaging services of the account, each with its numbers."""

        async def call() -> list[Service]:
            found = []
            for record in await self._client.messaging.v1.services.list_async(
                limit=_MOST_SERVICES
            ):
                sid = str(record.sid or "")
                if not _SERVICE_SID.fullmatch(sid):
                    continue
                held = self._client.messaging.v1.services(sid).phone_numbers
                numbers = await held.list_async(limit=_MOST_NUMBERS)
                found.append(
                    Service(
                        sid=sid,
                        inbound_url=record.inbound_request_url or "",
                        heeds_numbers=bool(record.use_inbound_webhook_on_number),
                        numbers=frozenset(
                            number.phone_number
                            for number in numbers
                            if number.phone_number
                        ),
                    )
                )
            return found

        return self._call(call)

    def configure_service(self, sid: str) -> None:
        """Let the addresses of a service's numbers count, not its own."""
        match(_SERVICE_SID, sid, _NO_SERVICE)

        async def call() -> None:
            await self._client.messaging.v1.services(sid).update_async(
                use_inbound_webhook_on_number=True
            )

        self._call(call)

    def registration_of(
        self, e164: str, sid: str, *, service_sid: str = ""
    ) -> Registration | None:
        """Ask for a number's campaign, or for its toll-free verification."""
        match(_NUMBER_SID, sid, _NO_NUMBER)
        if words.is_toll_free(e164):
            return self._call(lambda: self._verification(sid))
        if not service_sid:
            return Registration("none", words.NO_CAMPAIGN)
        match(_SERVICE_SID, service_sid, _NO_SERVICE)
        return self._call(lambda: self._campaign(service_sid))

    async def _verification(self, sid: str) -> Registration | None:
        records = await self._client.messaging.v1.tollfree_verifications.list_async(
            tollfree_phone_number_sid=sid, limit=_MOST_RECORDS
        )
        if not records:
            return Registration("none", words.NO_VERIFICATION)
        return _best(_of_verification(record) for record in records)

    async def _campaign(self, service_sid: str) -> Registration | None:
        held = self._client.messaging.v1.services(service_sid)
        records = await held.us_app_to_person.list_async(limit=_MOST_RECORDS)
        if not records:
            return Registration("none", words.NO_CAMPAIGN)
        return _best([await self._with_brand(record) for record in records])

    async def _with_brand(self, campaign: Any) -> Registration | None:
        """What a campaign says; one under way waits for its brand."""
        said = _read("campaign", _CAMPAIGNS, campaign.campaign_status, campaign)
        brand_sid = str(campaign.brand_registration_sid or "")
        if said is None or said.state == "failed" or not brand_sid:
            return said
        brands = self._client.messaging.v1.brand_registrations
        record = await brands(brand_sid).fetch_async()
        brand = _read("brand", _BRANDS, record.status, record)
        if brand is None or brand.state == "verified":
            return said
        # A brand that is looked at once more does not silence its campaign.
        if brand.state == "pending" and said.state == "verified":
            return said
        return brand


def _of_verification(record: Any) -> Registration | None:
    said = _read("verification", _VERIFICATIONS, record.status, record)
    if said is None or said.state != "failed" or not record.edit_allowed:
        return said
    return Registration(said.state, f"{said.note} {words.MAY_EDIT}", said.ref)


def _read(
    kind: str, states: dict[str, tuple[str, str]], word: Any, record: Any
) -> Registration | None:
    """A record in our words; None for a word of Twilio's that we do not know."""
    spelt = str(word or "").upper()
    if spelt not in states:
        _tell_once(kind, spelt[:30])
        return None
    state, note = states[spelt]
    if state == "failed":
        note = f"{note} {words.reasons(list(_errors(record)))}".strip()
    return Registration(state, note, str(record.sid or "")[:64])


def _errors(record: Any) -> Iterable[tuple[int | None, str]]:
    """Codes, with the fields and words beside them that say what they are about."""
    listed = getattr(record, "errors", None) or getattr(
        record, "rejection_reasons", None
    )
    if isinstance(listed, list):
        for error in listed:
            if isinstance(error, dict):
                code = error.get("error_code", error.get("code"))
                about = (error.get("fields"), error.get("reason"))
                yield _whole(code), " ".join(str(part) for part in about if part)
        return
    yield (
        _whole(getattr(record, "error_code", None)),
        str(getattr(record, "rejection_reason", None) or ""),
    )


def _best(found: Iterable[Registration | None]) -> Registration | None:
    known = [said for said in found if said is not None]
    return min(known, key=lambda said: _BEST_FIRST.index(said.state), default=None)


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


@lru_cache(maxsize=64)
def _tell_once(kind: str, word: str) -> None:
    _log.warning("Twilio names a state of a %s that we do not know: %r", kind, word)
