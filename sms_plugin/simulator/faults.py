"""Faults that a tester switches on: of REST answers and of webhooks.

Everything random comes from one seeded generator, so that a run can be repeated.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import asdict, dataclass, fields
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(Enum):
    """What happens to a request."""

    DELAY = "delay"  # processed, answered after ``seconds``
    HANG = "hang"  # never answered
    RESET = "reset"  # accepted, then the connection is reset without an answer
    ERROR = "error"  # accepted, then 500, 502 or 503
    HTML = "html"  # accepted, then 201 with a page instead of JSON
    EMPTY = "empty"  # accepted, then ``201 {}``
    TRUNCATED = "truncated"  # accepted, then half of the JSON
    THROTTLE = "throttle"  # not accepted, 429
    CREDENTIALS = "credentials"  # not accepted, 401 with 20003


class Asks(Enum):
    """Which requests a fault meets."""

    SEND = "send"
    BUY = "buy"
    READ = "read"
    ANY = "any"


# Whether the request is carried out although its answer is spoilt.
_ACCEPTS: Final = {
    Kind.HANG: False,
    Kind.THROTTLE: False,
    Kind.CREDENTIALS: False,
}


@dataclass(slots=True)
class RequestFault:
    """One fault of REST requests.

    Attributes:
        kind: what happens.
        request: which requests it meets.
        times: how many more requests; None for all.
        share: the part of the requests that it meets, 0 to 1.
        seconds: wait before acting.
        accepts: whether the request is carried out; by default as the kind says.
        status: HTTP status of ``error`` (503) and ``throttle`` (429).
        code: error code in the body (20500, 20429 or 20003).
        html: ``error`` answers with a page instead of JSON.
        retry_after: seconds in a ``Retry-After`` header.
        account_sid: only requests of this account.
    """

    kind: Kind
    request: Asks = Asks.SEND
    times: int | None = None
    share: float = 1.0
    seconds: float = 0.0
    accepts: bool | None = None
    status: int | None = None
    code: int | None = None
    html: bool = False
    retry_after: float | None = None
    account_sid: str | None = None

    def __post_init__(self) -> None:
        self.kind, self.request = Kind(self.kind), Asks(self.request)
        if self.accepts is None:
            self.accepts = _ACCEPTS.get(self.kind, True)
        if self.times is not None and self.times < 1:
            raise ValueError("times must be 1 or more")

    def meets(self, request: Asks, account_sid: str) -> bool:
        """Whether this fault is meant for such a request."""
        return self.request in {request, Asks.ANY} and self.account_sid in {
            None,
            account_sid,
        }


@dataclass(slots=True)
class CallbackFaults:
    """Faults of the carrier's own calls; chances are 0 to 1.

    Attributes:
        drop: chance that a status callback is not made.
        drop_inbound: chance that an inbound text is not announced.
        duplicate: how often each webhook is called; inbound ones at the same time.
        shuffle: status callbacks of one text come out of order.
        early: they come before the answer to Messages.create.
        delay: seconds before each webhook call.
    """

    drop: float = 0.0
    drop_inbound: float = 0.0
    duplicate: int = 1
    shuffle: bool = False
    early: bool = False
    delay: float = 0.0


class Mode(Enum):
    """The carrier's health as a whole, a knob of the page."""

    NORMAL = "normal"
    SLOW = "slow"
    FAILING = "failing"
    THROTTLING = "throttling"


_Row = TypeVar("_Row", RequestFault, CallbackFaults)


class Faults:
    """The faults in force; safe to change from any thread.

    ``met`` counts what they spoilt, by what was met and how: ``send reset`` for a
    request, ``status callback dropped`` for a call of the carrier's own.
    """

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)  # noqa: S311 - repeatable faults, no secrets
        self.callbacks = CallbackFaults()
        self.mode = Mode.NORMAL
        self.mode_seconds = 3.0
        self.met: Counter[str] = Counter()
        self._requests: list[RequestFault] = []
        self._lock = threading.Lock()

    def add(self, kind: Kind | str, **options: Any) -> RequestFault:
        """Add a fault of REST requests; see ``RequestFault`` for the options."""
        fault = _read(RequestFault, {"kind": kind, **options})
        with self._lock:
            self._requests.append(fault)
        return fault

    def set_callbacks(self, **options: Any) -> None:
        """Replace the faults of webhooks; see ``CallbackFaults``."""
        self.callbacks = _read(CallbackFaults, options)

    def set_mode(self, mode: Mode | str, seconds: float = 3.0) -> None:
        """Set the carrier's health; *seconds* is the wait of slow and throttling."""
        self.mode, self.mode_seconds = Mode(mode), min(max(float(seconds), 0.0), 600.0)

    def clear(self) -> None:
        """End every fault."""
        with self._lock:
            self._requests.clear()
        self.callbacks = CallbackFaults()
        self.mode = Mode.NORMAL

    def take(self, request: Asks, account_sid: str) -> RequestFault | None:
        """Return the fault that meets this request, counting it off."""
        fault = self._chosen(request, account_sid)
        if fault is not None:
            self.met[f"{request.value} {fault.kind.value}"] += 1
        return fault

    def chance(self, share: float) -> bool:
        """Decide by lot; certain at 1, never at 0."""
        return share >= 1 or (share > 0 and self.random.random() < share)

    def load(self, data: Mapping[str, Any]) -> None:
        """Take faults as JSON; a key that is missing leaves its part as it is.

        Args:
            data: ``requests`` (a list), ``callbacks``, ``mode`` and ``mode_seconds``.

        Raises:
            ValueError: for an unknown name or value; nothing is changed then.
        """
        unknown = set(data) - {"requests", "callbacks", "mode", "mode_seconds"}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        requests = [_read(RequestFault, row) for row in data.get("requests", ())]
        callbacks = _read(CallbackFaults, data.get("callbacks", {}))
        mode, seconds = Mode(data.get("mode", self.mode)), data.get("mode_seconds", 3.0)
        if "requests" in data:
            with self._lock:
                self._requests[:] = requests
        if "callbacks" in data:
            self.callbacks = callbacks
        self.set_mode(mode, seconds)

    def as_json(self) -> dict[str, Any]:
        """Describe what is in force, in the form that ``load`` takes."""
        with self._lock:
            requests = [asdict(fault) for fault in self._requests]
        for row in requests:
            row["kind"], row["request"] = row["kind"].value, row["request"].value
        return {
            "requests": requests,
            "callbacks": asdict(self.callbacks),
            "mode": self.mode.value,
            "mode_seconds": self.mode_seconds,
        }

    def _chosen(self, request: Asks, account_sid: str) -> RequestFault | None:
        if self._requests:
            with self._lock:
                for fault in self._requests:
                    if not fault.meets(request, account_sid) or not self.chance(
                        fault.share
                    ):
                        continue
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times <= 0:
                            self._requests.remove(fault)
                    return fault
        return self._of_mode()

    def _of_mode(self) -> RequestFault | None:
        if self.mode is Mode.NORMAL:
            return None
        if self.mode is Mode.SLOW:
            return RequestFault(Kind.DELAY, Asks.ANY, seconds=self.mode_seconds)
        if self.mode is Mode.FAILING:
            return RequestFault(Kind.ERROR, Asks.ANY, accepts=False)
        return RequestFault(Kind.THROTTLE, Asks.ANY, retry_after=self.mode_seconds)


def _read(row: type[_Row], data: Mapping[str, Any]) -> _Row:
    """Build a fault from plain values, refusing names and types it does not have."""
    known = {field.name: str(field.type) for field in fields(row)}
    for name, value in data.items():
        if name not in known:
            raise ValueError(f"unknown option: {name}")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and (
            ("bool" in known[name] and not isinstance(value, bool))
            or (("float" in known[name] or "int" in known[name]) and not number)
        ):
            raise ValueError(f"{name} cannot be {value!r}")
    try:
        return row(**data)
    except TypeError:
        raise ValueError("kind is missing") from None
