"""Pictures for tests, made here, and the webhook of a text that brings some."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from PIL import Image

from tests.support import host
from tests.support.world import NUMBER

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.world import World

SID = "MM" + "a" * 32
PDF = b"%PDF-1.7\n%of a test\n"
JPEG = "image/jpeg"


def media_sid(number: int) -> str:
    """An id of a file."""
    return f"ME{number:032x}"


def url(sid: str = SID, media: str = media_sid(1)) -> str:
    """The address that Twilio names in a webhook."""
    account = f"https://api.twilio.com/2010-04-01/Accounts/{host.ACCOUNT}"
    return f"{account}/Messages/{sid}/Media/{media}"


def picture(
    kind: str = "JPEG", size: tuple[int, int] = (64, 48), mode: str = "RGB", **more: Any
) -> bytes:
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new(mode, size, "orange" if mode == "RGB" else None).save(out, kind, **more)
    return out.getvalue()


def announce(
    world: World, sender: str, *urls: str, body: str = "", sid: str = SID, **more: str
) -> TestResponse:
    """A patient's text comes by its webhook, with files at these addresses."""
    params = {
        "AccountSid": host.ACCOUNT,
        "MessageSid": sid,
        "From": sender,
        "To": NUMBER,
        "Body": body,
        "NumMedia": str(len(urls)),
    }
    for place, address in enumerate(urls):
        params[f"MediaUrl{place}"] = address
        params[f"MediaContentType{place}"] = JPEG
    return world.hook("/sms/hooks/inbound", params | more)
