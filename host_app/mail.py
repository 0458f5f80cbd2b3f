"""Emails to staff: by SMTP where a server is named, else files to look at.

``PORTAL_SMTP_URL`` names the server, such as ``smtp://user:secret@mail.example.com``
(STARTTLS) or ``smtps://...`` (TLS from the start); ``smtp+plain://`` is for a server on
this machine. Without it every email is a file in ``PORTAL_MAIL_FOLDER``, which any mail
program opens.
"""

from __future__ import annotations

import secrets
import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from urllib.parse import unquote, urlsplit

from flask import current_app

from host_app import clock

# Shorter than the ten seconds that the plugin grants, since a server answers in steps.
SECONDS = 3
PORTS = {"smtp": 587, "smtp+plain": 25, "smtps": 465}


def send(recipient: str, subject: str, text: str) -> None:
    """Send one email.

    Raises:
        OSError: the server could not be reached, or refused it (SMTPException).
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = current_app.config["PORTAL_MAIL_FROM"]
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = clock.now()
    message.set_content(text)
    url = current_app.config.get("PORTAL_SMTP_URL")
    if url:
        _by_server(message, url)
    else:
        _into_folder(message, Path(current_app.config["PORTAL_MAIL_FOLDER"]))


def _by_server(message: EmailMessage, url: str) -> None:
    parts = urlsplit(url)
    host, port = parts.hostname or "localhost", parts.port or PORTS[parts.scheme]
    context = ssl.create_default_context()
    server: smtplib.SMTP
    if parts.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, port, timeout=SECONDS)
    with server:
        if parts.scheme == "smtp":
            server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)


def _into_folder(message: EmailMessage, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{clock.now():%Y%m%d-%H%M%S}-{secrets.token_hex(4)}.eml"
    (folder / name).write_bytes(message.as_bytes())
