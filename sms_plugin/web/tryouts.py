"""The part of a template's editor that sends a test to one's own phone."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import request
from flask import session as cookie

from sms_plugin.core import phones
from sms_plugin.core.language import say
from sms_plugin.core.states import FINAL
from sms_plugin.errors import InvalidError
from sms_plugin.services import testing_texts
from sms_plugin.web import guards, words
from sms_plugin.web.phrases import Phrases

if TYPE_CHECKING:
    from sms_plugin.models import SmsMessage, SmsPractice, SmsTemplate

NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
LONGEST_PHONE = 40
# Whose number it is stands beside it, for browsers that several people use.
REMEMBERED = "sms_test_phone"


@dataclass
class Tryout:
    """What the part shows: the phone, and what became of the test that was sent.

    Attributes:
        phone: as it was typed, or the one used last.
        nonce: makes a double click one text.
        problem: why nothing was sent, in words.
        message_id: of the test that was sent; 0 while there is none.
        standing: how it stands, in words.
        tone: the colour of that.
        over: whether that is its last word.
    """

    phone: str = ""
    nonce: str = ""
    problem: str = ""
    message_id: int = 0
    standing: str = ""
    tone: str = "info"
    over: bool = True

    @classmethod
    def fresh(cls) -> Tryout:
        """The part as it stands before anything is sent."""
        return cls(phone=_remembered(), nonce=secrets.token_urlsafe(16))

    @classmethod
    def of(cls, message: SmsMessage, practice: SmsPractice) -> Tryout:
        """The part after a test was sent, and how that stands now."""
        part = cls.fresh()
        part.message_id = message.id
        phrases = Phrases.about(practice, [message])
        if message.state == "approved":  # by nobody
            why = phrases.reasons.get(message.id, "")
            part.standing = say("Your test has not gone out yet. {why}", why=why)
        else:
            standing = phrases.standing(message)
            part.standing = say("Your test: {standing}", standing=standing)
        part.tone = words.MESSAGE_STATES.get(message.state, ("", "info"))[1]
        part.over = message.state in FINAL or message.state == "withdrawn"
        return part

    def as_json(self) -> dict[str, Any]:
        """The same for the editor's script."""
        return {"standing": self.standing, "tone": self.tone, "over": self.over}


def send(template: SmsTemplate) -> SmsMessage:
    """Send what the form holds to the phone that was typed, and remember the phone.

    Raises:
        SmsError: nothing was sent; says why.
    """
    nonce = request.form.get("nonce", "")
    if not NONCE.fullmatch(nonce):
        raise InvalidError(say("This page was incomplete. Load it again."))
    tools = guards.toolbox()
    message = testing_texts.send(
        guards.db(),
        template.practice,
        template,
        request.form.get("body", ""),
        request.form.get("phone", "")[:LONGEST_PHONE],
        nonce=nonce,
        settings=tools.settings,
        actor=guards.actor(),
        now=tools.now(),
    )
    phone = message.phone
    if phone is not None:
        cookie[REMEMBERED] = [guards.actor().user_id, phone.e164]
    return message


def _remembered() -> str:
    user_id, e164 = cookie.get(REMEMBERED) or (None, "")
    return phones.display(e164) if user_id == guards.actor().user_id else ""
