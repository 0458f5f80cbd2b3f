"""Moments, states and sizes of texts as the desk and the inbox say them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from flask import jsonify, request

from sms_plugin import config
from sms_plugin.core import moments, phones, segments
from sms_plugin.core.language import mark, say, say_count, say_stored
from sms_plugin.core.states import sentence
from sms_plugin.models import SmsAccount
from sms_plugin.services import content, prices, waits
from sms_plugin.services.verdicts import REASONS
from sms_plugin.web import dearness, guards

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sms_plugin.gateways.base import Gateway
    from sms_plugin.models import SmsConversation, SmsMessage, SmsPhone, SmsPractice
    from sms_plugin.services.reminders import Pending
    from sms_plugin.web.dearness import Ruler

# Nobody needs to know what a longer draft would cost: it cannot be sent.
LONGEST_DRAFT = 4000
REFUSALS: dict[str, str] = {
    "opt_out": mark("The phone opted out at the carrier."),
    "permanent": mark("The phone cannot get texts."),
    "content": mark("The carrier refused what the text says."),
    "unconfirmed": mark("The carrier did not say why."),
    "ambiguous": mark("The carrier did not say why."),
    "retry_later": mark("The carrier was too busy for it."),
    "throttle": mark("The carrier was too busy for it."),
    "config": mark("The carrier refuses the practice's number or account."),
    "not_found": mark("The texting service does not show it so far."),
}
LEFT = mark("We could not find out whether it went out; it was left as it is.")


@dataclass(frozen=True)
class Phrases:
    """How one practice reads things: in its zone, now.

    ``reasons`` say why approved texts have not gone out, by the texts' ids.
    """

    practice: SmsPractice
    now: datetime
    reasons: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def about(cls, practice: SmsPractice, texts: Sequence[SmsMessage] = ()) -> Phrases:
        """What a page says now of these texts of a practice."""
        tools = guards.toolbox()
        now = tools.now()
        found = waits.reasons(
            guards.db(), practice, texts, settings=tools.settings, now=now
        )
        return cls(practice, now, found)

    def clock(self, at: datetime) -> str:
        """A time of day: ``3:05 PM``."""
        return moments.clock(self._here(at))

    def day(self, at: datetime) -> str:
        """A day: ``Tuesday, October 20``, with the year when it is another one."""
        here = self._here(at)
        name, month = moments.weekday(here), moments.month(here)
        if here.year == self._here(self.now).year:
            return say(
                "{weekday}, {month} {day}", weekday=name, month=month, day=here.day
            )
        return say(
            "{weekday}, {month} {day}, {year}",
            weekday=name,
            month=month,
            day=here.day,
            year=here.year,
        )

    def day_key(self, at: datetime) -> str:
        """The day as part of an id: ``2026-10-20``."""
        return f"{self._here(at):%Y-%m-%d}"

    def moment(self, at: datetime) -> str:
        """Day and time with the zone: ``Tue, Oct 20, 3:05 PM PDT``."""
        here = self._here(at)
        return say(
            "{weekday}, {month} {day}, {time} {zone}",
            weekday=moments.weekday(here, short=True),
            month=moments.month(here, short=True),
            day=here.day,
            time=self.clock(at),
            zone=f"{here:%Z}",
        )

    def moment_of_year(self, at: datetime) -> str:
        """Day, year and time with the zone: ``Oct 20, 2026, 3:05 PM PDT``."""
        here = self._here(at)
        return say(
            "{month} {day}, {year}, {time} {zone}",
            month=moments.month(here, short=True),
            day=here.day,
            year=here.year,
            time=self.clock(at),
            zone=f"{here:%Z}",
        )

    def short(self, at: datetime) -> str:
        """The time of something today, else its day: ``3:05 PM`` or ``Oct 20``."""
        if self.day_key(at) == self.day_key(self.now):
            return self.clock(at)
        here = self._here(at)
        return say("{month} {day}", month=moments.month(here, short=True), day=here.day)

    def age(self, at: datetime) -> str:
        """How long ago something was: ``5 min``, ``26 h``, ``3 days``."""
        minutes = max(0, int((self.now - at).total_seconds() // 60))
        if minutes < 60:
            return say("{number} min", number=minutes)
        if minutes < 48 * 60:
            return say("{number} h", number=minutes // 60)
        return say("{number} days", number=minutes // 1440)

    def ago(self, at: datetime) -> str:
        """How long ago something was, in words: ``just now``, ``5 min ago``."""
        if self.now - at < timedelta(minutes=1):
            return say("just now")
        return say("{age} ago", age=self.age(at))

    def begins(self, at: datetime | None) -> str:
        """When texts that are approved now begin to go out: ``now`` or ``from ...``."""
        if at is None or at <= self.now:
            return say("now")
        return say("from {moment}", moment=self.moment(at))

    def pending(self, what: Pending) -> str:
        """``12 texts wait since Tuesday and expire on Dec 7.``."""
        since, end = self._date(what.since), what.expires_at
        if end is None:
            return say_count(
                "{count} text waits since {since}.",
                "{count} texts wait since {since}.",
                what.texts,
                since=since,
            )
        if self.day_key(end) == self.day_key(self.now):
            return say_count(
                "{count} text waits since {since} and expires today.",
                "{count} texts wait since {since} and expire today.",
                what.texts,
                since=since,
            )
        return say_count(
            "{count} text waits since {since} and expires on {day}.",
            "{count} texts wait since {since} and expire on {day}.",
            what.texts,
            since=since,
            day=self._date(end),
        )

    def standing(self, message: SmsMessage) -> str:
        """How a text stands, in a sentence or two."""
        wait = self.reasons.get(message.id)
        if wait:
            return say("Approved. {why}", why=wait)
        if message.reason == "left":
            return say(LEFT)
        return sentence(message.state, self._why(message))

    def failure(self, code: int | None, reason: str | None) -> str:
        """Why a text did not arrive, in a sentence; empty when nobody said."""
        if code:
            return self._explain(code)
        known = REFUSALS.get(reason or "") or REASONS.get(reason or "", reason or "")
        return say_stored(known)

    def _why(self, message: SmsMessage) -> str | None:
        failed = message.state in {"failed", "undelivered"}
        code = message.error_code if failed else None
        return self.failure(code, message.reason)

    def _explain(self, code: int) -> str:
        if self._gateway is None:
            return say("The texting service reported error {code}.", code=code)
        return say_stored(self._gateway.explain(code).sentence)

    @cached_property
    def _gateway(self) -> Gateway | None:
        """The practice's gateway, looked up once for a page."""
        account = guards.db().get(SmsAccount, self.practice.account_id or 0)
        return None if account is None else guards.toolbox().gateway_for(account)

    def _date(self, at: datetime) -> str:
        return moments.day(self._here(at).date(), today=self._here(self.now).date())

    def _here(self, at: datetime) -> datetime:
        return at.astimezone(ZoneInfo(self.practice.timezone))


def phone(row: SmsPhone | None, *, plain: bool) -> str:
    """A phone, masked for those who may not write to it."""
    if row is None:
        return ""
    return phones.display(row.e164) if plain else phones.mask(row.e164)


def title(row: SmsConversation, *, plain: bool) -> str:
    """Whom a conversation is with: the patients' names, else the phone."""
    if row.title and row.title != content.recipient(row.phone.e164):
        return row.title
    return phone(row.phone, plain=plain)


def draft() -> str:
    """The text that somebody is writing, as it would be stored."""
    return segments.normalise(request.form.get("body", "")[:LONGEST_DRAFT]).strip()


def counted(text: str, measure: Ruler = segments.measure) -> str:
    """What a text takes, in words: ``2 segments, $0.0240.``; nothing of nothing.

    Args:
        text: as it is stored.
        measure: tells what it takes as it goes out.
    """
    size = measure(text)
    if not size.units:
        return ""
    settings = guards.toolbox().settings
    price = prices.segment_micros(settings) * size.count
    said = say_count(
        "{count} segment, {price}.",
        "{count} segments, {price}.",
        size.count,
        price=prices.money(price, settings[config.CURRENCY]),
    )
    return f"{said} {dearness.why(text, measure)}".rstrip()


def text_words(count: int) -> str:
    """``1 text`` or ``2 texts``."""
    return say_count("{count} text", "{count} texts", count)


def segment_words(count: int) -> str:
    """``1 segment`` or ``2 segments``."""
    return dearness.segment_words(count)


def measured(text: str, measure: Ruler = segments.measure) -> Any:
    """Answer a page that asks what its draft takes."""
    return jsonify(segments=measure(text).count, words=counted(text, measure))
