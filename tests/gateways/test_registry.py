from __future__ import annotations

import subprocess
import sys

import pytest

from sms_plugin.errors import ConfigError
from sms_plugin.gateways.base import Credentials
from sms_plugin.gateways.memory import MemoryGateway
from sms_plugin.gateways.registry import build_gateway
from sms_plugin.gateways.twilio import TwilioGateway
from tests.gateways.contract import CREDENTIALS


@pytest.mark.parametrize(
    ("name", "kind"), [("twilio", TwilioGateway), ("memory", MemoryGateway)]
)
def test_gateway_is_built_by_its_name(name, kind):
    assert isinstance(build_gateway(name, CREDENTIALS), kind)


def test_unknown_name_is_refused_with_the_key_and_the_choices():
    with pytest.raises(ConfigError, match="SMS_GATEWAY must be twilio or memory"):
        build_gateway("pigeon", CREDENTIALS)


def test_twilios_package_is_loaded_only_for_its_gateway():
    code = (
        "import sys; from sms_plugin.gateways.registry import build_gateway;"
        "from sms_plugin.gateways.memory import TEST_CREDENTIALS;"
        "build_gateway('memory', TEST_CREDENTIALS);"
        "sys.exit('twilio' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"account_sid": ""}, "SMS_TWILIO_ACCOUNT_SID"),
        ({"account_sid": "AC/../" + "0" * 28}, "SMS_TWILIO_ACCOUNT_SID"),
        ({"auth_token": ""}, "SMS_TWILIO_AUTH_TOKEN"),
        ({"api_key_sid": "SK1"}, "SMS_TWILIO_API_KEY_SECRET"),
        ({"api_key_secret": "secret"}, "SMS_TWILIO_API_KEY_SID"),
    ],
)
def test_incomplete_credentials_are_refused_by_key(monkeypatch, fields, key):
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "f" * 32)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "platform-token")
    given = {"account_sid": CREDENTIALS.account_sid, "auth_token": "token"} | fields

    with pytest.raises(ConfigError, match=key) as error:
        build_gateway("twilio", Credentials(**given))

    assert "secret" not in str(error.value).replace("its secret", "")


@pytest.mark.parametrize("url", ["127.0.0.1:80", "ftp://a", "http://", "http://a?b=c"])
def test_address_that_is_none_is_refused(url):
    with pytest.raises(ConfigError, match="SMS_GATEWAY_URL"):
        build_gateway("twilio", CREDENTIALS, base_url=url)
