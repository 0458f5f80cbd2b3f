"""Messages: create, fetch and list."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from sms_plugin.simulator import rules, wire
from sms_plugin.simulator.gate import Answer, Call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sms_plugin.simulator.entities import Text


def send(call: Call) -> Answer:
    """Messages.create: take a text, or refuse it."""
    form = call.params
    sender, recipient, body = rules.check_send(call.carrier, call.account.sid, form)
    text = call.carrier.accept(
        call.account.sid, sender, recipient, body, form.get("StatusCallback", "")
    )
    return Answer(201, wire.message(text), text)


def fetch_message(call: Call) -> Answer:
    """Messages.fetch."""
    return Answer(200, wire.message(_own(call)))


def list_pictures(call: Call) -> Answer:
    """Media.list of a message."""
    text = _own(call)
    return Answer(
        200,
        wire.page(
            "media_list",
            text.pictures,
            path=call.path,
            query=call.params,
            show=lambda sid: wire.picture(text, sid),
        ),
    )


def fetch_picture(call: Call) -> Answer:
    """What a picture holds: the answer leads to where files are kept, as Twilio's."""
    sid = call.parts["picture"]
    if sid not in _own(call).pictures:
        raise rules.RefusedError(20404)
    return Answer(307, location=f"/simulator/pictures/{sid}")


def _own(call: Call) -> Text:
    """The text of the path, of the account that asks."""
    text = call.carrier.text(call.parts["sid"])
    if text is None or text.account_sid != call.account.sid:
        raise rules.RefusedError(20404)
    return text


def list_messages(call: Call) -> Answer:
    """Messages.list: newest first, filtered by To, From and the day of DateSent."""
    query = call.params
    sender, recipient = query.get("From", ""), query.get("To", "")
    texts = call.carrier.texts_with(call.account.sid, sender or recipient)
    fits = _date_filter(query)
    end = len(texts)
    last_shown = call.carrier.text(query.get("PageToken", "").removeprefix("PA"))
    if last_shown is not None:
        end = bisect_left(texts, last_shown.serial, key=lambda text: text.serial)

    def rows() -> Iterator[Text]:
        for index in range(end - 1, -1, -1):
            text = texts[index]
            ends_fit = sender in {"", text.sender} and recipient in {"", text.recipient}
            if ends_fit and fits(text):
                yield text

    return Answer(
        200,
        wire.page(
            "messages", rows(), path=call.path, query=call.params, show=wire.message
        ),
    )


def _date_filter(query: Mapping[str, str]) -> Callable[[Text], bool]:
    """Read DateSent and its < and >, which compare whole days as Twilio promises."""
    on, until, since = (
        _day(query[name]) if query.get(name) else None
        for name in ("DateSent", "DateSent<", "DateSent>")
    )
    if on is until is since is None:
        return lambda _text: True

    def fits(text: Text) -> bool:
        if text.sent is None:
            return False
        day = text.sent.astimezone(UTC).date()
        return (
            (on is None or day == on)
            and (until is None or day <= until)
            and (since is None or day >= since)
        )

    return fits


def _day(raw: str) -> date:
    try:
        return datetime.fromisoformat(raw).date()
    except ValueError:
        raise rules.RefusedError(20001) from None
