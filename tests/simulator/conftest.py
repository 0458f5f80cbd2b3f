"""A running carrier and what talks with it."""

from __future__ import annotations

import pytest
from twilio.rest import Client

from sms_plugin.simulator import Carrier, running
from tests.simulator.doubles import (
    ACCOUNT,
    KEY,
    NUMBER,
    OTHER_ACCOUNT,
    PATIENT,
    SECRET,
    TOKEN,
    LoopbackClient,
    Webhook,
)


@pytest.fixture
def hook():
    webhook = Webhook()
    yield webhook
    webhook.close()


@pytest.fixture
def carrier():
    state = Carrier(speed=1000)
    state.add_account(ACCOUNT, TOKEN, {KEY: SECRET})
    state.add_account(OTHER_ACCOUNT, "token-of-c")
    state.own_number(ACCOUNT, NUMBER)
    return state


@pytest.fixture
def twin(carrier):
    with running(carrier=carrier) as simulator:
        yield simulator


@pytest.fixture
def connect(twin):
    """Make an SDK client with the credentials given."""
    opened = []

    def client(user, password, account=None):
        http = LoopbackClient(twin.url)
        opened.append(http)
        return Client(user, password, account, http_client=http, environment={"_": "_"})

    yield client
    for http in opened:
        http.session.close()


@pytest.fixture
def client(connect):
    return connect(ACCOUNT, TOKEN)


@pytest.fixture
def send(client):
    """Send one text with the SDK."""

    def create(body="Hello", **options):
        return client.messages.create(
            **{"to": PATIENT, "from_": NUMBER, "body": body} | options
        )

    return create
