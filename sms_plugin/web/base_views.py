"""The two views that all pages of the plugin are made from.

They close what Flask-AppBuilder leaves open: bulk actions that ignore the base
filters, changes by GET or without a token, queries that end in an error, and pages of
a practice in which texting is off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, make_response, redirect, request, url_for
from flask import session as cookie
from flask_appbuilder import BaseView, ModelView, expose
from flask_appbuilder.hooks import before_request
from flask_appbuilder.models.sqla.filters import FilterEqualFunction

from sms_plugin.web import errorpages, guards, queries, search
from sms_plugin.web.language import lazy
from sms_plugin.web.widgets import (
    SmsFormWidget,
    SmsListWidget,
    SmsSearchWidget,
    SmsShowWidget,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Blueprint
    from werkzeug.wrappers import Response

LISTED = "sms_listed"
"""Key of the session: the list that was looked at last, with its filters and page."""
LONGEST_QUERY = 500  # The session is a cookie, and a browser keeps 4 KB of it.
PERMISSIONS = {
    "list": "read",
    "show": "read",
    "download": "read",
    "add": "write",
    "edit": "write",
    "delete": "write",
}


class _Guarded:
    """What both kinds of view share.

    Attributes:
        needs_texting_on: whether the pages are hidden where texting is off.
        all_practices: whether the pages show every practice, for support and operators.
    """

    needs_texting_on = True
    all_practices = False

    def create_blueprint(self, *args: Any, **kwargs: Any) -> Blueprint:
        """Give the pages error pages of ours; the host's addresses keep its own."""
        blueprint: Blueprint = super().create_blueprint(*args, **kwargs)  # type: ignore[misc]  # FAB's view has it
        errorpages.attach(blueprint, self)
        return blueprint

    @before_request
    def hide_while_off(self) -> None:
        """Answer 404 to signed-in users of a practice in which texting is off.

        Visitors go on to the login page, so that links in emails work later.
        """
        if self.needs_texting_on and guards.signed_in():
            guards.practice_or_404()

    @before_request
    def refuse_forged(self) -> None:
        """Ask every change for its token, also where the host has no CSRFProtect."""
        guards.check_token()

    def render_template(self, template: str, **kwargs: Any) -> Response:
        """Render a page that no cache may keep: it shows patients' data."""
        kwargs.setdefault("sms_practice", guards.chosen_practice())
        kwargs.setdefault("sms_practices", guards.my_practices())
        kwargs.setdefault("sms_all_practices", self.all_practices)
        page = super().render_template(template, **kwargs)  # type: ignore[misc]  # FAB's view has it
        response: Response = make_response(page)
        response.headers["Cache-Control"] = "no-store"
        return response


class SmsBaseView(_Guarded, BaseView):
    """A page of the plugin that is not generated."""


class SmsModelView(_Guarded, ModelView):
    """A generated screen whose every row belongs to the practice at hand.

    Writing goes through services: subclasses give a ``datamodel`` that hands add and
    edit to one. Nothing is deleted here.
    """

    method_permission_name = PERMISSIONS
    base_permissions = ["can_read"]  # noqa: RUF012  (FAB reads it as a plain list)
    exclude_route_methods = frozenset({"add", "edit", "delete", "download"})
    base_filters = [["practice_id", FilterEqualFunction, guards.practice_id]]  # noqa: RUF012  (as above)
    base_order = ("id", "desc")
    page_size = 25
    list_template = "sms_plugin/crud/list.html"
    show_template = "sms_plugin/crud/show.html"
    edit_template = "sms_plugin/crud/edit.html"
    list_widget = SmsListWidget
    show_widget = SmsShowWidget
    edit_widget = SmsFormWidget
    search_widget = SmsSearchWidget
    search_choices: Mapping[str, Mapping[str, str]] = {}
    lead = ""
    empty_title = lazy("Nothing here yet.")
    empty_text = ""

    @before_request(only=["list"])
    def refuse_odd_queries(self) -> None:
        """Answer 404 to orders, filters and pages that FAB would stumble over."""
        queries.check(self, request.args)

    def render_template(self, template: str, **kwargs: Any) -> Response:
        """Render a generated page with the words of this view."""
        return super().render_template(template, sms_view=self, **kwargs)

    def may(self, method: str) -> bool:
        """Whether the user may call a page or an action of this view.

        Templates ask here: Jinja works FAB's filter ``is_item_visible`` out once, for
        all users, when its arguments are constants.
        """
        if method in self.exclude_route_methods:
            return False
        permission = f"can_{self.get_method_permission(method)}"
        return permission in self.base_permissions and guards.may(
            permission, self.class_permission_name
        )

    def row_actions(self, values: Any) -> list[Any]:  # noqa: ARG002  (subclasses look at it)
        """The actions whose buttons stand beside a row of the list; all by default."""
        return list(self.actions.values())

    def row(self, pk: str) -> Any:
        """The row of this practice with this key; 404 for any other."""
        key = self._deserialize_pk_if_composite(pk)
        return self.datamodel.get(key, self._base_filters) or abort(404)

    def _deserialize_pk_if_composite(self, pk: str) -> str:
        """Answer 404 to what is no key; PostgreSQL would answer with an error."""
        return queries.key(pk)

    def _list(self, **kwargs: Any) -> Any:
        """List rows; FAB would share one set of filters between all threads."""
        filters = self.datamodel.get_filters(self.search_columns)
        search.narrow(filters, request.args)
        widgets = self._get_list_widget(
            filters=filters, **queries.place(self, request.args), **kwargs
        )
        self.update_redirect()
        widgets["filtered"] = bool(filters.get_filters_values())
        searchable = widgets["filtered"] or widgets["list"].template_args["count"]
        widgets["search"] = searchable and self.search_widget(
            row=search.row(self, filters, request.args),
            filtered=widgets["filtered"],
            clear=url_for(".list"),
        )
        query = request.query_string.decode("utf-8", "replace")
        cookie[LISTED] = [
            type(self).__name__,
            query if len(query) <= LONGEST_QUERY else "",
        ]
        return widgets

    def list_url(self) -> str:
        """The list as it was looked at last: on its page, with its filters."""
        name, query = cookie.get(LISTED) or ("", "")
        url = url_for(f"{self.endpoint}.list")
        return f"{url}?{query}" if query and name == type(self).__name__ else url

    def is_get_mutation_allowed(self) -> bool:
        """Never change anything by GET, whether or not the host has CSRFProtect."""
        return bool(request.method != "GET")

    @expose("/action/<string:name>/<pk>", methods=["POST"])
    def action(self, name: str, pk: str) -> Response:
        """Run an action on one row of this practice."""
        return self._run(name, [pk], single=True)

    @expose("/action_post", methods=["POST"])
    def action_post(self) -> Response:
        """Run an action on chosen rows of this practice."""
        return self._run(
            request.form.get("action", ""), request.form.getlist("rowid"), single=False
        )

    def _run(self, name: str, pks: list[str], *, single: bool) -> Response:
        action = self.actions.get(name)
        if action is None or not (action.single if single else action.multiple):
            abort(404)
        permission = self.get_action_permission_name(name)
        if not self.appbuilder.sm.has_access(permission, self.class_permission_name):
            return abort(403) if guards.signed_in() else guards.login_page()
        # FAB's own code leaves the base filters out here, and with them the practice.
        keys = [self._deserialize_pk_if_composite(pk) for pk in pks]
        rows = [self.datamodel.get(key, self._base_filters) for key in keys]
        rows = [row for row in rows if row is not None]
        if not rows:
            abort(404)
        result = action.func(rows[0] if single else rows)
        response: Response = make_response(result or redirect(self.get_redirect()))
        return response
