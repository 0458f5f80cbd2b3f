"""When a reply goes out: at once, when texting hours begin, or as its author says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sms_plugin.core import phones, schedule
from sms_plugin.core.language import say
from sms_plugin.core.schedule import WindowError
from sms_plugin.errors import InvalidError
from sms_plugin.services import practices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sms_plugin.models import SmsPhone, SmsPractice


def asked(
    practice: SmsPractice, phone: SmsPhone, form: Mapping[str, str], now: datetime
) -> datetime | None:
    """The hour that a form asks for; None for at once.

    Raises:
        InvalidError: what was written is no time of the practice's clock.
    """
    when = form.get("when", "")
    if when == "opening":
        return opening(practice, phone, now)
    if when != "chosen":
        return None
    try:
        written = datetime.fromisoformat(form.get("send_at", ""))
    except ValueError:
        raise InvalidError(say("Choose a day and a time."), field="send_at") from None
    zone = ZoneInfo(practice.timezone)
    there = written.replace(tzinfo=zone)
    moment = there.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != there.replace(tzinfo=None):
        raise InvalidError(
            say("The clocks change then, and this time does not exist."),
            field="send_at",
        )
    return moment


def opening(practice: SmsPractice, phone: SmsPhone, now: datetime) -> datetime | None:
    """When texting hours begin where the patient is; None when it is in them."""
    zones = phones.zones(phone.e164) or (practice.timezone,)
    try:
        at = schedule.next_open(now, practices.window_of(practice), zones)
    except WindowError:
        return None
    return None if at <= now else at
