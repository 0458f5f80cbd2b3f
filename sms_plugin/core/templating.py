"""Templates of staff: literal text and ``{{ name }}`` from a closed list, nothing else.

There is no engine behind it. A template is split once into literals and names; values
go in as they are and are never looked at again, so neither a template nor a patient's
name can compute, read or call anything.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from sms_plugin.core.language import mark, say
from sms_plugin.core.links import (
    LINK_MARK,
    MARKS,
    PREFERENCE_MARK,
    MissingValue,
    fill_links,
    marks_in,
    measure_with_links,
)
from sms_plugin.core.segments import normalise

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = [
    "LINKS",
    "LINK_MARK",
    "MAX_SOURCE",
    "PREFERENCE_MARK",
    "VARIABLES",
    "MissingValue",
    "Template",
    "TemplateError",
    "clean_value",
    "compile_template",
    "fill_links",
    "marks_in",
    "measure_with_links",
    "placed",
    "value_limit",
]

VARIABLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "patient_name": mark("First and last name of the patient"),
        "first_name": mark("First name of the patient"),
        "practice_name": mark("Name of the practice"),
        "practice_phone": mark("Voice phone of the practice"),
        "payment_link": mark("Link to the page where this bill is paid"),
        "amount_due": mark("Amount still owed, with its currency sign"),
        "due_date": mark("Last day to pay"),
        "invoice_number": mark("Number of the bill as on the paper"),
        "preference_link": mark("Link to the patient's own text settings"),
        "amount_paid": mark("Amount that was paid, with its currency sign"),
        "paid_on": mark("Day of the payment"),
        "reference": mark("Number of the payment, for questions about it"),
        "failure_reason": mark("Why the card was not charged, in plain words"),
    }
)
"""What a template may name, each with the line that the editor shows."""

LINKS: Final[Mapping[str, str]] = MappingProxyType(
    {"payment_link": LINK_MARK, "preference_link": PREFERENCE_MARK}
)
"""The variables that are links, with the mark of each in a stored body."""

MAX_SOURCE: Final = 4000
"""Characters of a template; no body that fits a text needs more."""

_VALUE_LIMITS: Final = MappingProxyType({"first_name": 40})
_VALUE_LIMIT: Final = 80

# A variable, or whatever looks as if somebody meant more than literal text.
_MARKUP: Final = re.compile(
    r"\{\{\s*(\w{1,64})\s*\}\}"
    r"|\{\{|\}\}|\{%|%\}|\{#|#\}|\$\{|\{|\}|%\(\w{0,32}\)[a-z]|" + MARKS.pattern,
    re.IGNORECASE,
)

# One line of printable ASCII without look-alikes or brackets: nothing to clean.
_TIDY: Final = re.compile(r"[!-Z\\^_a-~]++(?: [!-Z\\^_a-~]++)*+")
# Brackets become round, so that no value can spell or complete a link's mark.
_BRACKETS: Final = str.maketrans("[]", "()")


class TemplateError(ValueError):
    """A template cannot be saved.

    Attributes:
        message: what is wrong and what to write instead.
        position: where, in characters from 0.
        line, column: the same for people, from 1.
    """

    def __init__(self, message: str, source: str, position: int) -> None:
        self.message = message
        self.position = position
        self.line, self.column = _place(source, position)
        super().__init__(placed(message, source, position))


def placed(problem: str, source: str, position: int) -> str:
    """Say where a problem stands: ``Line 1, column 7: ...``.

    Args:
        problem: a sentence.
        source: what staff wrote.
        position: in characters from 0.
    """
    line, column = _place(source, position)
    return say(
        "Line {line}, column {column}: {problem}",
        line=line,
        column=column,
        problem=problem,
    )


def _place(source: str, position: int) -> tuple[int, int]:
    """Line and column for people, from 1."""
    line = source.count("\n", 0, position) + 1
    return line, position - source.rfind("\n", 0, position)


class Template:
    """A template split into its parts, ready to be rendered many times.

    Attributes:
        variables: the names it uses.
    """

    __slots__ = ("_parts", "_slots", "variables")

    def __init__(self, parts: tuple[str, ...]) -> None:
        """Take literals and names in turn, beginning and ending with a literal."""
        self._parts = parts
        self._slots = tuple(
            (index, parts[index], LINKS.get(parts[index]), value_limit(parts[index]))
            for index in range(1, len(parts), 2)
        )
        self.variables = frozenset(parts[1::2])

    @property
    def first(self) -> str:
        """The variable that it begins with; empty when it begins with other words."""
        return self._parts[1] if len(self._parts) > 1 and not self._parts[0] else ""

    def render(self, values: Mapping[str, str]) -> str:
        """Fill the values in, each cleaned to one short line.

        Args:
            values: at least one for each of ``variables``; others are not looked at.

        Raises:
            MissingValue: if one is missing or blank.
        """
        parts = list(self._parts)
        for index, name, link, limit in self._slots:
            value = values.get(name) or ""
            # Nearly every value is tidy; a job has 100,000 rows of them.
            if value != link and not (len(value) <= limit and _TIDY.fullmatch(value)):
                value = clean_value(name, value)
                if not value:
                    raise MissingValue(name)
            parts[index] = value
        return "".join(parts)


def value_limit(name: str) -> int:
    """Tell how many characters of a value are used; 0 for a link: it is never cut."""
    return 0 if name in LINKS else _VALUE_LIMITS.get(name, _VALUE_LIMIT)


def clean_value(name: str, value: str) -> str:
    """Make a value safe to stand in a text: one line, nothing invisible, short.

    Args:
        name: the variable; a link keeps its length and loses its spaces only.
        value: as the host gave it.
    """
    if name in LINKS:
        return value if value == LINKS[name] else "".join(normalise(value).split())
    limit = value_limit(name)
    # Cut first, since nobody's name needs the work that 5 kB would take.
    line = " ".join(normalise(value.strip()[: 4 * limit]).translate(_BRACKETS).split())
    return line[:limit].rstrip(" \u200d")


def compile_template(source: str, *, allowed: Collection[str] = VARIABLES) -> Template:
    """Check a template and split it into its parts (remembered for the next call).

    Args:
        source: what staff wrote.
        allowed: names that this practice may use.

    Raises:
        TemplateError: at the first thing that is not literal text or a known variable.
    """
    return _compile(source, frozenset(allowed))


@lru_cache(maxsize=512)
def _compile(source: str, allowed: frozenset[str]) -> Template:
    if len(source) > MAX_SOURCE:
        message = say("A template has at most {most} characters.", most=MAX_SOURCE)
        raise TemplateError(message, source, MAX_SOURCE)
    parts: list[str] = []
    end = 0
    for match in _MARKUP.finditer(source):
        name = match[1]
        problem = (
            _name_problem(name, allowed, parts[1::2])
            if name
            else _markup_problem(match[0], source[match.end() :])
        )
        if problem:
            raise TemplateError(problem, source, match.start())
        parts += (source[end : match.start()], name)
        end = match.end()
    return Template((*parts, source[end:]))


def _name_problem(
    name: str, allowed: frozenset[str], used: Collection[str]
) -> str | None:
    if name == "payment_link" and name in used:
        return say("{{ payment_link }} may stand in a template once only.")
    if name in allowed:
        return None
    if name in VARIABLES:
        return say(
            "{variable} is not switched on for this kind of text.",
            variable=_braced(name),
        )
    close = get_close_matches(name.lower(), sorted(allowed), n=1)
    if close:
        return say(
            "There is no variable {name}. Did you mean {variable}?",
            name=name,
            variable=_braced(close[0]),
        )
    return say(
        "There is no variable {name}. Choose one of: {names}.",
        name=name,
        names=", ".join(sorted(allowed)),
    )


def _braced(name: str) -> str:
    return f"{{{{ {name} }}}}"


def _markup_problem(found: str, rest: str) -> str:
    if MARKS.fullmatch(found):
        name = next(name for name, link in LINKS.items() if link == found.lower())
        return say(
            "Write {variable} instead of {found}.", variable=_braced(name), found=found
        )
    if found == "{{" and "}}" in rest:
        return say("Only the name of a variable may stand between {{ and }}.")
    if found == "{{":
        return say("These braces are never closed. Write {{ name }}.")
    if found == "}}":
        return say("These braces close nothing. Write {{ name }}.")
    if found in {"{", "}"}:
        return say("A single brace cannot be used. Write {{ name }} for a variable.")
    return say(
        "{found} has no meaning here. Write {variable} for a variable.",
        found=found,
        variable=_braced("name"),
    )
