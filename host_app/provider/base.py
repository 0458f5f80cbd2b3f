"""What every list, page and form of the staff has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, current_app, request
from flask_appbuilder import ModelView, expose, has_access
from flask_appbuilder.models.sqla.filters import FilterInFunction
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.widgets import FormWidget

from host_app.provider import lists
from host_app.provider.lists import Listing, Question, Where
from host_app.provider.scope import (
    current_practice,
    current_practice_ids,
    visible_practice_ids,
)
from host_app.words import NONE, day, money

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class PortalInterface(SQLAInterface):
    """FAB's way to our tables."""

    def is_nullable(self, col_name: str) -> bool:
        """Let a field be left empty where its column's default says what that means.

        FAB would ask for every text and tick every box that may not be NULL.
        """
        if col_name in self.list_columns and self.get_col_default(col_name) is not None:
            return True
        return bool(super().is_nullable(col_name))


class PortalFormWidget(FormWidget):
    """The fields of a form, each with its label, help and errors."""

    template = "provider/form_widget.html"


class PortalModelView(ModelView):
    """Lists and shows the rows of the user's practices, and does nothing else.

    A view that may do more says so in ``include_route_methods``. FAB's actions stay
    away altogether, because they do not apply ``base_filters``.

    Attributes:
        questions: the form above the list.
        cells: what a list or a page writes for a column, from the whole row.
        lead: one sentence under the title of the list.
        empty: one sentence where there are no rows.
        heads: labels that are other ones in a list than in forms.
    """

    include_route_methods = frozenset({"list", "show"})
    base_permissions: tuple[str, ...] = ("can_list", "can_show")
    base_filters = (("practice_id", FilterInFunction, visible_practice_ids),)
    base_order = ("id", "desc")
    page_size = 25
    # FAB would make forms over every column, which no page here shows.
    search_columns = add_columns = ("id",)
    edit_columns: tuple[str, ...] = ("id",)
    list_template = "provider/list.html"
    show_template = "provider/show.html"
    edit_template = "provider/edit.html"
    edit_widget = PortalFormWidget
    practice_column = "practice_id"
    questions: tuple[Question, ...] = ()
    cells: Mapping[str, Callable[[Any], Any]] = {}
    lead = ""
    empty = "Nothing here yet."
    heads: Mapping[str, str] = {}
    label_columns = {  # noqa: RUF012  (FAB reads it as a plain attribute)
        "practice": "Practice",
        "patient": "Patient",
        "invoice": "Invoice",
        "location": "Location",
        "guarantor": "Responsible party",
        "number": "Number",
        "issued_on": "Issued",
        "due_on": "Due",
        "paid_on": "Paid",
        "balance_cents": "Balance",
        "late_fee_cents": "Late fee in it",
        "amount_cents": "Amount",
    }

    def is_get_mutation_allowed(self) -> bool:
        """Change nothing by GET, whatever the configuration says."""
        return bool(request.method != "GET")

    def may(self, method: str) -> bool:
        """Whether the signed-in user may open a page of this view."""
        permission = f"can_{self.get_method_permission(method)}"
        return (
            method in self.include_route_methods
            and permission in self.base_permissions
            and current_app.appbuilder.sm.has_access(  # type: ignore[attr-defined]  # FAB adds it
                permission, self.class_permission_name
            )
        )

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Show a page of the rows of the practice at hand."""
        asked = lists.read(request.args, self.questions, self.order_columns)
        # A fresh set of filters: FAB would share one between all threads.
        filters = self.datamodel.get_filters()
        model = self.datamodel.obj
        narrowed = [getattr(model, self.practice_column).in_(current_practice_ids())]
        narrowed += [
            question.condition(asked.answers[question.name])
            for question in self.questions
            if question.name in asked.answers
        ]
        for condition in narrowed:
            filters.add_filter("id", Where, condition)
        order = (asked.column, asked.direction) if asked.order else self.base_order
        count, rows = self.datamodel.query(
            filters.get_joined_filters(self._base_filters),
            *order,
            page=asked.page,
            page_size=self.page_size,
        )
        self.update_redirect()
        return self.render_template(
            self.list_template,
            title=self.list_title,
            view=self,
            listing=Listing(rows, count, self.page_size, asked),
        )

    @expose("/show/<pk>", methods=["GET"])
    @has_access
    def show(self, pk: str) -> Any:
        """Show the facts of one row."""
        row = self.visible(pk)
        self.update_redirect()
        return self.render_template(
            self.show_template, title=str(row), view=self, row=row, **self.beside(row)
        )

    def columns(self) -> Sequence[str]:
        """The columns of the list; the practice, too, where it shows several."""
        if "practice" in self.label_columns and current_practice() is None:
            return (*self.list_columns, "practice")
        return self.list_columns  # type: ignore[no-any-return]  # FAB is not typed

    def head(self, column: str) -> str:
        """What stands above a column of the list."""
        return self.heads.get(column) or self.label_columns[column]

    def beside(self, row: Any) -> dict[str, Any]:  # noqa: ARG002  (views look at it)
        """What a view's own page shows beside the facts."""
        return {}

    def cell(self, row: Any, column: str) -> Any:
        """What to write for a column of a row."""
        if column in self.cells:
            return self.cells[column](row)
        value = getattr(row, column)
        if column.endswith("_cents"):
            return money(value)
        if column.endswith("_on"):
            return day(value)
        return NONE if value is None or value == "" else value

    def _deserialize_pk_if_composite(self, pk: str) -> str:
        """Answer 404 to what is no key; PostgreSQL would answer with an error."""
        if not (pk.isascii() and pk.isdigit() and len(pk) < 10):
            abort(404)
        return pk

    def visible(self, pk: str) -> Any:
        """Return the row if it belongs to a practice of the user, else answer 404."""
        key = self._deserialize_pk_if_composite(pk)
        return self.datamodel.get(key, self._base_filters) or abort(404)
