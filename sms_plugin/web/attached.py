"""What the inbox says and shows of pictures that came with patients' texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask import url_for

from sms_plugin.core.language import mark, say
from sms_plugin.services import media
from sms_plugin.web import guards

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sms_plugin.models import SmsConversation
    from sms_plugin.services.media import Attached

    Files = Mapping[int, Sequence[Attached]]
    """Files by the ids of their texts."""

STANDINGS: Final = {
    "waiting": mark("Being fetched"),
    "gone": mark("Not there any more"),
}
REFUSALS: Final = {
    "too_large": mark("Not taken: too large"),
    "kind": mark("Not taken: neither a picture nor a PDF file"),
    "elsewhere": mark("Not taken: not kept by the texting service"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One file as the thread shows it."""

    file: Attached

    @property
    def state(self) -> str:
        """A word that changes when the file is to be shown anew."""
        return self.file.state

    @property
    def is_ready(self) -> bool:
        """Whether it can be opened."""
        return self.file.is_ready

    @property
    def is_picture(self) -> bool:
        """Whether it is shown as a picture."""
        return self.file.is_ready and self.file.is_picture

    @property
    def name(self) -> str:
        """What it is."""
        if self.file.is_picture:
            return say("Picture from the patient")
        return say("File from the patient (PDF)")

    @property
    def standing(self) -> str:
        """Why it cannot be opened."""
        if self.file.state == "refused":
            return say(REFUSALS.get(self.file.reason, "") or mark("Not taken"))
        return say(STANDINGS.get(self.file.state, ""))

    @property
    def url(self) -> str:
        """Where the file itself is."""
        return url_for("SmsMediaView.file", media_id=self.file.id)

    @property
    def preview_url(self) -> str:
        """Where a small picture of it is."""
        return url_for("SmsMediaView.preview", media_id=self.file.id)


def word(files: Sequence[Attached]) -> str:
    """What stands in the place of a text without words."""
    if not files:
        return ""
    if all(file.is_ready and not file.is_picture for file in files):
        return say("File")
    return say("Picture")


def of_previews(practice_id: int, rows: Sequence[SmsConversation]) -> Files:
    """The files of last texts that say nothing; no query where each says something."""
    ids = [row.last_message_id for row in rows if not row.preview.strip()]
    return media.of_texts(guards.db(), practice_id, [key for key in ids if key])
