"""Headers and guards of every page: content policy and redirects to own pages."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from flask import g, redirect, request

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug import Response

# Pages of the patient portal carry no script at all.
PATIENT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# FAB's own templates use style attributes and give their scripts a nonce.
STAFF_POLICY = (
    "default-src 'self'; script-src 'nonce-{nonce}' 'strict-dynamic'; "
    "style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def init_app(app: Flask) -> None:
    """Guard every request and response of *app*."""
    app.before_request(refuse_foreign_next)
    app.after_request(add_headers)
    # FAB's templates ask for a nonce by this name.
    app.jinja_env.globals["csp_nonce"] = csp_nonce


def csp_nonce() -> str:
    """The nonce of this response's scripts."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def refuse_foreign_next() -> Response | None:
    r"""Go to the first page where ``next`` is what browsers take for another host.

    FAB refuses ``//evil.com`` but lets ``/\evil.com`` pass, which browsers take for
    the same; see the URL standard on special schemes, where ``\`` counts as ``/``.
    """
    for target in request.args.getlist("next"):
        if "\\" in target or any(ord(character) < 0x20 for character in target):
            return redirect("/")
    return None


def add_headers(response: Response) -> Response:
    """Set the security headers that the view has not set itself."""
    is_patient = request.path.startswith("/patient/")
    policy = PATIENT_POLICY if is_patient else STAFF_POLICY.format(nonce=csp_nonce())
    headers = response.headers
    headers.setdefault("Content-Security-Policy", policy)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    if request.endpoint and not request.endpoint.endswith("static"):
        headers.setdefault("Cache-Control", "no-store")
    return name_language(response)


def name_language(response: Response) -> Response:
    """Name the language of FAB's frame, which screen readers need and FAB leaves out.

    WCAG 2.2, success criterion 3.1.1.
    """
    if response.mimetype == "text/html" and response.is_sequence:
        response.data = response.data.replace(b"<html>", b'<html lang="en">', 1)
    return response
