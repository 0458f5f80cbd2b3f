"""Pictures that came with texts: Twilio's client lists them, and we fetch them."""

from __future__ import annotations

import re

from sms_plugin.core.language import mark
from sms_plugin.gateways.media import RemoteMedia
from sms_plugin.gateways.twilio_account import match
from sms_plugin.gateways.twilio_download import API, Download
from sms_plugin.gateways.twilio_registrations import TwilioRegistrations
from sms_plugin.gateways.twilio_transport import current

_MESSAGE_SID = re.compile(r"(SM|MM)[0-9a-f]{32}")
_MEDIA_SID = re.compile(r"ME[0-9a-f]{32}")
_NO_MESSAGE = mark("This is not a message id of Twilio's.")
_NO_MEDIA = mark("This is not a file id of Twilio's.")


class TwilioMedia(TwilioRegistrations):
    """Fetches by the ids of a text and its file; no address of a webhook is used."""

    def media_of(self, sid: str, *, limit: int = 10) -> list[RemoteMedia]:
        """List the files that came with the text of this id, so many at most."""
        match(_MESSAGE_SID, sid, _NO_MESSAGE)

        async def call() -> list[RemoteMedia]:
            records = await self._messages(sid).media.list_async(limit=limit)
            return [
                RemoteMedia(record.sid, record.content_type or "")
                for record in records
                if _MEDIA_SID.fullmatch(record.sid or "")
            ]

        return self._call(call)

    def fetch_media(self, sid: str, media_sid: str, *, most: int) -> bytes:
        """Fetch one file; Twilio's client has no call for what a file holds."""
        match(_MESSAGE_SID, sid, _NO_MESSAGE)
        match(_MEDIA_SID, media_sid, _NO_MEDIA)
        account = self._credentials.account_sid
        path = f"/2010-04-01/Accounts/{account}/Messages/{sid}/Media/{media_sid}"
        download = Download(
            api=self._base_url or API,
            login=(self._client.username, self._client.password),
            most=most,
        )

        async def call() -> bytes:
            return await download.fetch(path, current.get())

        return self._call(call)
