"""What the page of tasks shows: each task in words, with its text and its people."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask import url_for

from sms_plugin.models import SmsConversation, SmsMessage, SmsPatientPhone, SmsPhone
from sms_plugin.services import consents, returning, task_deeds, tasks
from sms_plugin.services.task_deeds import (
    ASKED,
    DEALT,
    DISMISS,
    KEEP,
    LIFT,
    OPT_OUT,
    OTHER,
    RIGHT,
    STAYS,
)
from sms_plugin.web import guards, on_file, phrases, reach, roles
from sms_plugin.web.language import lazy
from sms_plugin.web.phrases import Phrases

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    from sms_plugin.models import SmsPractice, SmsTask

HEADINGS = {
    tasks.MAYBE_OPT_OUT: (lazy("May want no more texts"), "wait"),
    tasks.MAYBE_OTHER: (lazy("Opted out, or meant something else"), "wait"),
    tasks.WANTS_TEXTS: (lazy("Asks for texts"), "info"),
    tasks.WRONG_NUMBER: (lazy("Wrong number"), "bad"),
    tasks.DEAD_NUMBER: (lazy("Phone cannot be reached"), "bad"),
    tasks.SILENT_PHONE: (lazy("Silent for too long"), "wait"),
}
LABELS = {
    OPT_OUT: lazy("Opt this phone out"),
    DISMISS: lazy("Not an opt-out: dismiss"),
    OTHER: lazy("They meant something else"),
    STAYS: lazy("They wanted no more texts"),
    DEALT: lazy("Done"),
    KEEP: lazy("Keep it out of use"),
    RIGHT: lazy("The number is right"),
    LIFT: lazy("Let texts go out again"),
    ASKED: lazy("Still the patient's: I asked"),
}
DECIDED = {
    OPT_OUT: lazy("Opted the phone out"),
    DISMISS: lazy("Not an opt-out"),
    OTHER: lazy("They meant something else"),
    STAYS: lazy("They wanted no more texts"),
    DEALT: lazy("Done"),
    KEEP: lazy("Kept out of use"),
    RIGHT: lazy("The number is right"),
    LIFT: lazy("Let texts go out again"),
    ASKED: lazy("Still the patient's"),
    "agreed": lazy("The patient agreed to texts"),
    "verified": lazy("Verified by a code"),
    "in_use": lazy("The phone answered"),
    "stopped": lazy("The patient opted out"),
}
# What is changed on the page of patients' phones.
ABOUT_PHONES = (tasks.WANTS_TEXTS, *tasks.ABOUT_NUMBERS)
MOST_PEOPLE = 20 * tasks.PAGE


@dataclass(frozen=True)
class Item:
    """One task with all that its card shows."""

    task: SmsTask
    phone: str
    patients: Sequence[str]
    text: str
    failure: str
    conversation: str
    phones: str
    opted_out: bool
    liftable: bool = False
    on_file: Sequence[str] = ()

    @property
    def heading(self) -> Any:
        """What it is about, and the colour of that."""
        return HEADINGS[self.task.kind]

    @property
    def deeds(self) -> list[tuple[str, Any]]:
        """What can be decided, each with the words of its button."""
        return [
            (deed, LABELS[deed])
            for deed in task_deeds.DEEDS[self.task.kind]
            if deed != LIFT or self.liftable
        ]

    @property
    def decided(self) -> Any:
        """What was decided."""
        return DECIDED.get(self.task.deed or DEALT, "")


@dataclass(frozen=True)
class Tasks:
    """One page of tasks: the open ones, or those done last."""

    items: Sequence[Item]
    done: bool
    before: int
    older: int
    say: Phrases
    plain: bool

    @classmethod
    def read(cls, practice: SmsPractice, args: Mapping[str, str]) -> Tasks:
        """Read the page that an address asks for."""
        session, done = guards.db(), args.get("show") == "done"
        before = reach.number_in(args, "before")
        if done:
            rows = tasks.done_tasks(session, practice.id)
        else:
            rows = tasks.open_tasks(
                session, practice.id, before=before or None, limit=tasks.PAGE + 1
            )
        more = not done and len(rows) > tasks.PAGE
        rows = rows[: tasks.PAGE] if more else rows
        say = Phrases.about(practice)
        return cls(
            items=_Facts.read(practice, rows).items(rows, say),
            done=done,
            before=before,
            older=rows[-1].id if more else 0,
            say=say,
            plain=guards.may(roles.WRITE, roles.TASKS),
        )


def _may_return(task: SmsTask) -> bool:
    """Whether a START from its phone may let staff lift a stop."""
    return task.kind == tasks.WANTS_TEXTS and task.done_at is None


@dataclass(frozen=True)
class _Facts:
    """What the cards of a page show, read in a handful of queries."""

    phones: Mapping[int, SmsPhone]
    messages: Mapping[int, SmsMessage]
    conversations: Mapping[int, int]
    patients: Mapping[int, list[str]]
    suppressed: Mapping[int, str]
    liftable: Collection[int]
    on_file: Mapping[int, Sequence[str]]

    @classmethod
    def read(cls, practice: SmsPractice, rows: Sequence[SmsTask]) -> _Facts:
        session = guards.db()
        phone_ids = {row.phone_id for row in rows if row.phone_id}
        message_ids = {row.message_id for row in rows if row.message_id}

        def of(mapped: Any, column: Any, keys: set[int], most: int) -> Any:
            mine = (mapped.practice_id == practice.id, column.in_(keys))
            query = sa.select(mapped).where(*mine).order_by(mapped.id).limit(most)
            return session.scalars(query).all() if keys else []

        patients: dict[int, list[str]] = defaultdict(list)
        for user in of(
            SmsPatientPhone, SmsPatientPhone.phone_id, phone_ids, MOST_PEOPLE
        ):
            patients[user.phone_id].append(str(user))
        phones = of(SmsPhone, SmsPhone.id, phone_ids, len(rows))
        messages = of(SmsMessage, SmsMessage.id, message_ids, len(rows))
        talks = of(SmsConversation, SmsConversation.phone_id, phone_ids, len(rows))
        unknown = [row for row in phones if row.id not in patients]
        return cls(
            phones={row.id: row for row in phones},
            on_file={row.id: on_file.names(practice, row) for row in unknown},
            messages={row.id: row for row in messages},
            conversations={row.phone_id: row.id for row in talks},
            patients=patients,
            suppressed=consents.suppressed(session, phone_ids),
            liftable=returning.proofs(
                session,
                practice.id,
                {row.phone_id for row in rows if row.phone_id and _may_return(row)},
            ),
        )

    def items(self, rows: Sequence[SmsTask], say: Phrases) -> list[Item]:
        """The cards of these tasks."""
        plain = guards.may(roles.WRITE, roles.INBOX)
        reads = guards.may(roles.READ, roles.INBOX)
        phones = (
            url_for("SmsPatientPhonesView.list")
            if guards.may(roles.READ, roles.PHONES)
            else ""
        )
        found = []
        for task in rows:
            phone_id = task.phone_id or 0
            text = self.messages.get(task.message_id or 0)
            inbound = text is not None and text.purpose == "inbound"
            talk = self.conversations.get(phone_id) if reads else None
            found.append(
                Item(
                    task=task,
                    phone=phrases.phone(self.phones.get(phone_id), plain=plain),
                    patients=self.patients.get(phone_id, []),
                    text=text.body if text and inbound else "",
                    failure=say.failure(text.error_code, text.reason)
                    if text and not inbound
                    else "",
                    conversation=url_for("SmsInboxView.thread", conversation_id=talk)
                    if talk
                    else "",
                    phones=phones if task.kind in ABOUT_PHONES else "",
                    opted_out=phone_id in self.suppressed,
                    on_file=self.on_file.get(phone_id, ()),
                    liftable=phone_id in self.liftable and _may_return(task),
                )
            )
        return found
