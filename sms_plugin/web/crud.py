"""Generated screens of rows that people look at: phones, messages, ledger and logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, request, url_for
from flask_appbuilder.hooks import before_request
from flask_appbuilder.models.filters import BaseFilter

from sms_plugin.core.language import say_stored
from sms_plugin.models import (
    SmsAudit,
    SmsWebhookEvent,
)
from sms_plugin.web import guards, roles, words
from sms_plugin.web.base_views import SmsModelView
from sms_plugin.web.datamodels import PagedInterface
from sms_plugin.web.language import lazy

if TYPE_CHECKING:
    from sqlalchemy.orm import Query


class KeyPagedView(SmsModelView):
    """A list of a table that grows: newest first, by key, without a count.

    FAB would count every row and skip the first hundred thousand of them.
    """

    eager: tuple[str, ...] = ()
    order_columns = ("id",)

    def _get_list_widget(
        self, filters: Any, widgets: Any = None, page_size: Any = None, **_: Any
    ) -> Any:
        rows, last = self.datamodel.page(
            filters.get_joined_filters(self._base_filters),
            before=request.args.get("before", type=int),
            limit=page_size or self.page_size,
            eager=self.eager,
        )
        here: dict[str, Any] = request.args.to_dict(flat=False)
        widgets = widgets or {}
        widgets["list"] = self.list_widget(
            label_columns=self.label_columns,
            include_columns=self.list_columns,
            value_columns=self.datamodel.get_values(rows, self.list_columns),
            order_columns=(),
            formatters_columns=self.formatters_columns,
            count=len(rows),
            pks=self.datamodel.get_keys(rows),
            actions=self.actions,
            filters=filters,
            modelview_name=type(self).__name__,
            older=last and url_for(".list", **{**here, "before": last}),
            newest="before" in here and url_for(".list", **here | {"before": None}),
            by_key=True,
        )
        return widgets


class SmsEventsView(KeyPagedView):
    """What the gateway sent, for operators; what patients wrote does not show."""

    datamodel = PagedInterface(SmsWebhookEvent)
    route_base = "/sms/events"
    class_permission_name = roles.EVENTS
    needs_texting_on = False
    all_practices = True
    base_filters: list[Any] = []  # noqa: RUF012  (of every practice, and none of their data)
    list_title = lazy("Webhook events")
    show_title = lazy("Webhook event")
    lead = lazy(
        "Requests of the gateway, signed and stored. Their content is not shown."
    )
    empty_title = lazy("The gateway has not called yet.")
    list_columns = ("received_at", "kind", "state", "tries", "applied_at")
    show_columns = (*list_columns, "account_id", "key")
    search_columns = ("kind", "state")
    label_columns = {  # noqa: RUF012  (FAB adds to a plain dict)
        "received_at": lazy("Received"),
        "kind": lazy("Kind"),
        "state": lazy("State"),
        "tries": lazy("Tries"),
        "applied_at": lazy("Applied"),
        "account_id": lazy("Account"),
        "key": lazy("Key"),
    }
    search_choices = {  # noqa: RUF012  (as above)
        "kind": words.EVENT_KINDS,
        "state": words.labels(words.EVENT_STATES),
    }
    formatters_columns = {  # noqa: RUF012  (as above)
        "received_at": words.local_time,
        "applied_at": words.local_time,
        "kind": words.word(words.EVENT_KINDS),
        "state": words.badge(words.EVENT_STATES),
    }


class OwnPracticeOrAll(BaseFilter):
    """The practice at hand; every practice for who may read webhook events."""

    name = lazy("Practice")

    def apply(self, query: Query[Any], value: Any) -> Query[Any]:  # noqa: ARG002  (FAB passes it)
        """Keep the rows that the user may see."""
        if _sees_all():
            return query
        return query.filter(SmsAudit.practice_id == guards.practice_id())


class SmsAuditView(KeyPagedView):
    """Who did what; operators see every practice."""

    datamodel = PagedInterface(SmsAudit)
    route_base = "/sms/audit"
    class_permission_name = roles.AUDIT
    base_filters = [["practice_id", OwnPracticeOrAll, None]]  # noqa: RUF012  (FAB reads a plain list)
    list_title = lazy("Audit log")
    show_title = lazy("Entry of the audit log")
    lead = lazy("Who did what. Entries can never be changed or removed.")
    empty_title = lazy("Nothing was done yet.")
    list_columns = ("at", "user_name", "action", "detail", "practice_id")
    show_columns = (*list_columns, "object_id")
    search_columns = ("user_name", "action")
    label_columns = {  # noqa: RUF012  (FAB adds to a plain dict)
        "at": lazy("When"),
        "user_name": lazy("Who"),
        "action": lazy("What"),
        "detail": lazy("More"),
        "practice_id": lazy("Practice"),
        "object_id": lazy("Number of the row"),
    }
    search_choices = {"action": words.DEEDS}  # noqa: RUF012  (as above)
    formatters_columns = {  # noqa: RUF012  (as above)
        "at": words.local_time,
        "action": words.word(words.DEEDS),
        "detail": lambda value: say_stored(value or "") or words.NONE,
        "practice_id": words.practice,
        "object_id": lambda value: value or words.NONE,
    }

    @before_request
    def hide_while_off(self) -> None:
        """Show the log to operators also where texting is off."""
        if guards.signed_in() and not may_see_audit():
            abort(404)


def may_see_audit() -> bool:
    """Whether there is an audit log for this user here."""
    return guards.texting_is_on() or _sees_all()


def _sees_all() -> bool:
    return guards.may(roles.READ, roles.EVENTS)
