"""The demo as a newcomer runs it: every part a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.outside import free_port, wait_until

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.xdist_group("demo")


def environment() -> dict[str, str]:
    """Ports of its own, and nothing of the test's settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SMS_", "PORTAL"))}
    ports = {"DEMO_PORT": free_port(), "DEMO_CARRIER_PORT": free_port()}
    return kept | {name: str(port) for name, port in ports.items()}


def start(*words: str, **more: str) -> subprocess.Popen[str]:
    """Start the demo."""
    return subprocess.Popen(
        [sys.executable, "-m", "host_app.demo", *words],
        cwd=ROOT,
        env=environment() | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def children(pid: int) -> dict[int, str]:
    """Processes that a process started, with their command lines."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[1]
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if int(parent) == pid:
            found[int(folder.name)] = words
    return found


@pytest.mark.timeout(240)
def test_the_whole_round_is_played_and_both_sides_agree():
    demo = start("--once")
    output, _ = demo.communicate(timeout=220)

    assert demo.returncode == 0, output
    assert "The database and the carrier agree." in output
    assert "skipped: no consent" in output


@pytest.mark.timeout(60)
def test_a_busy_port_is_named_with_its_setting():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        demo = start("--once", DEMO_PORT=port)
        output, _ = demo.communicate(timeout=50)

    assert demo.returncode == 2
    assert f"Port {port} cannot be used" in output
    assert "DEMO_PORT=" in output


@pytest.mark.timeout(240)
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="it looks into /proc")
def test_the_death_of_a_part_ends_all_of_them():
    with start() as demo:
        try:
            output = ""
            for line in demo.stdout:
                output += line
                if "beat is ready" in line:
                    break
            parts = children(demo.pid)
            workers = [pid for pid, words in parts.items() if "sms worker" in words]
            assert len(workers) == 1, f"{output}{parts}"
            os.kill(workers[0], signal.SIGKILL)
            output, _ = demo.communicate(timeout=100)
        finally:
            demo.terminate()  # it ends its parts, too

    assert demo.returncode == 1, output
    assert "The worker ended with code -9" in output
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in parts))
