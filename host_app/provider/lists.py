"""Lists of rows: what may be asked of one in its address, and how it is paged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import abort, url_for
from flask_appbuilder.models.filters import BaseFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import ColumnElement
    from werkzeug.datastructures import MultiDict

MAX_PAGE = 100_000


@dataclass(frozen=True, slots=True)
class Question:
    """One field of the form above a list.

    Attributes:
        name: of the field, and of its argument in the address.
        label: for people.
        condition: what a row must fulfil when this value was given.
        choices: the values to choose from and their words; None: a text is typed.
    """

    name: str
    label: str
    condition: Callable[[str], ColumnElement[bool]]
    choices: Callable[[], Mapping[str, str]] | None = None


class Where(BaseFilter):
    """Narrows a list down by a condition of SQLAlchemy."""

    name = "Where"
    arg_name = "where"

    def apply(self, query: Any, value: Any) -> Any:
        """Apply the condition."""
        return query.filter(value)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks of a list; anything else in it is not found.

    Attributes:
        order: the column to sort by, with a leading ``-`` from its end; or empty.
        page: counted from zero.
        answers: the values of the questions that were answered.
    """

    order: str
    page: int
    answers: Mapping[str, str]

    @property
    def column(self) -> str:
        """The column to sort by."""
        return self.order.removeprefix("-")

    @property
    def direction(self) -> str:
        """Which way, in FAB's words."""
        return "desc" if self.order.startswith("-") else "asc"


def read(
    args: MultiDict[str, str],
    questions: Sequence[Question],
    order_columns: Sequence[str],
) -> Asked:
    """Read the arguments of a list's address; 404 for what it cannot follow."""
    order = args.get("order", "")
    if order and order.removeprefix("-") not in order_columns:
        abort(404)
    page = args.get("page", "1")
    if not (page.isascii() and page.isdigit() and 1 <= int(page[:9]) <= MAX_PAGE):
        abort(404)
    answers = {}
    for question in questions:
        value = args.get(question.name, "").strip()[:200]
        if not value:
            continue
        if question.choices is not None and value not in question.choices():
            abort(404)
        answers[question.name] = value
    return Asked(order, int(page) - 1, answers)


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list."""

    rows: Sequence[Any]
    count: int
    page_size: int
    asked: Asked

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.count // self.page_size))

    @property
    def is_narrowed(self) -> bool:
        """Whether the form above the list was used."""
        return bool(self.asked.answers)

    def page_url(self, number: int) -> str:
        """The address of another page, counted from zero."""
        return self._url(order=self.asked.order, page=number + 1 if number else None)

    def order_url(self, column: str) -> str:
        """The address of the list sorted by a column, or the other way round."""
        return self._url(order=f"-{column}" if self.asked.order == column else column)

    def _url(self, **place: Any) -> str:
        given: dict[str, Any] = {name: value for name, value in place.items() if value}
        return url_for(".list", **(given | dict(self.asked.answers)))
