"""Drawings of figures, as plain geometry: a page only has to write it down.

Everything is in units of a box that is ``HEIGHT`` high, and ``STEP`` wide for each
value, from the upper left corner down, as SVG counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

STEP: Final = 10
HEIGHT: Final = 100
_MOST_INTERVALS = 4
_NICE = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale from zero up.

    Attributes:
        top: the value at the upper edge.
        ticks: values to name, evenly spaced, from zero to the top.
    """

    top: int
    ticks: tuple[int, ...]

    @property
    def lines(self) -> list[float]:
        """Where the lines of the ticks lie, the lowest first."""
        return [_height(self.top - tick, self.top) for tick in self.ticks]


@dataclass(frozen=True, slots=True)
class Column:
    """An upright bar."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Curve:
    """A line from left to right and the surface below it, as points of SVG."""

    line: str
    surface: str


def axis(highest: int, *, least: int = 1) -> Axis:
    """A scale that holds a value and ends at a round one.

    Args:
        highest: the largest value that is drawn; zero and less count as nothing.
        least: the smallest interval that means something, such as a cent.
    """
    step = least
    while step * _MOST_INTERVALS < highest:
        step = _next_nice(step, least)
    intervals = max(1, -(-max(highest, 0) // step))
    return Axis(intervals * step, tuple(step * n for n in range(intervals + 1)))


def columns(values: Sequence[int], top: int) -> list[Column]:
    """A bar for each value; nothing is drawn for zero, and little for little."""
    bars = []
    for place, value in enumerate(values):
        height = _height(value, top)
        if value > 0 and height < 1:
            height = 1.0  # a single text among thousands is seen all the same
        bars.append(
            Column(
                place * STEP + STEP * 0.15,
                round(HEIGHT - height, 2),
                STEP * 0.7,
                height,
            )
        )
    return bars


def curve(values: Sequence[int], top: int) -> Curve:
    """A line through the values, from edge to edge; one value is a level line."""
    if not values:
        return Curve("", "")
    heights = [round(HEIGHT - _height(value, top), 2) for value in values]
    width = len(values) * STEP
    if len(values) == 1:
        points = [(0.0, heights[0]), (float(width), heights[0])]
    else:
        apart = width / (len(values) - 1)
        points = [(round(n * apart, 2), y) for n, y in enumerate(heights)]
    line = " ".join(f"{x:g},{y:g}" for x, y in points)
    return Curve(line, f"0,{HEIGHT} {line} {width},{HEIGHT}")


def share(part: int, whole: int) -> float:
    """How wide a part of a whole is drawn, from 0 to 100."""
    if whole <= 0 or part <= 0:
        return 0.0
    return min(100.0, max(0.5, round(100 * part / whole, 2)))


def running(values: Sequence[int]) -> list[int]:
    """The sum so far, value by value."""
    sums, total = [], 0
    for value in values:
        total += value
        sums.append(total)
    return sums


def percent(part: int, whole: int) -> str:
    """A share in words: ``98.4%``; only all is ``100%`` and only nothing is ``0%``."""
    if whole <= 0:
        return ""
    if part <= 0:
        return "0%"
    if part >= whole:
        return "100%"
    tenths = part * 1000 // whole
    if tenths == 0:
        return "<0.1%"
    return f"{tenths / 10:g}%"


def _height(value: int, top: int) -> float:
    if top <= 0 or value <= 0:
        return 0.0
    return round(min(1.0, value / top) * HEIGHT, 2)


def _next_nice(step: int, least: int) -> int:
    """The next of 1, 2, 5, 10, 20 ... times the least."""
    times, power = step // least, 1
    while times >= 10 * power:
        power *= 10
    digit = times // power
    nice = next((n for n in _NICE if n > digit), 10)
    return nice * power * least
