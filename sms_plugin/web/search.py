"""The row of filters above a generated list, in Flask-AppBuilder's address format.

FAB's own form adds one filter at a time by script and asks for an operator. Here every
search column is a field, and the operator is the one that makes sense for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import abort
from flask_appbuilder.models.sqla.filters import FilterContains, FilterEqual

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flask_appbuilder.models.filters import Filters
    from werkzeug.datastructures import MultiDict

LONGEST = 200
YES, NO = "y", "n"
_FILTER = re.compile(r"_flt_([0-9])_(.+)")


@dataclass(frozen=True, slots=True)
class Question:
    """One field of the row; without ``choices`` it takes words."""

    name: str
    label: str
    value: str
    choices: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Row:
    """The fields, the filters that no field shows, and what a search keeps."""

    questions: list[Question]
    also: list[tuple[str, str, str]]
    kept: list[tuple[str, str]]


def narrow(filters: Filters, args: MultiDict[str, str]) -> None:
    """Set the filters that an address asks for; an empty answer is no filter."""
    filters.clear_filters()
    for _, index, column, value in _asked(args):
        if column in filters.get_search_filters():
            switch = filters.datamodel.is_boolean(column)
            filters.add_filter_index(column, index, [value == YES if switch else value])


def row(view: Any, filters: Filters, args: MultiDict[str, str]) -> Row:
    """The row of *view*, filled in from the address."""
    known = filters.get_search_filters()
    questions = [
        _question(view, column, known[column], args)
        for column in view.search_columns
        if column in known
    ]
    shown = {question.name for question in questions}
    also = [
        (name, value, f"{view.label_columns[column]}: {known[column][index].name}")
        for name, index, column, value in _asked(args)
        if name not in shown and column in known
    ]
    own = type(view).__name__
    places = (f"_oc_{own}", f"_od_{own}", f"psize_{own}")
    kept = [(name, args[name]) for name in places if args.get(name)]
    return Row(questions, also, kept)


def _question(
    view: Any, column: str, filters: list[Any], args: MultiDict[str, str]
) -> Question:
    choices = view.search_choices.get(column)
    wanted = FilterContains if choices is None else FilterEqual
    index = next(
        (place for place, one in enumerate(filters) if isinstance(one, wanted)), 0
    )
    name = f"_flt_{index}_{column}"
    return Question(name, view.label_columns[column], args.get(name, ""), choices)


def _asked(args: MultiDict[str, str]) -> Iterator[tuple[str, int, str, str]]:
    """Name, index, column and value of every filter that has a value."""
    for name, values in args.lists():
        match = _FILTER.fullmatch(name)
        if match is None:
            continue
        for value in values:
            if len(value) > LONGEST or "\0" in value:
                abort(404)
            if value.strip():
                yield name, int(match[1]), match[2], value.strip()
