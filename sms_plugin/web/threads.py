"""What the two panes of the inbox show."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from flask import abort, render_template, request, url_for

from sms_plugin.core.language import say
from sms_plugin.models import SmsNote
from sms_plugin.services import (
    inbox,
    later,
    media,
    office,
    phones_in_use,
    quick_replies,
    searching,
)
from sms_plugin.services.actors import SYSTEM
from sms_plugin.web import attached, guards, on_file, reach, roles, sending_at, words
from sms_plugin.web.attached import Shown
from sms_plugin.web.decisions import search_in
from sms_plugin.web.language import lazy
from sms_plugin.web.phrases import Phrases, phone, title
from sms_plugin.web.teamwork import Team

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sms_plugin.models import (
        SmsConversation,
        SmsMessage,
        SmsPatientPhone,
        SmsPractice,
        SmsQuickReply,
    )
    from sms_plugin.web.attached import Files

FILTERS = {
    "all": lazy("All"),
    "unread": lazy("Unread"),
    "waiting": lazy("Needs answer"),
    "mine": lazy("Mine"),
    "unassigned": lazy("Unassigned"),
    "failed": lazy("Did not arrive"),
    "opted_out": lazy("Opted out"),
    "closed": lazy("Closed"),
}
# Within this time after the patient's own text nobody minds an answer at night.
IN_TALK = timedelta(minutes=60)
# A text that went out this soon after it was written went out at once.
SOON = timedelta(minutes=2)


@dataclass(frozen=True)
class Listed:
    """One page of the list of conversations."""

    rows: Sequence[SmsConversation]
    show: str
    paged: bool
    next_key: str
    say: Phrases
    plain: bool
    search: str = ""
    found: Mapping[int, SmsMessage] = field(default_factory=dict)
    attached: Files = field(default_factory=dict)

    @classmethod
    def read(cls, practice: SmsPractice) -> Listed:
        """Read the page that the request asks for."""
        if search := search_in(request.args):
            return cls._found(practice, search)
        show = show_in(request.args) or "all"
        key = request.args.get("before", "")
        rows = inbox.conversations(
            guards.db(),
            practice.id,
            show=show,
            me=guards.actor().user_id,
            before=_place(key) if key else None,
            limit=inbox.PAGE + 1,
        )
        last = rows[inbox.PAGE - 1] if len(rows) > inbox.PAGE else None
        return cls(
            attached=attached.of_previews(practice.id, rows),
            rows=rows[: inbox.PAGE],
            show=show,
            paged=bool(key),
            next_key=_key(last) if last else "",
            say=Phrases.about(practice),
            plain=guards.may(roles.WRITE, roles.INBOX),
        )

    @classmethod
    def _found(cls, practice: SmsPractice, search: str) -> Listed:
        hits = searching.find(guards.db(), practice.id, search)
        return cls(
            attached=attached.of_previews(practice.id, [hit.row for hit in hits]),
            rows=[hit.row for hit in hits],
            show="all",
            paged=True,
            next_key="",
            say=Phrases.about(practice),
            plain=guards.may(roles.WRITE, roles.INBOX),
            search=search,
            found={hit.row.id: hit.message for hit in hits if hit.message is not None},
        )

    def address(self, row: SmsConversation) -> str:
        """Where a conversation is opened: at the text that a search found it by."""
        hit = self.found.get(row.id)
        return url_for(
            "SmsInboxView.thread",
            conversation_id=row.id,
            show=self.show if self.show != "all" else None,
            search=self.search or None,
            older=hit and hit.id + 1,
            _anchor=f"text-{hit.id}" if hit else None,
        )

    def preview(self, row: SmsConversation) -> str:
        """The beginning of the last text, or of the one that was found."""
        hit = self.found.get(row.id)
        said = row.preview if hit is None else hit.body[:120]
        files = self.attached.get(row.last_message_id or 0, ())
        return said if said.strip() else attached.word(files)

    def filters(self) -> Mapping[str, Any]:
        """What the list may be narrowed to, in words."""
        return FILTERS

    def counted(self) -> dict[str, str]:
        """How many conversations there are to each filter, as it is shown."""
        found = inbox.counts(
            guards.db(), self.say.practice.id, me=guards.actor().user_id
        )
        most = inbox.MOST_COUNTED
        return {
            show: f"{most - 1}+" if count >= most else str(count)
            for show, count in found.items()
        }

    def name(self, row: SmsConversation) -> str:
        """Whom a conversation is with."""
        return title(row, plain=self.plain)

    def owner(self, row: SmsConversation) -> str:
        """Who has a conversation, in a word."""
        mine = row.owner_id is not None and row.owner_id == guards.actor().user_id
        return say("Yours") if mine else row.owner_name or ""

    def news(self) -> int:
        """The newest text of those that nobody has read; it grows when one comes."""
        return max(
            (row.last_message_id or 0 for row in self.rows if row.unread), default=0
        )

    def html(self, opened: SmsConversation | None) -> str:
        """The list alone, for a page that is open."""
        return render_template(
            "sms_plugin/inbox/_list.html", listed=self, opened_id=opened and opened.id
        )


@dataclass(frozen=True)
class Opened:
    """One conversation: its texts, who uses the phone, and whether one may write."""

    row: SmsConversation
    texts: Sequence[SmsMessage]
    older: int
    paged: bool
    users: Sequence[SmsPatientPhone]
    locked: str | None
    say: Phrases
    plain: bool
    team: Team
    attached: Files = field(default_factory=dict)

    @classmethod
    def read(
        cls, practice: SmsPractice, row: SmsConversation, *, before: int | None = None
    ) -> Opened:
        """Read the last texts of a conversation, or those before an id."""
        session = guards.db()
        texts = inbox.thread(session, row, before=before, limit=inbox.THREAD_PAGE + 1)
        more = len(texts) > inbox.THREAD_PAGE
        texts = texts[1:] if more else texts
        plain = guards.may(roles.WRITE, roles.INBOX)
        return cls(
            row=row,
            texts=texts,
            older=texts[0].id if more else 0,
            paged=before is not None,
            users=inbox.patients_of(session, row.phone),
            locked=inbox.locked(session, practice, row.phone),
            say=Phrases.about(practice, texts),
            plain=plain,
            team=Team.read(
                practice,
                row,
                since=texts[0].id if more else 0,
                before=before,
                show=show_in(request.args),
                plain=plain,
                last_id=max((row.last_message_id or 0, *(text.id for text in texts))),
            ),
            attached=media.of_texts(session, practice.id, [row.id for row in texts]),
        )

    @property
    def name(self) -> str:
        """Whom the conversation is with."""
        return title(self.row, plain=self.plain)

    @property
    def phone(self) -> str:
        """The phone, masked for those who may only read."""
        return phone(self.row.phone, plain=self.plain)

    def on_file(self) -> Sequence[str]:
        """Whom the host has on file under a phone that no patient of texts uses."""
        return () if self.users else on_file.names(self.say.practice, self.row.phone)

    @property
    def last_id(self) -> int:
        """Up to which text the page shows the conversation."""
        return self.team.last_id

    def entries(self) -> Iterator[SmsMessage | SmsNote]:
        """Texts with the notes between them, oldest first."""
        waiting = deque(self.team.notes)
        for text in self.texts:
            while waiting and waiting[0].after_id < text.id:
                yield waiting.popleft()
            yield text
        yield from waiting

    def is_note(self, entry: SmsMessage | SmsNote) -> bool:
        """Whether an entry is of the staff alone."""
        return isinstance(entry, SmsNote)

    def author(self, message: SmsMessage) -> str:
        """Who wrote a text, in words."""
        if message.purpose == "inbound":
            return self._patient(message) or say("Patient")
        if message.purpose == "reply":
            return _answerer(message)
        if message.purpose in {"test", "code"}:
            return str(words.PURPOSES[message.purpose][0])
        label = words.kind(message.kind)
        if message.purpose == "job":
            if not message.approved_by:
                return say("{kind}, approved by staff", kind=label)
            return say(
                "{kind}, approved by {name}", kind=label, name=message.approved_by
            )
        return say("{kind}, sent automatically", kind=label)

    def body(self, message: SmsMessage) -> str:
        """What a text says; of a code only that it is one."""
        said = words.body(message.purpose, message.body) or ""
        files = self.attached.get(message.id, ())
        return said if said.strip() else attached.word(files)

    def files(self, message: SmsMessage) -> Sequence[Shown]:
        """The pictures that came with a text, or why they are not here."""
        return [Shown(file) for file in self.attached.get(message.id, ())]

    def went_out(self, message: SmsMessage) -> str:
        """When a text went out that had been written long before; else nothing."""
        at = message.submitted_at
        return self.say.moment(at) if at and at - message.created_at > SOON else ""

    def about(self, message: SmsMessage) -> str:
        """Whom a text on a shared phone is about."""
        if len(self.users) < 2:
            return ""
        return self._patient(message) or say("not known")

    def asks(self, message: SmsMessage) -> bool:
        """Whether staff may say whom a patient's text is about."""
        shared = self.plain and len(self.users) > 1
        return shared and message.purpose == "inbound"

    def quick_replies(self) -> Sequence[SmsQuickReply]:
        """The practice's answers, those of the phone's language first."""
        found = quick_replies.of(guards.db(), self.say.practice.id)
        own = self.row.phone.language or self.say.practice.language or "en"
        return sorted(found, key=lambda one: one.language != own)

    def late(self) -> str:
        """A word of warning when the patient may be asleep."""
        said, now = self.row.phone.last_inbound_at, self.say.now
        if (said is not None and now - said <= IN_TALK) or not self.opens():
            return ""
        return say("It is outside texting hours there. What you send goes out at once.")

    def opens(self) -> str:
        """When texting hours begin there, in words; empty when it is in them."""
        at = sending_at.opening(self.say.practice, self.row.phone, self.say.now)
        return self.say.moment(at) if at else ""

    def earliest(self) -> str:
        """The first minute that may be chosen, as a field of a form has it."""
        zone = ZoneInfo(self.say.practice.timezone)
        return f"{self.say.now.astimezone(zone):%Y-%m-%dT%H:%M}"

    def can_cancel(self, message: SmsMessage) -> bool:
        """Whether a text waits for its hour, and the person may take it back."""
        return self.plain and later.waits(message)

    def out_of_use(self) -> str:
        """A word of warning when the number may be somebody else's."""
        if self.row.phone.condition != phones_in_use.WRONG:
            return ""
        return say(
            "Somebody wrote that this is not the patient's number. Write nothing about "
            "a patient here before you know who reads it."
        )

    def html(self) -> str:
        """The texts alone, for a page that is open."""
        return render_template("sms_plugin/inbox/_texts.html", opened=self)

    def _patient(self, message: SmsMessage) -> str:
        named = {user.patient_ref: user.patient_name for user in self.users}
        return message.patient_name or named.get(message.patient_ref, "")


def _answerer(message: SmsMessage) -> str:
    """Who wrote a reply: one of the staff, or nobody."""
    if message.author_id is not None or message.author != SYSTEM.name:
        return message.author or say("Staff")
    if office.is_away(message):
        return say("Sent automatically, the office was closed")
    return say("Answer to HELP, sent automatically")


def show_in(values: Mapping[str, str]) -> str | None:
    """Which list an address asks for; None is all of it."""
    show = values.get("show", "")
    return show if show in FILTERS and show != "all" else None


def _key(row: SmsConversation) -> str:
    """The place of a row in the list: its moment in microseconds, and its id."""
    since = row.last_at - datetime(1970, 1, 1, tzinfo=UTC)
    return f"{since // timedelta(microseconds=1)}-{row.id}"


def _place(key: str) -> tuple[datetime, int]:
    moment, _, row_id = key.partition("-")
    values = {"moment": moment, "id": row_id}
    since = timedelta(microseconds=reach.number_in(values, "moment"))
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + since, reach.number_in(values, "id")
    except OverflowError:
        return abort(404)
