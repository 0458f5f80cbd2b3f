"""Errors as pages in plain words, and the icon that every browser asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

if TYPE_CHECKING:
    from flask import Flask, Response

WORDS = {
    403: ("Not allowed", "Your roles do not open this page. Ask an admin of yours."),
    404: ("Not found", "There is no such page, or it is not yours to see."),
    405: ("Not found", "This address takes no visits. Begin on the first page."),
    413: ("The file is too large", "Split it into files of at most 20 MB."),
    429: ("Too many tries", "Please wait a minute and try again."),
    500: ("Something went wrong", "Nothing is lost. Please try again in a minute."),
}


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_error_handler(HTTPException, explain)
    app.register_error_handler(CSRFError, explain_stale_form)
    app.add_url_rule("/favicon.ico", "favicon", favicon)


def explain(error: HTTPException) -> tuple[str, int] | HTTPException:
    """Say what went wrong; redirects and answers made elsewhere stay as they are."""
    code = error.code
    if code is None or code < 400 or error.response is not None:
        return error
    title, reason = WORDS.get(code, (error.name, error.description or ""))
    return _page(title, reason), code


def explain_stale_form(error: CSRFError) -> tuple[str, int]:
    """Say what to do when a page was open longer than its form lives."""
    reason = (
        f"{error.description} Nothing was changed. Go back, load the page again, and "
        "send it once more."
    )
    return _page("Please try again", reason), 400


def favicon() -> Response:
    """The icon, for pages that do not name it."""
    return current_app.send_static_file("favicon.svg")


def _page(title: str, reason: str) -> str:
    home = "/patient/" if request.path.startswith("/patient/") else "/"
    return render_template("error.html", title=title, reason=reason, home=home)
