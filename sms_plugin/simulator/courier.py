"""Brings texts where they go, in Twilio's order, and knows when all is done."""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sms_plugin.simulator import stock, wire
from sms_plugin.simulator.callbacks import Letter, Postman

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from concurrent.futures import Future

    from sms_plugin.simulator.carrier import Carrier
    from sms_plugin.simulator.entities import Text
    from sms_plugin.simulator.rules import Step

_log = logging.getLogger(__name__)
_FINAL: Final = frozenset({"delivered", "undelivered"})


def status_params(text: Text) -> dict[str, str]:
    """Return the form of a status callback for the text's present status."""
    params = {
        "AccountSid": text.account_sid,
        "ApiVersion": "2010-04-01",
        "From": text.sender,
        "MessageSid": text.sid,
        "MessageStatus": text.status,
        "SmsSid": text.sid,
        "SmsStatus": text.status,
        "To": text.recipient,
    }
    if text.error_code is not None:
        params["ErrorCode"] = str(text.error_code)
    if text.status in _FINAL and text.updated is not None:
        params["RawDlrDoneDate"] = f"{text.updated:%y%m%d%H%M}"
    return params


def inbound_params(text: Text) -> dict[str, str]:
    """Return the form that announces an inbound text."""
    params = {
        "AccountSid": text.account_sid,
        "ApiVersion": "2010-04-01",
        "Body": text.body,
        "From": text.sender,
        "MessageSid": text.sid,
        "NumMedia": str(len(text.pictures)),
        "NumSegments": str(text.segments),
        "SmsMessageSid": text.sid,
        "SmsSid": text.sid,
        "SmsStatus": "received",
        "To": text.recipient,
    }
    for place, sid in enumerate(text.pictures):
        uri = wire.picture(text, sid)["uri"].removesuffix(".json")
        params[f"MediaUrl{place}"] = f"https://api.twilio.com{uri}"
        params[f"MediaContentType{place}"] = wire.PICTURE_KIND
    for end, number in (("From", text.sender), ("To", text.recipient)):
        city, state = stock.place_of(number)
        params |= {
            f"{end}City": city.upper(),
            f"{end}Country": "US",
            f"{end}State": state,
            f"{end}Zip": "",
        }
    return params


class Courier:
    """Carries texts on the server's loop; made inside of it."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._loop = asyncio.get_running_loop()
        self._postman = Postman(carrier)
        self._tasks: set[asyncio.Task[None]] = set()
        self._pending = 0
        self._change = threading.Condition()

    async def close(self) -> None:
        """Drop what is on its way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._postman.close()

    def carry(self, text: Text) -> asyncio.Future[None]:
        """Bring a text to its handset; done after its last callback. Loop only."""
        self._count()
        if text.status_callback:
            return self._loop.create_task(self._watched(self._carry(text)))
        done = self._loop.create_future()
        self._walk(text, iter(self._carrier.steps(text)), done)
        return done

    def announce(self, text: Text) -> Future[None]:
        """Call the webhook of an inbound text; done after the answer. Any thread."""
        self._count()
        return asyncio.run_coroutine_threadsafe(
            self._watched(self._announce(text)), self._loop
        )

    def wait_idle(self, timeout: float) -> None:
        """Block the calling thread until nothing is on its way.

        Raises:
            TimeoutError: after *timeout* seconds; says how much was left.
        """
        with self._change:
            if not self._change.wait_for(lambda: self._pending == 0, timeout):
                raise TimeoutError(f"{self._pending} texts are still on their way")

    def _count(self) -> None:
        """Count one more on its way, before its task runs: wait_idle must see it."""
        with self._change:
            self._pending += 1

    def _uncount(self) -> None:
        with self._change:
            self._pending -= 1
            if not self._pending:
                self._change.notify_all()

    async def _watched(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await work
        except Exception:  # noqa: BLE001 - nobody awaits this task, so say it here
            _log.exception("a text got lost on its way")
        finally:
            self._tasks.discard(task)
            self._uncount()

    def _walk(
        self, text: Text, steps: Iterator[Step], done: asyncio.Future[None]
    ) -> None:
        """Take the next step of a text that nobody follows: cheaper than a task."""
        step = next(steps, None)
        if step is None:
            done.set_result(None)
            self._uncount()
        else:
            self._loop.call_later(
                step.after / self._carrier.speed, self._step, text, step, steps, done
            )

    def _step(
        self,
        text: Text,
        step: Step,
        steps: Iterator[Step],
        done: asyncio.Future[None],
    ) -> None:
        self._carrier.advance(text, step.word, step.error_code)
        self._walk(text, steps, done)

    async def _carry(self, text: Text) -> None:
        faults = self._carrier.faults
        letters: list[Letter] = []
        for step in self._carrier.steps(text):
            await asyncio.sleep(step.after / self._carrier.speed)
            self._carrier.advance(text, step.word, step.error_code)
            if not text.status_callback:
                continue
            letter = Letter("status", text.status_callback, status_params(text), text)
            letters += [letter] * faults.callbacks.duplicate
            faults.met["status callback duplicated"] += faults.callbacks.duplicate - 1
            if not faults.callbacks.shuffle:
                await self._post_in_order(letters)
                letters = []
        if letters:
            in_order = list(letters)
            faults.met["status callback shuffled"] += 1
            faults.random.shuffle(letters)
            await self._post_in_order(
                letters if letters != in_order else in_order[::-1]
            )

    async def _post_in_order(self, letters: list[Letter]) -> None:
        faults = self._carrier.faults
        for letter in letters:
            if faults.chance(faults.callbacks.drop):
                self._drop(letter)
            else:
                await self._delay(letter)
                await self._postman.post(letter)

    def _drop(self, letter: Letter) -> None:
        self._carrier.faults.met[f"{letter.kind} callback dropped"] += 1
        self._postman.note(letter, 0, None, "dropped by a fault")

    async def _delay(self, letter: Letter) -> None:
        seconds = self._carrier.faults.callbacks.delay
        if seconds:
            self._carrier.faults.met[f"{letter.kind} callback delayed"] += 1
            await asyncio.sleep(seconds)

    async def _announce(self, text: Text) -> None:
        faults = self._carrier.faults
        number = self._carrier.number(text.recipient)
        url = "" if number is None or number.sms_application_sid else number.sms_url
        fallback = number.sms_fallback_url if number is not None else ""
        letter = Letter(
            "inbound", url, inbound_params(text), text, secrets.token_hex(16)
        )
        if not url:
            self._postman.note(letter, 0, None, "the number has no webhook in force")
        elif faults.chance(faults.callbacks.drop_inbound):
            self._drop(letter)
        else:
            await self._delay(letter)
            copies = range(faults.callbacks.duplicate)
            faults.met["inbound callback duplicated"] += len(copies) - 1
            await asyncio.gather(*(self._deliver(letter, fallback) for _ in copies))

    async def _deliver(self, letter: Letter, fallback: str) -> None:
        """Post an inbound text, to the number's fallback URL if that fails."""
        if await self._postman.post(letter) or not fallback:
            return
        params = {**letter.params, "ErrorCode": "11200", "ErrorUrl": letter.url}
        second = replace(letter, kind="fallback", url=fallback, params=params)
        await self._postman.post(second)
