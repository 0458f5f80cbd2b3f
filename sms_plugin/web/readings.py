"""Figures of the dashboard as people read them: numbers, rates, sentences, drawings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sms_plugin import config
from sms_plugin.core import charts, moments
from sms_plugin.core.language import mark, say, say_count
from sms_plugin.services import prices
from sms_plugin.services.dashboard import INBOUND, Tally
from sms_plugin.services.wording import KINDS
from sms_plugin.web import guards, phrases, words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sms_plugin.models import SmsPractice
    from sms_plugin.services.dashboard import Figures

MOST_CAUSES: Final = 5
CENT: Final = 10_000
ROUNDED_FROM: Final = 100_000 * prices.MICROS
"""From here on nobody reads the cents."""
OTHER_KINDS: Final = {"reply": mark("Replies of staff"), INBOUND: mark("From patients")}


@dataclass(frozen=True, slots=True)
class Card:
    """One figure with its name and what it means."""

    name: str
    figure: str
    note: str


@dataclass(frozen=True, slots=True)
class Part:
    """One bar of the funnel."""

    name: str
    figure: str
    rate: str
    width: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A day in a drawing: the shapes, and what they say."""

    words: str
    shapes: tuple[charts.Column, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with its scale; ``marks`` name days below it, from edge to edge."""

    summary: str
    labels: list[str]
    axis: charts.Axis
    marks: list[str]
    width: int
    bars: list[Bar]
    curve: charts.Curve


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: what it is about, and its figures as words."""

    name: str
    cells: dict[str, str]


def number(value: int) -> str:
    """A number with its thousands set off."""
    return f"{value:,}"


def money(micros: int) -> str:
    """An amount to the cent, a large one to the whole."""
    currency = guards.toolbox().settings[config.CURRENCY]
    if abs(micros) >= ROUNDED_FROM:
        whole = round(micros / prices.MICROS) * prices.MICROS
        return prices.money(whole, currency).removesuffix(".00")
    return prices.money(round(micros / CENT) * CENT, currency)


def day(value: date) -> str:
    """A day: ``Nov 23``."""
    return say("{month} {day}", month=moments.month(value, short=True), day=value.day)


@dataclass(frozen=True)
class Readings:
    """What the page says of the figures of a practice."""

    figures: Figures
    practice: SmsPractice
    now: datetime

    @property
    def nothing(self) -> bool:
        """Whether nothing at all happened in these days."""
        return self.figures.total == Tally()

    def cards(self) -> list[Card]:
        """The figures at the top."""
        total = self.figures.total
        return [
            Card(say("Sent"), number(total.sent), say("texts that the carrier took")),
            Card(say("Delivered"), number(total.delivered), self._delivered()),
            Card(say("Links opened"), number(total.opened), self._opened()),
            Card(
                say("Wrote back"),
                number(self.figures.replied),
                say("patients, after a text"),
            ),
            Card(
                say("Bills paid"),
                number(total.paid),
                say("within 30 days after a text"),
            ),
            Card(say("Money in"), money(total.paid_micros), say("with these bills")),
            Card(say("Opted out"), number(total.opted_out), say("phones")),
            Card(say("Cost"), money(total.cost_micros), self._segments()),
        ]

    def funnel(self) -> list[Part]:
        """From sent to paid, each as a part of what was sent, of kinds with a link."""
        kinds = [tally for tally in self.figures.kinds.values() if tally.links]
        sent = sum(tally.sent for tally in kinds)
        return [
            Part(
                name,
                number(count),
                charts.percent(count, sent) if count <= sent else "",
                charts.share(count, sent),
            )
            for name, count in (
                (say("Sent"), sent),
                (say("Delivered"), sum(tally.delivered for tally in kinds)),
                (say("Link opened"), sum(tally.opened for tally in kinds)),
                (say("Bill paid"), sum(tally.paid for tally in kinds)),
            )
        ]

    def texts_by_day(self) -> Chart:
        """Sent and delivered, day by day."""
        sent = [tally.sent for _, tally in self.figures.days]
        delivered = [tally.delivered for _, tally in self.figures.days]
        axis = charts.axis(max(sent))
        pairs = zip(
            charts.columns(sent, axis.top),
            charts.columns(delivered, axis.top),
            strict=True,
        )
        said = [
            say(
                "{day}: {sent} sent, {delivered} delivered",
                day=day(date),
                sent=number(tally.sent),
                delivered=number(tally.delivered),
            )
            for date, tally in self.figures.days
        ]
        summary = say(
            "{sent} texts were sent, {delivered} of them delivered; at most {most} on "
            "one day.",
            sent=number(sum(sent)),
            delivered=number(sum(delivered)),
            most=number(max(sent)),
        )
        bars = [Bar(text, pair) for text, pair in zip(said, pairs, strict=True)]
        labels = [number(tick) for tick in axis.ticks]
        return self._chart(summary, axis, labels, bars=bars)

    def cost_so_far(self) -> Chart:
        """What texting has cost since the first of the days."""
        sums = charts.running([tally.cost_micros for _, tally in self.figures.days])
        axis = charts.axis(sums[-1], least=CENT)
        summary = say(
            "Texting cost {cost} from {first} to {last}.",
            cost=money(sums[-1]),
            first=day(self.figures.days[0][0]),
            last=day(self.figures.days[-1][0]),
        )
        labels = [money(tick) for tick in axis.ticks]
        return self._chart(summary, axis, labels, curve=charts.curve(sums, axis.top))

    def causes(self) -> list[tuple[str, str]]:
        """Why texts did not arrive, in sentences: the most frequent, and how many."""
        known = phrases.Phrases(self.practice, self.now)
        counts: dict[str, int] = {}
        for code, reason, count in self.figures.failures:
            sentence = known.failure(code, reason)
            sentence = sentence or say("The carrier did not say why.")
            counts[sentence] = counts.get(sentence, 0) + count
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        shown = [(text, number(count)) for text, count in ranked[:MOST_CAUSES]]
        rest = self.figures.total.failed - sum(c for _, c in ranked[:MOST_CAUSES])
        return [*shown, (say("Other reasons."), number(rest))] if rest > 0 else shown

    def kinds(self) -> list[Row]:
        """A line for each kind of text that there was."""
        kinds = self.figures.kinds
        known = [kind for kind in (*KINDS, *OTHER_KINDS) if kind in kinds]
        strange = sorted(set(kinds) - set(known))
        return [Row(_kind(kind), _cells(kinds[kind])) for kind in (*known, *strange)]

    def days(self) -> list[Row]:
        """A line for each day, the newest first."""
        return [
            Row(_weekday(date), _cells(tally))
            for date, tally in reversed(self.figures.days)
        ]

    def total(self) -> Row:
        """The last line of both tables."""
        return Row(say("Total"), _cells(self.figures.total))

    def failed(self) -> str:
        """How many texts did not arrive."""
        return number(self.figures.total.failed)

    def _delivered(self) -> str:
        total = self.figures.total
        if not total.sent:
            return say("arrived for certain")
        return say(
            "{rate} of what was sent", rate=charts.percent(total.delivered, total.sent)
        )

    def _opened(self) -> str:
        total = self.figures.total
        if not total.links:
            return say("links to pay")
        return say(
            "{rate} of {links} links to pay",
            rate=charts.percent(total.opened, total.links),
            links=number(total.links),
        )

    def _segments(self) -> str:
        return say_count(
            "estimate, for {count} segment",
            "estimate, for {count} segments",
            self.figures.total.segments,
        )

    def _chart(
        self,
        summary: str,
        axis: charts.Axis,
        labels: list[str],
        *,
        bars: Sequence[Bar] = (),
        curve: charts.Curve | None = None,
    ) -> Chart:
        dates = [date for date, _ in self.figures.days]
        middle = dates[len(dates) // 2]
        return Chart(
            summary,
            labels[::-1],
            axis,
            [day(dates[0]), day(middle), day(dates[-1])],
            len(dates) * charts.STEP,
            list(bars),
            curve or charts.Curve("", ""),
        )


def _kind(kind: str) -> str:
    """A kind of text by its name."""
    return say(OTHER_KINDS[kind]) if kind in OTHER_KINDS else words.kind(kind)


def _weekday(date: date) -> str:
    """A day with the day of the week: ``Mon, Nov 23``."""
    return say(
        "{weekday}, {month} {day}",
        weekday=moments.weekday(date, short=True),
        month=moments.month(date, short=True),
        day=date.day,
    )


def _cells(tally: Tally) -> dict[str, str]:
    """Figures of a line of a table, by the head of their column."""

    def count(value: int) -> str:
        return number(value) if value else words.NONE

    def amount(micros: int) -> str:
        return money(micros) if micros else words.NONE

    return {
        say("Sent"): count(tally.sent),
        say("Delivered"): count(tally.delivered),
        say("Not delivered"): count(tally.failed),
        say("Opened"): count(tally.opened),
        say("Bills paid"): count(tally.paid),
        say("Money in"): amount(tally.paid_micros),
        say("Received"): count(tally.received),
        say("Segments"): count(tally.segments),
        say("Cost"): amount(tally.cost_micros),
    }
