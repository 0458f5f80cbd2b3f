"""What an open conversation shows of the team: its owner, notes, and who is writing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import render_template

from sms_plugin.core.language import say
from sms_plugin.services import reply_drafts, team
from sms_plugin.web import guards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sms_plugin.models import SmsConversation, SmsNote, SmsPractice
    from sms_plugin.services.team import Colleague


@dataclass(frozen=True)
class Team:
    """The people around one conversation, as the person at the screen sees them."""

    row: SmsConversation
    practice: SmsPractice
    notes: Sequence[SmsNote]
    drafts: reply_drafts.Drafts
    me: int
    plain: bool
    show: str | None
    last_id: int

    @classmethod
    def read(
        cls,
        practice: SmsPractice,
        row: SmsConversation,
        *,
        since: int,
        before: int | None,
        show: str | None,
        plain: bool,
        last_id: int,
    ) -> Team:
        """Read the notes beside a page of the thread, and the drafts."""
        tools, actor = guards.toolbox(), guards.actor()
        session = guards.db()
        return cls(
            row=row,
            practice=practice,
            notes=team.notes(session, row, since=since, before=before),
            drafts=reply_drafts.of(session, row, actor, now=tools.now()),
            me=actor.user_id or 0,
            plain=plain,
            show=show,
            last_id=last_id,
        )

    @property
    def is_mine(self) -> bool:
        """Whether the person at the screen has the conversation."""
        return self.row.owner_id == self.me

    def colleagues(self) -> Sequence[Colleague]:
        """To whom it may be given; who has it already is left out."""
        everybody = team.colleagues(guards.toolbox().port, self.practice)
        return [
            one
            for one in everybody
            if one.user_id not in {self.me, self.row.owner_id or 0}
        ]

    def writing(self) -> str:
        """A sentence on who else is writing an answer just now, or nothing."""
        names = ", ".join(self.drafts.writing)
        return say("{names} is writing an answer.", names=names) if names else ""

    def told(self, note: SmsNote) -> str:
        """What a note that is no note says was done."""
        sentences = {
            "taken": say("{name} took this conversation.", name=note.author),
            "assigned": say(
                "{name} gave this conversation to {other}.",
                name=note.author,
                other=note.body,
            ),
            "freed": say("{name} freed this conversation.", name=note.author),
            "closed": say("{name} closed this conversation.", name=note.author),
            "linked": say(
                "{name} linked this phone to {other}.",
                name=note.author,
                other=note.body,
            ),
            "reopened": say("{name} opened this conversation again.", name=note.author)
            if note.author
            else say("A new text opened this conversation again."),
        }
        return sentences.get(note.kind, note.body)

    def html(self) -> str:
        """The owner and the buttons alone, for a page that is open."""
        return render_template("sms_plugin/inbox/_team.html", team=self)
