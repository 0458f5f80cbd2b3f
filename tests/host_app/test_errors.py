"""Two kinds of error pages in one application: the portal's and the plugin's."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from cryptography.fernet import Fernet

from host_app.app import create_app


@pytest.fixture
def visitor(tmp_path, clock):
    """A visitor of a portal with texting installed."""
    portal = create_app(
        {
            "SECRET_KEY": "not a secret",
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'portal.db'}",
            "PORTAL_CLOCK": clock,
            "RATELIMIT_ENABLED": False,
            "TESTING": True,
            "SMS_PUBLIC_URL": "http://portal.test",
            "SMS_GATEWAY": "memory",
            "SMS_REDIS_DIR": str(tmp_path),
            "SMS_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "SMS_HASH_KEY": "h" * 32,
        }
    )
    return portal.test_client()


def test_a_stale_form_of_the_plugin_is_answered_by_the_plugin(visitor):
    answer = visitor.post("/sms/settings/off")

    page = BeautifulSoup(answer.text, "html.parser")
    assert answer.status_code == 400
    assert page.select_one("main.sms-page h1").text == "Please try that again"
    assert "CSRF" not in page.text


def test_a_stale_form_of_the_portal_is_answered_by_the_portal(visitor):
    answer = visitor.post("/patient/login", data={"email": "x"})

    assert answer.status_code == 400
    assert "sms-page" not in answer.text


@pytest.mark.parametrize("path", ["/nothing", "/sms/nothing"])
def test_an_unknown_address_is_answered_by_the_portal(visitor, path):
    answer = visitor.get(path)

    assert answer.status_code == 404
    assert "sms-page" not in answer.text
    assert "First page" in answer.text
