"""The report: a table of what went wrong, what became of the texts, and the zeros."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from tests.soak.run import Result

WIDTH = 74


def lines(result: Result) -> Iterator[str]:
    """The report of a run, line by line."""
    yield (
        f"Soak on {result.database}, seed {result.seed}: {result.days:.1f} days from "
        f"{result.begins:%d %b %Y} in {result.seconds:.0f} s, "
        f"{result.storm_seconds:.0f} of them with faults"
    )
    yield from _table("Faults that met something", result.faults)
    yield from _table("What people did", result.did)
    yield from _table("Texts by state", result.states)
    yield from _table("Attempts by verdict", result.verdicts)
    if result.memory:
        yield ""
        yield f"{'Memory in MB':{WIDTH}} {'warm':>9} {'at the end':>12}"
        for name, (before, after) in result.memory.items():
            yield f"  {name:{WIDTH - 2}} {before / 2**20:9.1f} {after / 2**20:12.1f}"
    yield ""
    for rule, found in result.wrong.items():
        yield f"{rule:{WIDTH}} {len(found):9}"
    if not result.is_good:
        yield ""
        yield from result.history
        yield f"FAILED; seed {result.seed}"


def _table(title: str, counts: Counter[str]) -> Iterator[str]:
    yield ""
    yield f"{title:{WIDTH}} {counts.total():9,}"
    for what, count in sorted(counts.items(), key=lambda row: -row[1]):
        yield f"  {what:{WIDTH - 2}} {count:9,}"
