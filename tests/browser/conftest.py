"""One demo and one Chromium for all walks; each person signs in once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser import chromium, sight
from tests.browser.people import People
from tests.support import demo as demos

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from tests.support.demo import Demo


# Not for the whole session: Playwright leaves an event loop running while it lives,
# which other tests of the same process would stumble over.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine."""
    with chromium.started() as started:
        yield started


@pytest.fixture(scope="package")
def demo(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that has played its round."""
    with demos.running(tmp_path_factory.mktemp("demo") / "demo") as running:
        yield running


@pytest.fixture(scope="package")
def _people(browser: Browser, demo: Demo) -> People:
    return People(browser, demo)


@pytest.fixture
def people(_people: People) -> Iterator[People]:
    """The people of the demo; their pages are closed after the test."""
    yield _people
    unseen = _people.leave()
    assert not unseen, f"The browser complained: {unseen}"


@pytest.fixture
def visit(people: People) -> Callable[..., Page]:
    """``visit(who, width)`` opens a page of somebody who is signed in."""
    return people.visit


@pytest.fixture
def look() -> Callable[..., None]:
    """``look(page, name)`` takes a picture and finds nothing wrong with the page."""
    return sight.look
