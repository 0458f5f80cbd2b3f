"""Words, colours, times and amounts as generated screens show them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from sms_plugin import config
from sms_plugin.core import moments, phones
from sms_plugin.models import SmsPractice
from sms_plugin.services import concerns, prices
from sms_plugin.services.preferences import SOURCES
from sms_plugin.services.wording import KINDS
from sms_plugin.web import guards

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    Choice: Any
else:
    try:
        from wtforms.fields.choices import SelectChoice as Choice
    except ImportError:

        def Choice(*pair: str) -> tuple[str, ...]:  # noqa: N802  (stands in for a class)
            """A pair."""
            return pair


Words = dict[str, tuple[str, str]]

MESSAGE_STATES: Words = {
    "pending": ("Waits for approval", "info"),
    "approved": ("Approved", "info"),
    "submitting": ("Being sent", "info"),
    "accepted": ("Sent", "ok"),
    "sent": ("Sent", "ok"),
    "delivered": ("Delivered", "ok"),
    "undelivered": ("Not delivered", "bad"),
    "failed": ("Failed", "bad"),
    "unconfirmed": ("Not confirmed", "wait"),
    "unknown": ("Outcome unknown", "wait"),
    "review": ("Needs a decision", "wait"),
    "skipped": ("No text", "off"),
    "rejected": ("Rejected", "off"),
    "expired": ("Expired", "off"),
    "withdrawn": ("Withdrawn", "off"),
    "received": ("Received", "info"),
}
PURPOSES: Words = {
    "job": ("Job", "off"),
    "notice": ("Notice", "off"),
    "reply": ("Reply of staff", "off"),
    "inbound": ("From the patient", "info"),
}
REGISTRATIONS: Words = {
    "none": ("Not registered", "wait"),
    "pending": ("Registration under way", "wait"),
    "verified": ("Registered", "ok"),
    "failed": ("Registration refused", "bad"),
}
NUMBER_STATES: Words = {
    "buying": ("Being bought", "wait"),
    "owned": ("Owned", "ok"),
    "released": ("Given back", "off"),
}
NUMBER_KINDS = {"local": "Local", "toll_free": "Toll-free"}
PHONE_CONDITIONS: Words = {
    "ok": ("Can get texts", "ok"),
    "invalid": ("Not a number that can be texted", "bad"),
    "landline": ("Landline", "bad"),
    "unreachable": ("Did not take earlier texts", "bad"),
}
CONSENTS: Words = {
    "none": ("No consent", "off"),
    "granted": ("Agreed", "ok"),
    "revoked": ("Taken back", "bad"),
}
LEDGER_EVENTS: Words = {
    "granted": ("Agreed", "ok"),
    "revoked": ("Taken back", "bad"),
    "suppressed": ("Opted out", "bad"),
    "lifted": ("Opted in again", "ok"),
}
LEDGER_SOURCES = SOURCES | {
    "keyword": "Texted STOP or START",
    "gateway": "Told by the carrier",
    "host": "Told by the portal",
    "staff": "Entered by staff",
    "link": "By the link in a text",
}
EVENT_STATES: Words = {
    "applied": ("Applied", "ok"),
    "waiting": ("Waits to be applied", "wait"),
    "conflict": ("Contradicts an earlier word", "wait"),
    "orphan": ("Belongs to nothing", "off"),
}
EVENT_KINDS = {"inbound": "Text from a patient", "status": "Delivery state"}
DEEDS = {
    "installation.confirm": "Confirmed that texts go out from this database",
    "practice.allow": "Allowed texting",
    "practice.disallow": "Took texting back",
    "practice.enable": "Switched texting on",
    "practice.disable": "Switched texting off",
    "practice.resume": "Resumed sending",
    "practice.settings": "Changed the settings",
    "number.buy": "Bought a number",
    "number.select": "Chose the number texts come from",
    "number.registered": "Confirmed that a number is registered with the carriers",
    "template.save": "Changed a template",
    "delivery.on": "Switched texts on for a phone",
    "delivery.off": "Switched texts off for a phone",
    "number.check": "Compared the numbers with the gateway",
    "number.repair": "Pointed a number at this portal again",
    "message.edit": "Edited a text",
    "message.found": "Looked for a text of unknown outcome and found it",
    "message.leave": "Left a text of unknown outcome",
    "message.resend": "Sent a text of unknown outcome again",
    "job.approve": "Approved texts of a job",
    "job.reject": "Rejected texts of a job",
    "inbox.reply": "Wrote to a patient",
}
RECENT = timedelta(days=1)
LANGUAGES = {"en": "English", "es": "Spanish"}
NONE = "–"  # noqa: RUF001  (the dash stands for "nothing" in a cell)


def kind(value: str) -> str:
    """A kind of text, such as "Reminder"."""
    if value in {"reply", "inbound"}:  # what somebody wrote is of no kind
        return NONE
    return KINDS[value].label if value in KINDS else value or NONE


def language(value: str) -> str:
    """A language by its English name."""
    return LANGUAGES.get(value, value)


def options(labels: Mapping[str, str]) -> list[Any]:
    """Choices of a field; WTForms before 3.3 knows only pairs, later ones warn."""
    return [Choice(value, label) for value, label in labels.items()]


def labels(words: Words) -> dict[str, str]:
    """States without their colours, as a filter offers them."""
    return {key: text for key, (text, _) in words.items()}


def word(words: Mapping[str, str]) -> Callable[[Any], str]:
    """A formatter that looks a value up and shows an unknown one as it is."""
    return lambda value: words.get(value, value) or NONE


def badge(words: Words) -> Callable[[Any], Markup]:
    """A formatter that shows a state as a word with its colour."""

    def show(value: Any) -> Markup:
        text, tone = words.get(value, (value, "off"))
        return Markup('<span class="sms-badge sms-badge-{}">{}</span>').format(
            tone, text
        )

    return show


def yes_no(yes: str, no: str) -> Callable[[Any], Markup]:
    """A formatter of a switch."""
    return lambda value: badge({"1": (yes, "ok"), "0": (no, "off")})(
        "1" if value else "0"
    )


def plain_time(value: datetime | None) -> str:
    """A moment by the clock of the practice at hand, with its zone."""
    if value is None:
        return NONE
    local = _here(value)
    return f"{local:%b} {local.day}, {local:%Y}, {moments.clock(local)} {local:%Z}"


def local_time(value: datetime | None) -> str:
    """The same for a page; within a day also by its distance: ``3 min ago``."""
    if value is None:
        return NONE
    exact = f"{_here(value):%A, %b %d, %Y, %H:%M:%S %Z}"
    shown = Markup('<time datetime="{}" title="{}">{}</time>').format(
        value.isoformat(timespec="seconds"), exact, plain_time(value)
    )
    distance = _distance(value - guards.toolbox().now())
    if not distance:
        return shown
    return shown + Markup(' <span class="sms-ago">{}</span>').format(distance)


def _distance(span: timedelta) -> str:
    """``3 min ago`` or ``in 2 h``; nothing for a moment that is far away."""
    if abs(span) >= RECENT:
        return ""
    if abs(span) < timedelta(minutes=1):
        return "just now"
    ahead = span > timedelta(0)
    return f"in {concerns.age(span)}" if ahead else f"{concerns.age(-span)} ago"


def _here(value: datetime) -> datetime:
    practice = guards.chosen_practice()
    return value.astimezone(ZoneInfo(practice.timezone if practice else "UTC"))


def money(micros: int | None) -> str:
    """An amount in the currency of the prices."""
    currency = guards.toolbox().settings[config.CURRENCY]
    return NONE if micros is None else prices.money(micros, currency)


def practice(value: int | None) -> str:
    """A practice by its name."""
    row = guards.db().get(SmsPractice, value) if value is not None else None
    return row.name if row else NONE


def phone(value: Any) -> str:
    """A phone as people write it."""
    return phones.display(str(value)) if value else NONE


def masked_phone(value: Any) -> str:
    """A phone of which only the last four digits show."""
    return phones.mask(str(value)) if value else NONE


def unbroken(show: Callable[[Any], str]) -> Callable[[Any], Markup]:
    """A formatter whose text stays on one line."""
    return lambda value: Markup('<span class="sms-number">{}</span>').format(
        show(value)
    )
