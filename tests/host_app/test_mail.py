"""Emails to staff: who could get one, and where it goes."""

from __future__ import annotations

import email
import smtplib
from email.policy import default

import pytest

from host_app import config, mail
from host_app.port import PortalPort
from host_app.seed_data import HARBOR, STEPS
from sms_plugin.port import MailsStaff, StaffMail

LETTER = StaffMail(
    "Texts wait for approval: Harbor", "3 texts wait.", "https://x.test/1"
)


@pytest.fixture
def folder(portal, tmp_path, monkeypatch):
    """Where the emails of a portal without a mail server are."""
    monkeypatch.setitem(portal.config, "PORTAL_MAIL_FOLDER", str(tmp_path / "mail"))
    return tmp_path / "mail"


def staff(practice):
    return {one.name: one for one in PortalPort().staff_of(practice)}


def test_staff_are_the_members_who_may_sign_in(portal):
    found = staff(HARBOR)

    assert isinstance(PortalPort(), MailsStaff)
    assert {"Bill Biller", "Ada Admin", "Flo Floater"} <= found.keys()
    assert "Fred Former" not in found
    assert "Sam Support" not in found
    assert "Ada Admin" not in staff(STEPS)
    assert found["Bill Biller"].email.startswith("biller@")


def test_without_a_mail_server_an_email_is_a_file(portal, folder):
    biller = staff(HARBOR)["Bill Biller"]

    PortalPort().mail_staff(HARBOR, biller.id, LETTER)

    [file] = folder.iterdir()
    message = email.message_from_bytes(file.read_bytes(), policy=default)
    assert message["To"] == biller.email
    assert message["Subject"] == LETTER.subject
    assert message.get_content().split() == [
        *("3", "texts", "wait.", "https://x.test/1"),
    ]
    assert file.suffix == ".eml"


def test_somebody_of_another_practice_is_not_mailed(portal, folder):
    admin = staff(HARBOR)["Ada Admin"]

    with pytest.raises(ValueError, match="unpack"):
        PortalPort().mail_staff(STEPS, admin.id, LETTER)

    assert not folder.exists()


class Server:
    """A mail server that writes down what it is asked."""

    seen: list[tuple] = []  # noqa: RUF012  (one for all, read by the test)

    def __init__(self, host, port, *, timeout, **_more):
        self.seen.append(("connect", host, port, timeout))

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.seen.append(("quit",))

    def starttls(self, *, context):
        assert context.check_hostname
        self.seen.append(("starttls",))

    def login(self, user, password):
        self.seen.append(("login", user, password))

    def send_message(self, message):
        self.seen.append(("send", message["To"]))


def test_a_mail_server_is_asked_with_a_time_limit(portal, folder, monkeypatch):
    Server.seen.clear()
    monkeypatch.setattr(smtplib, "SMTP", Server)
    url = "smtp://portal:a%40b@mail.test"
    monkeypatch.setitem(portal.config, "PORTAL_SMTP_URL", url)

    mail.send("biller@example.com", "Subject", "Text")

    assert Server.seen == [
        ("connect", "mail.test", 587, mail.SECONDS),
        ("starttls",),
        ("login", "portal", "a@b"),
        ("send", "biller@example.com"),
        ("quit",),
    ]
    assert not folder.exists()


def test_an_address_that_is_no_mail_server_stops_the_start_and_is_not_repeated():
    with pytest.raises(ValueError, match="PORTAL_SMTP_URL must be") as caught:
        config.read({"PORTAL_SMTP_URL": "http://user:secret@mail.test"})

    assert "secret" not in str(caught.value)
