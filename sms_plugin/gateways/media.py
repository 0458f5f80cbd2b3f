"""What the plugin asks of a gateway about pictures that came with patients' texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sms_plugin.core.language import mark

TOO_LARGE = mark("The file is too large.")
ELSEWHERE = mark("The file is not kept by the texting service itself.")


@dataclass(frozen=True, slots=True)
class RemoteMedia:
    """A file that came with a text; the kind is what the sender's phone called it."""

    sid: str
    content_type: str = ""


class CarriesMedia(Protocol):
    """The part of a gateway that hands out pictures; see ``gateways.base.Gateway``."""

    def media_of(self, sid: str, *, limit: int = 10) -> list[RemoteMedia]:
        """List the files that came with the text of this id, so many at most."""
        ...

    def fetch_media(self, sid: str, media_sid: str, *, most: int) -> bytes:
        """Fetch one file from the gateway itself, and from nowhere else.

        No address that came with a text is ever called: the gateway builds its own
        from the two ids.

        Args:
            sid: id of the text.
            media_sid: id of the file.
            most: bytes; reading ends as soon as there are more.

        Raises:
            NotTakenError: the file is too large, or the gateway names a place for it
                that is none of its own.
            GatewayError: it is not there (404), or did not come.
        """
        ...
