"""A draft of a template: what it would say, cost, and what is wrong with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from sms_plugin.core import segments
from sms_plugin.core.language import say, say_count
from sms_plugin.core.templating import MissingValue, TemplateError, compile_template
from sms_plugin.errors import InvalidError
from sms_plugin.services import content, prices, samples, templates
from sms_plugin.services.wording import KINDS
from sms_plugin.web import dearness, trials

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsPractice
    from sms_plugin.services.samples import Subject


@dataclass(frozen=True, slots=True)
class Draft:
    """What the editor shows beside a draft.

    Attributes:
        text: what the patient would read; empty while the draft cannot be read.
        segments, encoding, price: of that text.
        dearer: which characters make it dearer, and what to write; empty if none do.
        names: what the names of the practice's patients make of it, in words.
        error: why it cannot be saved, in words with the place; empty if it can.
        position: where that is, in characters from 0; None if it is no one place.
    """

    text: str = ""
    segments: int = 0
    encoding: str = ""
    price: str = ""
    dearer: str = ""
    names: str = ""
    error: str = ""
    position: int | None = None

    @property
    def size(self) -> str:
        """What the text takes, in words; empty while the draft cannot be read."""
        if not self.text:
            return ""
        return say_count(
            "{count} segment, {encoding}, {price} for each text",
            "{count} segments, {encoding}, {price} for each text",
            self.segments,
            encoding=self.encoding,
            price=self.price,
        )

    def as_json(self) -> dict[str, Any]:
        """The same for the editor's script."""
        return asdict(self) | {"size": self.size}


def look(
    kind: str,
    body: str,
    practice: SmsPractice,
    *,
    names: Sequence[str],
    subject: Subject = samples.NOBODY,
    settings: Settings,
    now: datetime,
) -> Draft:
    """Render a draft with the values of a patient or with samples, and check it.

    Args:
        kind: of text.
        body: what stands in the editor.
        practice: whose text it will be.
        names: of its patients; the draft is tried with each of them.
        subject: whom the text shown is about.
        settings: tell where links lead, and the price.
        now: a sample bill is due in 30 days.
    """
    body = segments.normalise(body).strip()
    try:
        template = compile_template(body, allowed=KINDS[kind].variables)
    except TemplateError as problem:
        return Draft(error=str(problem), position=problem.position)
    try:
        stored = template.render(samples.values(practice, now, subject))
    except MissingValue as problem:
        said = say("This patient would get no text. {problem}", problem=problem)
        return Draft(error=said)
    draft = _sized(stored, settings)
    measure = partial(content.measure, settings)
    tried = trials.with_names(template, samples.values(practice, now), names, measure)
    draft = replace(draft, names=tried)
    hosts = content.own_hosts(settings)
    try:
        templates.check(kind, body, amounts=practice.amounts, own_hosts=hosts)
    except InvalidError as problem:
        return replace(draft, error=str(problem))
    return draft


def _sized(stored: str, settings: Settings) -> Draft:
    measure = partial(content.measure, settings)
    size = measure(stored)
    return Draft(
        text=samples.with_dead_links(stored, settings),
        segments=size.count,
        encoding=size.encoding,
        price=prices.money(size.count * prices.segment_micros(settings)),
        dearer=dearness.why(stored, measure),
    )
