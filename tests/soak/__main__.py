"""``python -m tests.soak``: inject faults for days of simulated time, then account."""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
from pathlib import Path

from tests.soak.report import lines
from tests.soak.run import soak


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the soak; the exit code is 1 when any rule was broken."""
    ask = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    ask.add_argument("--faults", type=int, default=10_000)
    ask.add_argument("--seed", type=int, default=None, help="default: a new one")
    ask.add_argument(
        "--database", choices=("sqlite", "postgresql"), default="postgresql"
    )
    ask.add_argument("--log", type=Path, help="file for what the processes log")
    given = ask.parse_args()
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    # So that the processes end with us, also when we are asked to.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("asked to end"))
    say(f"seed {seed}, {given.faults} faults, {given.database}")
    result = soak(given.faults, seed, given.database, log=given.log, say=say)
    for line in lines(result):
        say(line)
    return 0 if result.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
