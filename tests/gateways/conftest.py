from __future__ import annotations

import pytest

from sms_plugin.gateways.twilio import TwilioGateway
from tests.gateways.carrier import Carrier
from tests.gateways.contract import CREDENTIALS


@pytest.fixture
def carrier():
    carrier = Carrier()
    yield carrier
    carrier.close()


@pytest.fixture
def gateway(carrier):
    gateway = TwilioGateway(
        CREDENTIALS, base_url=carrier.url, deadline=5, concurrency=100
    )
    yield gateway
    gateway.close()
