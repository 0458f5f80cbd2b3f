"""What the desk is asked to show: its tab, filter, order and page, in an address."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sms_plugin.core.language import say
from sms_plugin.services import cautions, job_filters, jobs
from sms_plugin.services.job_filters import ORDERS, START, Filter, Place
from sms_plugin.services.wording import KINDS
from sms_plugin.web import guards, phrases
from sms_plugin.web.decisions import TEXT_KINDS, filter_in
from sms_plugin.web.language import lazy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sms_plugin.models import SmsJob, SmsMessage, SmsPhone

WARNINGS: Final = {
    cautions.ANY: lazy("Only with warnings"),
    cautions.ROSE: lazy("Balance rose"),
    cautions.SHARED: lazy("Shared phone"),
    cautions.NAME: lazy("Name looks wrong"),
    cautions.LONG: lazy("Long text"),
    cautions.WORDING: lazy("Template changed since"),
}
SORTED_BY: Final = {
    "": lazy("Order of the file"),
    job_filters.NAME: lazy("Name"),
    job_filters.BALANCE: lazy("Balance, largest first"),
    job_filters.SEGMENTS: lazy("Segments, most first"),
}
_PLACE: Final = re.compile(r"(?:(-?[0-9]{1,18})\.)?([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Shown:
    """What one page of the desk shows: a state's texts on a filter, behind a place."""

    state: str
    filter: Filter
    order: str = ""
    after: Place = START

    def query(self, **changes: str) -> dict[str, str]:
        """The address's query for this page, or with changes for another one."""
        values = {
            "state": "" if self.state == "pending" else self.state,
            "search": self.filter.search,
            "warning": self.filter.warning,
            "kind": self.filter.kind,
            "order": self.order,
            "after": _written(self.order, self.after),
        }
        return {name: word for name, word in (values | changes).items() if word}

    def behind(self, message: SmsMessage) -> dict[str, str]:
        """The query of the page that begins behind a text."""
        place = job_filters.place_of(self.order, message)
        return replace(self, after=place).query()


def read(values: Mapping[str, str], states: Collection[str]) -> Shown:
    """What an address asks for; what nobody knows asks for nothing."""
    state, order = values.get("state", ""), values.get("order", "")
    return Shown(
        state=state if state in states else "pending",
        filter=filter_in(values),
        order=order if order in ORDERS else "",
        after=_place(values.get("after", "")),
    )


def rows(
    job: SmsJob, view: Shown, *, limit: int
) -> list[tuple[SmsMessage, SmsPhone | None]]:
    """The texts of a page with their phones."""
    return jobs.page(
        guards.db(),
        job,
        state=view.state,
        shown=view.filter,
        order=view.order,
        after=view.after,
        limit=limit,
    )


def said(shown: Filter) -> list[str]:
    """What a filter asks for besides words, in words."""
    warning = [str(WARNINGS[shown.warning])] if shown.warning else []
    return warning + ([say(KINDS[shown.kind].label)] if shown.kind else [])


def parts() -> dict[str, Any]:
    """What the filter's form and the rows' badges need besides what is shown."""
    return {
        "warning_words": WARNINGS,
        "kind_words": {kind: say(KINDS[kind].label) for kind in TEXT_KINDS},
        "order_words": SORTED_BY,
        "badges": badges,
    }


def badges(message: SmsMessage, *, shared: bool) -> Iterator[str]:
    """What is pointed out of a text, in words.

    Args:
        message: the text.
        shared: whether the page says already that its phone is shared.
    """
    for kind, number in cautions.parts(message.warnings):
        if kind == cautions.ROSE:
            yield say("Balance rose {number} %", number=f"{number:,}")
        elif kind == cautions.SHARED and not shared:
            yield say("Phone shared by {number}", number=number)
        elif kind == cautions.NAME:
            yield say("Name looks wrong")
        elif kind == cautions.LONG:
            yield phrases.segment_words(number)
        elif kind == cautions.WORDING:
            yield say("Template changed since")


def _place(text: str) -> Place:
    match = _PLACE.fullmatch(text)
    return Place(int(match[2]), int(match[1] or 0)) if match else START


def _written(order: str, place: Place) -> str:
    if not place.id:
        return ""
    numbers = order in {job_filters.BALANCE, job_filters.SEGMENTS}
    return f"{place.value}.{place.id}" if numbers else str(place.id)
