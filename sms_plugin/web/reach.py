"""What the signed-in user may reach: rows of any practice of theirs that texts.

A link in an email may lead to another practice than the one last worked in; such a row
is shown, and whatever is done to it is done for its own practice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask import abort, flash
from flask_appbuilder.hooks import before_request
from sqlalchemy.orm import joinedload

from sms_plugin.core.language import say
from sms_plugin.errors import (
    ConflictError,
    DoubtError,
    InvalidError,
    LimitError,
    NotAllowedError,
    NotFoundError,
    SmsError,
)
from sms_plugin.models import SmsConversation, SmsJob
from sms_plugin.web import guards
from sms_plugin.web.base_views import SmsBaseView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sms_plugin.models import SmsPractice

LARGEST_ID = 2**63 - 1
"""What a key column can hold; a larger number in an address would be an error there."""

STATUS = {
    NotAllowedError: 403,
    ConflictError: 409,
    DoubtError: 409,
    InvalidError: 400,
    LimitError: 429,
}


class SmsReachView(SmsBaseView):
    """A page about rows of any practice of the user's, and not only the chosen one."""

    needs_texting_on = False

    @before_request
    def hide_while_all_off(self) -> None:
        """Answer 404 to signed-in users none of whose practices texts."""
        if guards.signed_in() and not _texting():
            abort(404)


def own_practice(practice_id: int) -> SmsPractice:
    """A practice of the user's that texts; 404 for any other."""
    found = next((row for row in _texting() if row.id == practice_id), None)
    return found or abort(404)


def own_job(job_id: int) -> SmsJob:
    """A job of a practice of the user's that texts; 404 for any other."""
    job = (
        guards.db()
        .scalars(
            sa.select(SmsJob)
            .where(SmsJob.id == job_id, SmsJob.practice_id.in_(_ids()))
            .options(joinedload(SmsJob.practice))
        )
        .one_or_none()
    )
    return job or abort(404)


def own_conversation(conversation_id: int) -> SmsConversation:
    """A conversation of a practice of the user's that texts; 404 for any other."""
    row = (
        guards.db()
        .scalars(
            sa.select(SmsConversation)
            .where(
                SmsConversation.id == conversation_id,
                SmsConversation.practice_id.in_(_ids()),
            )
            .options(joinedload(SmsConversation.phone))
        )
        .one_or_none()
    )
    return row or abort(404)


def work_in(practice: SmsPractice) -> None:
    """Let the header and the lists follow the page to its practice."""
    if guards.chosen_practice() is not practice:
        guards.switch_practice(practice.id)


def number_in(values: Mapping[str, str], name: str) -> int:
    """A key in a query or form; 0 when there is none or it is none."""
    text = values.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        return 0
    return min(int(text), LARGEST_ID)


def refuse(error: SmsError) -> int:
    """Undo what the request began and say which status its answer has."""
    guards.db().rollback()
    if isinstance(error, NotFoundError):
        abort(404)
    return next((STATUS[kind] for kind in STATUS if isinstance(error, kind)), 400)


def wake() -> None:
    """After the commit: ask the workers to send, and say so when they do not hear."""
    if not guards.toolbox().wake():
        flash(
            say(
                "The sending service did not answer. The texts are safe and go out a "
                "little later."
            ),
            "warning",
        )


def _texting() -> list[SmsPractice]:
    return [row for row in guards.my_practices() if guards.is_on(row)]


def _ids() -> list[int]:
    return [row.id for row in _texting()]
