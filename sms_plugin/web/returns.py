"""The way back to the host's page that a form stood on."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import request

LONGEST = 1000
# One slash, then what browsers read as a part of the path; they take "\" for "/", and
# leave out tabs and line breaks before they look.
_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


def here() -> str:
    """The page that is being shown, for the form on it."""
    path = request.full_path.removesuffix("?")
    return path if request.method == "GET" and safe(path) else ""


def safe(path: str) -> str:
    """The path if it leads to a page of this portal, else an empty one."""
    if len(path) > LONGEST or not _PATH.fullmatch(path):
        return ""
    parts = urlsplit(path)
    return "" if parts.scheme or parts.netloc else path
