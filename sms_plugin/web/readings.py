"""Figures of the dashboard as people read them: numbers, rates, sentences, drawings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sms_plugin import config
from sms_plugin.core import charts
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
NO_CAUSE: Final = "The carrier did not say why."
DAY_SAID: Final = "{day}: {sent} sent, {delivered} delivered"
TEXTS_SAID: Final = (
    "{sent} texts were sent, {delivered} of them delivered; at most {most} on one day."
)
COST_SAID: Final = "Texting cost {cost} from {first} to {last}."
DELIVERED: Final = "{rate} of what was sent"
OPENED: Final = "{rate} of {links} links to pay"
ONE_SEGMENT: Final = "estimate, for 1 segment"
SEGMENTS: Final = "estimate, for {segments} segments"
OTHER_KINDS: Final = {"reply": "Replies of staff", INBOUND: "From patients"}


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
    return f"{value:%b} {value.day}"


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
            Card("Sent", number(total.sent), "texts that the carrier took"),
            Card("Delivered", number(total.delivered), self._delivered()),
            Card("Links opened", number(total.opened), self._opened()),
            Card("Wrote back", number(self.figures.replied), "patients, after a text"),
            Card("Bills paid", number(total.paid), "within 30 days after a text"),
            Card("Money in", money(total.paid_micros), "with these bills"),
            Card("Opted out", number(total.opted_out), "phones"),
            Card("Cost", money(total.cost_micros), self._segments()),
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
                ("Sent", sent),
                ("Delivered", sum(tally.delivered for tally in kinds)),
                ("Link opened", sum(tally.opened for tally in kinds)),
                ("Bill paid", sum(tally.paid for tally in kinds)),
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
            DAY_SAID.format(
                day=day(date),
                sent=number(tally.sent),
                delivered=number(tally.delivered),
            )
            for date, tally in self.figures.days
        ]
        summary = TEXTS_SAID.format(
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
        summary = COST_SAID.format(
            cost=money(sums[-1]),
            first=day(self.figures.days[0][0]),
            last=day(self.figures.days[-1][0]),
        )
        labels = [money(tick) for tick in axis.ticks]
        return self._chart(summary, axis, labels, curve=charts.curve(sums, axis.top))

    def causes(self) -> list[tuple[str, str]]:
        """Why texts did not arrive, in sentences: the most frequent, and how many."""
        say = phrases.Phrases(self.practice, self.now)
        counts: dict[str, int] = {}
        for code, reason, count in self.figures.failures:
            sentence = say.failure(code, reason) or NO_CAUSE
            counts[sentence] = counts.get(sentence, 0) + count
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        shown = [(text, number(count)) for text, count in ranked[:MOST_CAUSES]]
        rest = self.figures.total.failed - sum(c for _, c in ranked[:MOST_CAUSES])
        return [*shown, ("Other reasons.", number(rest))] if rest > 0 else shown

    def kinds(self) -> list[Row]:
        """A line for each kind of text that there was."""
        kinds = self.figures.kinds
        known = [kind for kind in (*KINDS, *OTHER_KINDS) if kind in kinds]
        strange = sorted(set(kinds) - set(known))
        return [
            Row(OTHER_KINDS.get(kind) or words.kind(kind), _cells(kinds[kind]))
            for kind in (*known, *strange)
        ]

    def days(self) -> list[Row]:
        """A line for each day, the newest first."""
        return [
            Row(f"{date:%a}, {day(date)}", _cells(tally))
            for date, tally in reversed(self.figures.days)
        ]

    def total(self) -> Row:
        """The last line of both tables."""
        return Row("Total", _cells(self.figures.total))

    def failed(self) -> str:
        """How many texts did not arrive."""
        return number(self.figures.total.failed)

    def _delivered(self) -> str:
        total = self.figures.total
        if not total.sent:
            return "arrived for certain"
        return DELIVERED.format(rate=charts.percent(total.delivered, total.sent))

    def _opened(self) -> str:
        total = self.figures.total
        if not total.links:
            return "links to pay"
        return OPENED.format(
            rate=charts.percent(total.opened, total.links), links=number(total.links)
        )

    def _segments(self) -> str:
        segments = self.figures.total.segments
        if segments == 1:
            return ONE_SEGMENT
        return SEGMENTS.format(segments=number(segments))

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


def _cells(tally: Tally) -> dict[str, str]:
    """Figures of a line of a table, by the head of their column."""

    def count(value: int) -> str:
        return number(value) if value else words.NONE

    def amount(micros: int) -> str:
        return money(micros) if micros else words.NONE

    return {
        "Sent": count(tally.sent),
        "Delivered": count(tally.delivered),
        "Not delivered": count(tally.failed),
        "Opened": count(tally.opened),
        "Bills paid": count(tally.paid),
        "Money in": amount(tally.paid_micros),
        "Received": count(tally.received),
        "Segments": count(tally.segments),
        "Cost": amount(tally.cost_micros),
    }
