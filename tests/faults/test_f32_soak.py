"""F32: days of texting in minutes, with faults of all kinds at any moment.

This is the short one; ``python -m tests.soak`` is the long one. It runs in a process of
its own, since it forks and must hold no threads.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys

import pytest

FAULTS = 150
PATIENCE = 600
ZEROS = (
    "lost",
    "doubled",
    "texts after suppression",
    "texts outside the window",
)


@pytest.mark.timeout(PATIENCE + 60)
def test_a_short_soak_loses_nothing_and_doubles_nothing(database):
    seed = os.environ.get("SOAK_SEED") or str(secrets.randbelow(10**6))
    words = ["--faults", str(FAULTS), "--seed", seed, "--database", database]

    report = run([sys.executable, "-m", "tests.soak", *words])

    found = dict(line.rsplit(maxsplit=1) for line in report if line[:1].islower())
    assert {rule: found.get(rule) for rule in ZEROS} == dict.fromkeys(ZEROS, "0")


def run(words: list[str]) -> list[str]:
    """What a program printed; all of it is shown when it does not end well."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as program:
        try:
            told, _ = program.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            # Its own processes end with it when it is asked, and not when it is killed.
            program.terminate()
            told, _ = program.communicate(timeout=30)
    assert program.returncode == 0, told
    return told.splitlines()
