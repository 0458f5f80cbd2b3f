"""Words, colours, times and amounts as generated screens show them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from sms_plugin import config
from sms_plugin.core import moments, phones
from sms_plugin.core.language import say
from sms_plugin.models import SmsPractice
from sms_plugin.services import concerns, prices
from sms_plugin.services.preferences import SOURCES
from sms_plugin.services.wording import KINDS
from sms_plugin.web import guards
from sms_plugin.web.language import lazy

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
    "pending": (lazy("Waits for approval"), "info"),
    "approved": (lazy("Approved"), "info"),
    "submitting": (lazy("Being sent"), "info"),
    "accepted": (lazy("Sent"), "ok"),
    "sent": (lazy("Sent"), "ok"),
    "delivered": (lazy("Delivered"), "ok"),
    "undelivered": (lazy("Not delivered"), "bad"),
    "failed": (lazy("Failed"), "bad"),
    "unconfirmed": (lazy("Not confirmed"), "wait"),
    "unknown": (lazy("Outcome unknown"), "wait"),
    "review": (lazy("Needs a decision"), "wait"),
    "skipped": (lazy("No text"), "off"),
    "rejected": (lazy("Rejected"), "off"),
    "expired": (lazy("Expired"), "off"),
    "withdrawn": (lazy("Withdrawn"), "off"),
    "received": (lazy("Received"), "info"),
}
PURPOSES: Words = {
    "job": (lazy("Job"), "off"),
    "notice": (lazy("Notice"), "off"),
    "reply": (lazy("Reply of staff"), "off"),
    "inbound": (lazy("From the patient"), "info"),
    "test": (lazy("Test to staff"), "off"),
    "code": (lazy("Code that verifies a phone"), "off"),
}
REGISTRATIONS: Words = {
    "none": (lazy("Not registered"), "wait"),
    "pending": (lazy("Registration under way"), "wait"),
    "verified": (lazy("Registered"), "ok"),
    "failed": (lazy("Registration refused"), "bad"),
}
NUMBER_STATES: Words = {
    "buying": (lazy("Being bought"), "wait"),
    "adopting": (lazy("Being assigned"), "wait"),
    "owned": (lazy("Owned"), "ok"),
    "releasing": (lazy("Being given back"), "wait"),
    "released": (lazy("Given back"), "off"),
}
NUMBER_KINDS = {"local": lazy("Local"), "toll_free": lazy("Toll-free")}
PHONE_CONDITIONS: Words = {
    "ok": (lazy("Can get texts"), "ok"),
    "invalid": (lazy("Not a number that can be texted"), "bad"),
    "landline": (lazy("Landline"), "bad"),
    "unreachable": (lazy("Did not take earlier texts"), "bad"),
    "wrong": (lazy("Somebody else's number"), "bad"),
    "silent": (lazy("Silent for too long"), "wait"),
}
LINE_TYPES = {
    "mobile": lazy("mobile"),
    "landline": lazy("landline"),
    "voip": lazy("internet phone"),
    "toll_free": lazy("toll-free"),
}
CONSENTS: Words = {
    "none": (lazy("No consent"), "off"),
    "granted": (lazy("Agreed"), "ok"),
    "revoked": (lazy("Taken back"), "bad"),
}
LEDGER_EVENTS: Words = {
    "granted": (lazy("Agreed"), "ok"),
    "revoked": (lazy("Taken back"), "bad"),
    "suppressed": (lazy("Opted out"), "bad"),
    "lifted": (lazy("Opted in again"), "ok"),
}
# How staff say that consent was obtained.
STAFF_SOURCES = {key: lazy(label) for key, label in SOURCES.items()}
LEDGER_SOURCES = STAFF_SOURCES | {
    "keyword": lazy("Texted STOP or START"),
    "gateway": lazy("Told by the carrier"),
    "host": lazy("Told by the portal"),
    "staff": lazy("Entered by staff"),
    "link": lazy("By the link in a text"),
    "removed": lazy("The phone was removed from the patient"),
}
# "keyword" stands for either word; what happened says which it was.
_WORDS_TEXTED = {
    "suppressed": lazy("Texted STOP"),
    "lifted": lazy("Texted START"),
}
EVENT_STATES: Words = {
    "applied": (lazy("Applied"), "ok"),
    "waiting": (lazy("Waits to be applied"), "wait"),
    "conflict": (lazy("Contradicts an earlier word"), "wait"),
    "orphan": (lazy("Belongs to nothing"), "off"),
}
EVENT_KINDS = {"inbound": lazy("Text from a patient"), "status": lazy("Delivery state")}
DEEDS = {
    "installation.confirm": lazy("Confirmed that texts go out from this database"),
    "practice.allow": lazy("Allowed texting"),
    "practice.disallow": lazy("Took texting back"),
    "practice.enable": lazy("Switched texting on"),
    "practice.disable": lazy("Switched texting off"),
    "practice.resume": lazy("Resumed sending"),
    "practice.settings": lazy("Changed the settings"),
    "task.opt_out": lazy("Opted a phone out after reading its text"),
    "task.dismiss": lazy("Read a text and took it for no opt-out"),
    "task.other": lazy("Noted that a word meant something else"),
    "task.stays": lazy("Noted that a word meant an opt-out"),
    "task.dealt": lazy("Dealt with somebody who asks for texts"),
    "task.lift": lazy("Lifted a stop by link after a START from the phone"),
    "task.keep": lazy("Kept a phone out of use"),
    "task.right": lazy("Put a phone back into use"),
    "task.asked": lazy("Confirmed a silent phone after asking the patient"),
    "practice.limit": lazy("Changed the spending limit"),
    "usage.export": lazy("Exported the usage"),
    "practice.accept": lazy("Accepted the prices"),
    "practice.consent": lazy("Downloaded an accepted wording"),
    "practice.sender": lazy("Changed the name that begins texts"),
    "practice.language": lazy("Changed the language of texts"),
    "practice.hours": lazy("Changed the hours of texts"),
    "practice.zone": lazy("Changed the time zone"),
    "practice.amounts": lazy("Changed whether texts name amounts"),
    "practice.lookup": lazy("Changed whether new phones are looked up"),
    "practice.mails": lazy("Changed who gets emails"),
    "practice.office": lazy("Changed the office hours"),
    "number.buy": lazy("Bought a number"),
    "number.select": lazy("Chose the number texts come from"),
    "number.registered": lazy(
        "Confirmed that a number is registered with the carriers"
    ),
    "number.registration": lazy("Noted what the carriers say of a number"),
    "number.adopt": lazy("Assigned a number of the account to a practice"),
    "number.release": lazy("Gave a number back"),
    "template.save": lazy("Changed a template"),
    "template.test": lazy("Sent a test of a template to a phone of their own"),
    "delivery.on": lazy("Switched texts on for a phone"),
    "delivery.off": lazy("Switched texts off for a phone"),
    "phone.add": lazy("Added a phone to a patient"),
    "phone.change": lazy("Changed a phone of a patient"),
    "phone.remove": lazy("Removed a phone from a patient"),
    "phone.code": lazy("Had a code sent to a phone"),
    "phone.agree": lazy("Agreed to texts in the patient portal"),
    "phone.stop": lazy("Stopped all texts in the patient portal"),
    "choice.portal": lazy("Chose kinds and language in the patient portal"),
    "choice.link": lazy("Chose kinds and language by the link in a text"),
    "link.stop": lazy("Stopped all texts by the link in a text"),
    "link.start": lazy("Undid a stop by the link in a text"),
    "phones.import": lazy("Imported phones"),
    "phones.export": lazy("Exported phones"),
    "number.check": lazy("Compared the numbers with the gateway"),
    "number.repair": lazy("Pointed a number at this portal again"),
    "message.edit": lazy("Edited a text"),
    "message.found": lazy("Looked for a text of unknown outcome and found it"),
    "message.leave": lazy("Left a text of unknown outcome"),
    "links.revoke": lazy("Made the payment link of a text stop working"),
    "message.resend": lazy("Sent a text of unknown outcome again"),
    "failure.other": lazy("Wrote to another phone after a text did not arrive"),
    "failure.drop": lazy("Switched texts off for a phone that a text did not reach"),
    "failure.letter": lazy("Asked for a letter after a text did not arrive"),
    "failure.leave": lazy("Left a text that did not arrive as it is"),
    "job.approve": lazy("Approved texts of a job"),
    "job.reject": lazy("Rejected texts of a job"),
    "job.release": lazy("Had a held job prepared"),
    "job.discard": lazy("Discarded a held job"),
    "job.pause": lazy("Paused a job"),
    "job.resume": lazy("Resumed a job"),
    "job.stop": lazy("Stopped the rest of a job"),
    "inbox.reply": lazy("Wrote to a patient"),
    "inbox.taken": lazy("Took a conversation"),
    "inbox.assigned": lazy("Gave a conversation to somebody"),
    "inbox.freed": lazy("Freed a conversation"),
    "inbox.closed": lazy("Closed a conversation"),
    "inbox.reopened": lazy("Opened a conversation again"),
    "inbox.about": lazy("Said whom a text is about"),
    "inbox.link": lazy("Linked a sender to a patient"),
    "inbox.cancel": lazy("Cancelled a text that was to go out later"),
    "quick.save": lazy("Saved a quick reply"),
    "quick.delete": lazy("Deleted a quick reply"),
    "inbox.read": lazy("Opened a conversation"),
    "inbox.export": lazy("Downloaded a conversation"),
    "inbox.note": lazy("Wrote a note for colleagues"),
    "ledger.read": lazy("Looked at a history of consent"),
    "ledger.export": lazy("Downloaded the consent ledger"),
    "patient.forget": lazy("Erased what texting knew of a patient"),
}
ON_OFF = {True: lazy("On"), False: lazy("Off")}
RECENT = timedelta(days=1)
LANGUAGES = {"en": lazy("English"), "es": lazy("Spanish")}
NONE = "–"  # noqa: RUF001  (the dash stands for "nothing" in a cell)


def kind(value: str) -> str:
    """A kind of text, such as "Reminder"."""
    if value in {
        "reply",
        "inbound",
        "test",
        "code",
    }:  # of no kind
        return NONE
    return say(KINDS[value].label) if value in KINDS else value or NONE


def source(name: str, event: str = "suppressed") -> str:
    """How an entry of the ledger came about, such as "Texted STOP"."""
    if name == "keyword" and event in _WORDS_TEXTED:
        return str(_WORDS_TEXTED[event])
    return str(LEDGER_SOURCES.get(name, name))


def body(purpose: str, text: str | None) -> str | None:
    """What a text says; of a code only that it is one, because it works for a while."""
    return (
        say("A code of six digits") if purpose == "code" and text is not None else text
    )


def language(value: str) -> str:
    """A language by its English name."""
    return str(LANGUAGES.get(value, value))


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
    return say(
        "{month} {day}, {year}, {time} {zone}",
        month=moments.month(local, short=True),
        day=local.day,
        year=local.year,
        time=moments.clock(local),
        zone=f"{local:%Z}",
    )


def local_time(value: datetime | None) -> str:
    """The same for a page; within a day also by its distance: ``3 min ago``."""
    if value is None:
        return NONE
    local = _here(value)
    exact = say(
        "{weekday}, {month} {day}, {year}, {time}",
        weekday=moments.weekday(local),
        month=moments.month(local, short=True),
        day=f"{local:%d}",
        year=local.year,
        time=f"{local:%H:%M:%S %Z}",
    )
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
        return say("just now")
    return ahead(span) if span > timedelta(0) else ago(-span)


def ago(span: timedelta) -> str:
    """``3 min ago``."""
    return say("{age} ago", age=concerns.age(span))


def ahead(span: timedelta) -> str:
    """``in 2 h``."""
    return say("in {age}", age=concerns.age(span))


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
