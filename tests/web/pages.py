"""What tests of pages read from an answer."""

from __future__ import annotations

import re
from contextlib import contextmanager

import pytest
from bs4 import BeautifulSoup

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""For tests in which the kind of database plays no part."""


def soup(answer) -> BeautifulSoup:
    """The page as a tree."""
    return BeautifulSoup(answer.text, "html.parser")


def words(answer) -> str:
    """The words of the page's own part and of its messages, on one line."""
    page = soup(answer)
    parts = [*page.select(".alert"), *page.select("main")]
    return " ".join(" ".join(part.get_text(" ") for part in parts).split())


def token(answer) -> str:
    """The token that the page's forms carry."""
    return soup(answer).select_one("main input[name=csrf_token]")["value"]


def is_login(answer) -> bool:
    """Whether the answer sends a visitor to log in."""
    return answer.status_code == 302 and "/login/" in answer.location


def unsafe_parts(answer) -> list[str]:
    """Scripts and styles that a strict content policy would refuse, in our part."""
    main = str(soup(answer).select_one("main"))
    handlers = re.findall(r"<[^>]+\son\w+=", main)
    styles = re.findall(r"<[^>]+\sstyle=|<style", main)
    scripts = [
        str(script)
        for script in soup(answer).select("script")
        if not script.get("src") and "nonce" not in script.attrs
    ]
    return handlers + styles + scripts


@contextmanager
def csrf(app):
    """Switch the tokens on, as they are outside of tests."""
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        yield
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
