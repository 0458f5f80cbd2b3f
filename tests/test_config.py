"""Settings: each is read, bounded and refused with a sentence that names it."""

from __future__ import annotations

import re
from decimal import Decimal
from types import SimpleNamespace

import pytest
from cryptography.fernet import Fernet

from sms_plugin import config
from sms_plugin.__main__ import main, new_keys
from sms_plugin.config import KEYS, Settings
from sms_plugin.errors import ConfigError
from sms_plugin.extension import SmsPlugin
from sms_plugin.gateways import registry
from sms_plugin.port import HostPort
from tests.architecture.tree import ROOT
from tests.support import host

REAL = {
    "SMS_PUBLIC_URL": "https://pay.example.com",
    "SMS_HOST_PORT": "tests.support.portal:port",
    "SMS_TWILIO_ACCOUNT_SID": host.ACCOUNT,
    "SMS_TWILIO_AUTH_TOKEN": host.TOKEN,
    **host.SECRETS,
}
SIMULATED = REAL | {
    "SMS_PUBLIC_URL": "http://127.0.0.1:5080",
    "SMS_GATEWAY_URL": "http://127.0.0.1:5081",
}
BOUNDED = [key for key in KEYS if key.low is not None]


def refusal(**settings) -> str:
    """The words with which a configuration is refused."""
    with pytest.raises(ConfigError) as caught:
        Settings.load(REAL | settings)
    return str(caught.value)


def test_the_least_configuration_is_enough_and_the_rest_has_defaults():
    settings = Settings.load(REAL)

    assert settings[config.QUEUE] == "sms"
    assert settings[config.SEND_CONCURRENCY] == 32
    assert settings[config.PRICE_SEGMENT] == Decimal("0.0120")
    assert not settings.simulated


def test_settings_are_read_from_words_as_an_environment_gives_them():
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    settings = Settings.load(
        REAL
        | {
            "SMS_SEND_CONCURRENCY": " 64 ",
            "SMS_LEASE": "60.5",
            "SMS_PRICE_SEGMENT": "0.02",
            "SMS_ENCRYPTION_KEYS": f"{keys[0]}, {keys[1]}",
            "SMS_QUEUE": "",
        }
    )

    assert settings[config.SEND_CONCURRENCY] == 64
    assert settings[config.LEASE] == 60.5
    assert settings[config.PRICE_SEGMENT] == Decimal("0.02")
    assert settings[config.ENCRYPTION_KEYS] == tuple(keys)
    assert settings[config.QUEUE] == "sms"


def test_other_settings_of_the_host_are_none_of_our_business():
    Settings.load(REAL | {"SECRET_KEY": "x", "SMSTOOLS": 1})


@pytest.mark.parametrize("key", BOUNDED, ids=lambda key: key.name)
@pytest.mark.parametrize("place", ["below", "above", "word", "nan", "list"])
def test_a_number_out_of_bounds_is_refused_by_name(key, place):
    raw = {
        "below": key.low - 1,
        "above": key.high + 1,
        "word": "many",
        "nan": "NaN",
        "list": [1],
    }[place]

    words = refusal(**{key.name: raw})

    assert words.startswith(f"{key.name} must be a")
    assert f"from {key.low:g} to {key.high:g}" in words
    assert words.endswith(f"got {raw!r}.")


@pytest.mark.parametrize("key", BOUNDED, ids=lambda key: key.name)
def test_the_bounds_and_the_default_are_taken(key):
    for value in (key.low, key.high, key.default):
        # As an environment gives it: 10000 is a whole number, and 1e4 is not.
        words = f"{value:f}".rstrip("0").rstrip(".")
        assert key.read({key.name: words}) == key.parse(words) == value


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "SMS_GATEWAY",
            "pigeon",
            "SMS_GATEWAY must be twilio or memory, got 'pigeon'.",
        ),
        (
            "SMS_CURRENCY",
            "dollars",
            "SMS_CURRENCY must be three capital letters such as USD, got 'dollars'.",
        ),
        (
            "SMS_TWILIO_ACCOUNT_SID",
            "SK" + "1" * 32,
            (
                "SMS_TWILIO_ACCOUNT_SID must be an account's id: AC and 32 digits "
                f"from 0 to f, got '{'SK' + '1' * 32}'."
            ),
        ),
        (
            "SMS_REDIS_URL",
            "http://:secret@127.0.0.1",
            (
                "SMS_REDIS_URL must be an address that begins with redis://, rediss:// "
                "or unix://."
            ),
        ),
        (
            "SMS_ENCRYPTION_KEYS",
            5,
            "SMS_ENCRYPTION_KEYS must be a list, or words with commas between them.",
        ),
    ],
)
def test_a_word_that_cannot_be_taken_is_refused_by_name(name, value, sentence):
    assert refusal(**{name: value}) == sentence


@pytest.mark.parametrize("name", ["SMS_PUBLIC_URL", "SMS_GATEWAY_URL"])
@pytest.mark.parametrize(
    "value",
    [
        "pay.example.com",
        "ftp://pay.example.com",
        "https://",
        "https://[::1",
        "https://pay.example.com:99999",
        "https://pay.example.com/?next=1",
        "https://pay.example.com/#top",
        "https://someone@pay.example.com",
    ],
)
def test_what_is_no_address_is_refused_by_name(name, value):
    words = refusal(**{name: value})

    assert words.startswith(f"{name} must be an address such as https://")


def test_an_address_loses_the_stroke_at_its_end():
    settings = Settings.load(REAL | {"SMS_PUBLIC_URL": "https://pay.example.com/"})

    assert settings[config.PUBLIC_URL] == "https://pay.example.com"


@pytest.mark.parametrize("name", ["SMS_PUBLIC_URL", "SMS_GATEWAY_URL"])
def test_addresses_beyond_this_machine_must_be_encrypted(name):
    words = refusal(**{name: "http://pay.example.com"})

    assert words == f"{name} must begin with https://."


def test_the_simulator_needs_no_encryption():
    assert Settings.load(SIMULATED).simulated


@pytest.mark.parametrize(
    "name", ["SMS_PUBLIC_URL", "SMS_HOST_PORT", "SMS_ENCRYPTION_KEYS", "SMS_HASH_KEY"]
)
def test_what_must_be_set_is_named_when_it_is_missing(name):
    words = refusal(**{name: ""})

    assert words.startswith(name)
    assert "such as" in words or "Make" in words or "Name" in words


def test_a_misspelt_key_is_refused_and_the_right_one_suggested():
    assert refusal(SMS_SEND_CONCURENCY=3) == (
        "SMS_SEND_CONCURENCY is not a setting of sms_plugin. "
        "Did you mean SMS_SEND_CONCURRENCY?"
    )
    assert refusal(SMS_QQQQ=3) == "SMS_QQQQ is not a setting of sms_plugin."


def test_an_attempt_must_end_before_its_lease():
    words = refusal(SMS_SEND_DEADLINE=50, SMS_LEASE=50)

    assert words.startswith("SMS_SEND_DEADLINE must be shorter than SMS_LEASE")
    assert words.endswith("got 50 and 50.")


def test_the_clock_is_shifted_for_the_simulator_only():
    Settings.load(SIMULATED | {"SMS_CLOCK_SHIFT": "-3600"})

    assert refusal(SMS_CLOCK_SHIFT=60).startswith("SMS_CLOCK_SHIFT works only with")


def test_a_key_that_is_no_fernet_key_is_counted_but_never_shown():
    good = host.SECRETS["SMS_ENCRYPTION_KEYS"]

    words = refusal(SMS_ENCRYPTION_KEYS=[good, "not-a-key"])

    assert words.startswith("SMS_ENCRYPTION_KEYS: key 2 is not a Fernet key.")
    assert "not-a-key" not in words


def test_a_short_hash_key_is_refused_but_never_shown():
    words = refusal(SMS_HASH_KEY="guess-me")

    assert words.startswith("SMS_HASH_KEY must have 32 characters or more.")
    assert "guess-me" not in words


def test_new_keys_are_taken_as_they_are_printed():
    lines = dict(line.split("=", 1) for line in new_keys().splitlines())

    Settings.load(REAL | lines)
    assert lines != dict(line.split("=", 1) for line in new_keys().splitlines())


def test_keys_can_be_made_before_there_is_an_application(capsys):
    assert main(["keys"]) == 0
    assert capsys.readouterr().out.startswith("SMS_ENCRYPTION_KEYS=")
    assert main([]) == 2
    assert "keys" in capsys.readouterr().err


def test_every_gateway_that_can_be_named_is_known_to_the_registry():
    assert registry.NAMES == config.parsing.GATEWAYS


class TestHostPort:
    """SMS_HOST_PORT names a class that fulfils the protocol."""

    def refusal(self, app, path) -> str:
        app.config = REAL | {
            "SMS_HOST_PORT": path,
            "SMS_REDIS_URL": "redis://127.0.0.1:1",
        }
        with pytest.raises(ConfigError) as caught:
            SmsPlugin.install(app)
        return str(caught.value)

    @pytest.fixture
    def bare(self):
        return SimpleNamespace(instance_path="", extensions={})

    @pytest.mark.parametrize(
        "path", ["portal", "portal:", ":Port", "portal.py", "../portal:Port", "a:b.c"]
    )
    def test_what_is_no_path_is_refused(self, bare, path):
        assert self.refusal(bare, path) == (
            "SMS_HOST_PORT must be the host's port as package.module:Class, "
            f"got {path!r}."
        )

    @pytest.mark.parametrize("path", ["no.such.module:Port", "sms_plugin.port:NoPort"])
    def test_what_is_not_there_is_refused(self, bare, path):
        words = self.refusal(bare, path)

        assert words.startswith(f"SMS_HOST_PORT: {path!r} cannot be used: ")

    def test_a_class_that_is_no_port_at_all_is_told_so(self, bare):
        words = self.refusal(bare, "builtins:object")

        assert "does not fulfil sms_plugin.port.HostPort" in words
        assert "practices" in words

    def test_a_port_that_lacks_methods_is_told_which(self, bare, monkeypatch):
        class Half:
            def practices(self):
                return []

        monkeypatch.setattr("tests.support.portal.Half", Half, raising=False)

        words = self.refusal(bare, "tests.support.portal:Half")

        needed = {name for name in dir(HostPort) if not name.startswith("_")}
        [listed] = re.findall(r"Missing: (.*)\.$", words)
        assert set(listed.split(", ")) == needed - {"practices"}


def row_of(key) -> str:
    """The line of the settings' table for one key."""
    default = key.default
    if default in ("", ()):
        shown = "none"
    elif isinstance(default, float):
        shown = f"{default:g}"
    else:
        shown = str(default)
    return f"| `{key.name}` | {shown} | {key.help} |"


def test_the_table_of_settings_in_the_documents_is_complete():
    text = (ROOT / "docs" / "integration.md").read_text(encoding="utf-8")
    wanted = [row_of(key) for key in KEYS]
    written = [line for line in text.splitlines() if line.startswith("| `SMS_")]

    assert written == wanted, "docs/integration.md needs:\n" + "\n".join(wanted)
