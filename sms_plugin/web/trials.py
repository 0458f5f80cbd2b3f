"""A wording tried with the names of patients: for whom it takes more segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sms_plugin.core.culprits import culprits
from sms_plugin.core.language import say_count
from sms_plugin.core.templating import MissingValue
from sms_plugin.web import dearness

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sms_plugin.core.templating import Template
    from sms_plugin.web.dearness import Ruler

NAMES = frozenset({"patient_name", "first_name"})


def with_names(
    template: Template, values: Mapping[str, str], names: Sequence[str], measure: Ruler
) -> str:
    """Say what patients' names make of a text; empty where it names nobody.

    Args:
        template: the wording.
        values: of its other variables, and of a sample name.
        names: of patients.
        measure: tells what a text takes as it goes out.
    """
    if not NAMES & template.variables or not names:
        return ""
    usual = measure(template.render(values)).count
    counts = {name: _count(template, values, name, measure) for name in names}
    longer = [name for name in names if counts[name] > usual]
    if not longer:
        return say_count(
            "Tried with the name of {count} patient: it takes no more.",
            "Tried with the names of {count} patients: it takes no more with any.",
            len(names),
        )
    worst = max(longer, key=counts.__getitem__)
    said = say_count(
        "Tried with the names of {all} patients: with {count} of them, {name}, it "
        "takes {segments}.",
        "Tried with the names of {all} patients: with {count} of them it takes up to "
        "{segments}, such as with {name}.",
        len(longer),
        all=f"{len(names):,}",
        segments=dearness.segment_words(counts[worst]),
        name=worst,
    )
    odd = culprits(worst)
    if not odd:
        return said
    because = say_count(
        "{characters} in the name leaves 70 characters a segment, not 160.",
        "{characters} in the name leave 70 characters a segment, not 160.",
        len(odd),
        characters=dearness.named(odd),
    )
    return f"{said} {because}"


def _count(
    template: Template, values: Mapping[str, str], name: str, measure: Ruler
) -> int:
    # All but the last word: who has several first names has the longest of them.
    first = name.rsplit(" ", 1)[0]
    try:
        text = template.render({**values, "patient_name": name, "first_name": first})
    except MissingValue:  # nothing of it can be seen
        return 0
    return measure(text).count
