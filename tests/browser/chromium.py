"""The system's Chromium under Playwright, and where to get one."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
HOW_TO_GET = (
    "No Chromium was found. Install one (Debian: apt-get install chromium; Fedora: "
    "dnf install chromium), or name one: CHROMIUM=path make test."
)
ARGUMENTS = (
    # Containers run as root and without user namespaces; only our own pages are shown.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    # Nothing but this machine is asked for anything.
    "--no-proxy-server",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MILLISECONDS = 20_000


def path() -> Path | None:
    """Where the Chromium of this machine is."""
    if named := os.environ.get("CHROMIUM"):
        return Path(named)
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return Path(found) if found else None


@contextmanager
def started() -> Iterator[Browser]:
    """Run Chromium; the tests are skipped without one, or fail where one must be."""
    program = path()
    if program is None or not program.is_file():
        words = f"CHROMIUM={program} is no file." if program else HOW_TO_GET
        if program or os.environ.get("BROWSER_TESTS") == "required":
            pytest.fail(words)
        pytest.skip(words)
    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=list(ARGUMENTS)
        )
        yield browser
        browser.close()
