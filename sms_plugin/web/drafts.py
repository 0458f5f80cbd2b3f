"""A draft of a template: what it would say, cost, and what is wrong with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sms_plugin.core import segments
from sms_plugin.core.language import say_count
from sms_plugin.core.templating import (
    LINK_MARK,
    PREFERENCE_MARK,
    TemplateError,
    compile_template,
)
from sms_plugin.errors import InvalidError
from sms_plugin.port import Bill, Patient
from sms_plugin.services import content, prices, templates
from sms_plugin.services.wording import KINDS

if TYPE_CHECKING:
    from datetime import datetime

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsPractice

# Nobody by this name; long enough that most real texts are no longer.
SAMPLE = Patient("sample", "Alexandra", "Sample")
SAMPLE_TOKEN = "Wn4vR8sT2kQ6mZ9xB3cD7f"  # noqa: S105  (opens nothing; real ones look so)


@dataclass(frozen=True, slots=True)
class Draft:
    """What the editor shows beside a draft.

    Attributes:
        text: the text with sample values; empty while the draft cannot be read.
        segments, encoding, price: of that text.
        odd: characters that make it dearer.
        error: why it cannot be saved, in words with the place; empty if it can.
        position: where that is, in characters from 0; None if it is no one place.
    """

    text: str = ""
    segments: int = 0
    encoding: str = ""
    price: str = ""
    odd: tuple[str, ...] = ()
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
    kind: str, body: str, practice: SmsPractice, *, settings: Settings, now: datetime
) -> Draft:
    """Render a draft with sample values of the practice, and check it."""
    body = segments.normalise(body).strip()
    error, position = "", None
    try:
        template = compile_template(body, allowed=KINDS[kind].variables)
    except TemplateError as problem:
        return Draft(error=str(problem), position=problem.position)
    try:
        templates.check(kind, body, amounts=practice.amounts)
    except InvalidError as problem:
        error = str(problem)
    bill = Bill(
        "sample",
        SAMPLE.id,
        "INV-10001",
        124_500_000,
        due_on=(now + timedelta(days=30)).date(),
    )
    values = {
        "amount_due": prices.money(bill.balance_micros, bill.currency),
        "practice_phone": "(212) 555-0100",
        **{
            name: text
            for name, text in content.values(practice, SAMPLE, bill).items()
            if text
        },
    }
    stored = template.render(values)
    size = content.measure(settings, stored)
    link = content.link_url(settings, SAMPLE_TOKEN[: content.TOKEN_LENGTH])
    return Draft(
        text=stored.replace(LINK_MARK, link).replace(PREFERENCE_MARK, link),
        segments=size.count,
        encoding=size.encoding,
        price=prices.money(size.count * prices.segment_micros(settings)),
        odd=segments.offending(stored),
        error=error,
        position=position,
    )
