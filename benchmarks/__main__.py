"""``python -m benchmarks``: print every figure beside what it is compared with."""

from __future__ import annotations

import sys

from benchmarks import desk, inbox, live, recovery, sending


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sending.measure(say)
    recovery.measure(say)
    desk.measure(say)
    live.measure(say)
    inbox.measure(say)
