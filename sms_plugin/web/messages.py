"""Messages: every text, what became of it, and the texts that need a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import flash, redirect, url_for
from flask_appbuilder.actions import action

from sms_plugin.core.language import say
from sms_plugin.core.states import State
from sms_plugin.errors import ConfigError, SmsError
from sms_plugin.models import SmsMessage
from sms_plugin.services import provenance, reconcile
from sms_plugin.services.wording import KINDS
from sms_plugin.web import guards, phrases, roles, words
from sms_plugin.web.base_views import PERMISSIONS
from sms_plugin.web.crud import KeyPagedView
from sms_plugin.web.datamodels import PagedInterface
from sms_plugin.web.language import lazy
from sms_plugin.web.operations import send_again

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response

    from sms_plugin.models import SmsPractice


class MessageInterface(PagedInterface):
    """Texts, and beside their columns how each stands: why it waits, and until when."""

    def get_values_item(self, item: Any, show_columns: Any) -> list[Any]:
        """Values of one text."""
        [values] = self.get_values([item], show_columns)
        return [values[column] for column in show_columns]

    def get_values(self, lst: Any, list_columns: Any) -> list[dict[str, Any]]:
        """Values of a page of texts."""
        say = phrases.Phrases.about(guards.practice_or_404(), lst)
        return [
            {column: _value(item, column, say) for column in list_columns}
            for item in lst
        ]


def _value(item: SmsMessage, column: str, said: phrases.Phrases) -> Any:
    if column == "standing":
        return said.standing(item)
    if column in {"body", "original_body"}:
        # The words of a code would let whoever reads them pass for the patient.
        return words.body(item.purpose, getattr(item, column))
    return getattr(item, column)


class SmsMessagesView(KeyPagedView):
    """Every text of the practice, in both directions.

    A text whose outcome nobody could learn waits here for a person's decision.
    """

    datamodel = MessageInterface(SmsMessage)
    route_base = "/sms/messages"
    class_permission_name = roles.MESSAGES
    base_permissions = [roles.READ, roles.WRITE]  # noqa: RUF012  (FAB reads a plain list)
    method_permission_name = PERMISSIONS | {
        "send_again": "write",
        "leave": "write",
        "revoke_links": "write",
    }
    list_title = lazy("Messages")
    show_title = lazy("Message")
    lead = lazy("Every text from and to this practice, the newest first.")
    empty_title = lazy("No text was made yet.")
    empty_text = lazy("Texts are made from jobs, from notices, and in the inbox.")
    show_template = "sms_plugin/messages/show.html"
    eager = ("phone",)
    list_columns = (
        "created_at", "patient_name", "phone", "purpose", "kind", "state", "standing",
    )  # fmt: skip
    show_columns = (
        "state", "standing", "error_code", "purpose", "kind", "patient_name", "phone",
        "body", "original_body", "segments", "encoding", "cost_micros", "author",
        "approved_by", "approved_at", "due_at", "submitted_at", "delivered_at",
        "created_at",
    )  # fmt: skip
    search_columns = ("patient_name", "state", "purpose", "kind")
    label_columns = {  # noqa: RUF012  (FAB adds to a plain dict)
        "created_at": lazy("Made"),
        "patient_name": lazy("Patient"),
        "phone": lazy("Phone"),
        "purpose": lazy("From"),
        "kind": lazy("Kind"),
        "state": lazy("State"),
        "standing": lazy("How it stands"),
        "error_code": lazy("Error of the gateway"),
        "body": lazy("Text"),
        "original_body": lazy("Text before it was edited"),
        "segments": lazy("Segments"),
        "encoding": lazy("Encoding"),
        "cost_micros": lazy("Price"),
        "author": lazy("Written by"),
        "approved_by": lazy("Approved by"),
        "approved_at": lazy("Approved"),
        "due_at": lazy("Goes out at"),
        "submitted_at": lazy("Handed to the gateway"),
        "delivered_at": lazy("Delivered"),
    }
    formatters_columns = {  # noqa: RUF012  (as above)
        "phone": words.unbroken(words.masked_phone),
        "purpose": words.badge(words.PURPOSES),
        "kind": words.kind,
        "state": words.badge(words.MESSAGE_STATES),
        "cost_micros": words.money,
        **dict.fromkeys(
            ("created_at", "approved_at", "due_at", "submitted_at", "delivered_at"),
            words.local_time,
        ),
        **dict.fromkeys(
            ("error_code", "original_body", "author", "approved_by", "patient_name"),
            lambda value: value or words.NONE,
        ),
    }
    search_choices = {  # noqa: RUF012  (as above)
        "state": words.labels(words.MESSAGE_STATES)
        | {"accepted": lazy("At the gateway")},
        "purpose": words.labels(words.PURPOSES),
        "kind": {key: lazy(KINDS[key].label) for key in KINDS},
    }

    def row_actions(self, values: Any) -> list[Any]:
        """What can be decided about a text that nobody knows the outcome of."""
        open_question = values["state"] == State.REVIEW
        return [self.actions["leave"], self.actions["send_again"]] * open_question

    def links_work(self, pk: str) -> bool:
        """Whether a payment link of this text can be made to stop working."""
        return provenance.can_revoke(guards.db(), guards.practice_id(), int(pk))

    @action("leave", lazy("Leave it"), None, "fa-check", multiple=False)
    def leave(self, message: SmsMessage) -> Response:
        """A person takes the text as sent."""
        return self._decide(lambda practice: _leave(practice, message.id))

    @action("send_again", lazy("Send it again"), None, "fa-repeat", multiple=False)
    def send_again(self, message: SmsMessage) -> Response:
        """A person has the text sent once more, unless the gateway has it."""
        return self._decide(lambda practice: send_again(practice, message.id))

    @action(
        "revoke_links", lazy("Make the payment link stop working"), None, "fa-unlink",
        multiple=False,
    )  # fmt: skip
    def revoke_links(self, message: SmsMessage) -> Response:
        """Whoever opens the payment link of a text sees that it does not work."""
        return self._decide(
            lambda practice: _revoke(practice, message.id),
            back=url_for(".show", pk=message.id),
        )

    def _decide(
        self, decision: Callable[[SmsPractice], str], *, back: str = ""
    ) -> Response:
        session = guards.db()
        try:
            said = decision(guards.practice_or_404())
            session.commit()
        except (SmsError, ConfigError) as error:
            session.rollback()
            flash(str(error), "danger")
        else:
            guards.toolbox().wake()
            flash(said, "success")
        return redirect(back or self.list_url())


def _leave(practice: SmsPractice, message_id: int) -> str:
    reconcile.decide(
        guards.db(),
        practice,
        message_id,
        send_again=False,
        actor=guards.actor(),
        now=guards.toolbox().now(),
    )
    return say("The text is left as it is.")


def _revoke(practice: SmsPractice, message_id: int) -> str:
    provenance.revoke(
        guards.db(),
        practice,
        message_id,
        actor=guards.actor(),
        now=guards.toolbox().now(),
    )
    return say("The payment link of this text does not work any more.")
