"""Each request of these tests stands alone, as it does in a server."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _push_request_context():
    """Take the place of pytest-flask's fixture of this name.

    It keeps one application context open for the whole test, and what Flask-Login and
    our guards remember of one request's user would be taken for the next one's.
    """


@pytest.fixture(autouse=True)
def _fresh_pulses(monkeypatch):
    """An open inbox hears of what happened the moment before, not a little later."""
    monkeypatch.setattr("sms_plugin.web.heartbeat.KEPT", -1)
