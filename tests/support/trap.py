"""What a malicious payload in the queue would like to run."""

from __future__ import annotations

SPRUNG: list[object] = []


def spring(*args: object, **kwargs: object) -> None:
    """Say that code ran which must not."""
    SPRUNG.append((args, kwargs))


class Pickled:
    """Springs the trap when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return spring, ("unpickled",)
