"""The demo as a process of its own, as a newcomer starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.outside import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
READY = "Ctrl-C ends everything"


@dataclass(frozen=True)
class Demo:
    """A demo that has played its round and goes on."""

    url: str
    carrier_url: str


def environment(folder: Path) -> dict[str, str]:
    """Ports and a folder of its own, and nothing of the test's settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SMS_", "PORTAL"))}
    ports = {"DEMO_PORT": free_port(), "DEMO_CARRIER_PORT": free_port()}
    words = {name: str(port) for name, port in ports.items()}
    return kept | words | {"DEMO_FOLDER": str(folder)}


def start(folder: Path, *words: str, **more: str) -> subprocess.Popen[str]:
    """Start the demo in a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "host_app.demo", *words],
        cwd=ROOT,
        env=environment(folder) | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@contextmanager
def running(folder: Path) -> Iterator[Demo]:
    """Run a demo, its round played, until the block ends."""
    port, carrier_port = free_port(), free_port()
    ports = {"DEMO_PORT": str(port), "DEMO_CARRIER_PORT": str(carrier_port)}
    with start(folder, **ports) as process:
        try:
            output = ""
            for line in process.stdout:
                output += line
                if READY in line:
                    break
            else:
                raise AssertionError(f"The demo ended:\n{output}")
            yield Demo(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{carrier_port}")
        finally:
            process.terminate()  # it ends its parts, too
            process.communicate(timeout=100)
