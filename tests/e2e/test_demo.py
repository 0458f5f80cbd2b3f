"""The demo as a newcomer runs it: every part a process of its own."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
from pathlib import Path

import pytest

from tests.support.demo import start
from tests.support.outside import wait_until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a demo keeps its database and its logs."""
    return tmp_path / "demo"


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
def test_the_whole_round_is_played_and_both_sides_agree(folder):
    demo = start(folder, "--once")
    output, _ = demo.communicate(timeout=220)

    assert demo.returncode == 0, output
    assert "The database and the carrier agree." in output
    assert "skipped: no consent" in output


@pytest.mark.timeout(60)
def test_a_busy_port_is_named_with_its_setting(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        demo = start(folder, "--once", DEMO_PORT=port)
        output, _ = demo.communicate(timeout=50)

    assert demo.returncode == 2
    assert f"Port {port} cannot be used" in output
    assert "DEMO_PORT=" in output


@pytest.mark.timeout(60)
def test_a_folder_that_another_demo_has_is_left_alone(folder):
    folder.mkdir()
    (folder / "portal.db").write_text("of the other one")
    with (folder / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        demo = start(folder, "--once")
        output, _ = demo.communicate(timeout=50)

    assert demo.returncode == 2
    assert f"Another demo runs in {folder}" in output
    assert (folder / "portal.db").read_text() == "of the other one"


@pytest.mark.timeout(60)
def test_a_folder_that_no_demo_made_is_not_emptied(folder):
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    demo = start(folder, "--once")
    output, _ = demo.communicate(timeout=50)

    assert demo.returncode == 2
    assert "holds files that no demo made" in output
    assert (folder / "thesis.txt").exists()


@pytest.mark.timeout(240)
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="it looks into /proc")
def test_the_death_of_a_part_ends_all_of_them(folder):
    with start(folder) as demo:
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
