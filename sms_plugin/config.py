"""Every ``SMS_*`` setting once: its type, default, bounds and one line of help.

``Settings.load`` reads a host's configuration when the application starts and never
again. What is wrong is said in words that name the key; nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlsplit

from sms_plugin import config_checks, parsing
from sms_plugin.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

_NONE: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Key(Generic[T]):
    """One setting."""

    name: str
    parse: Callable[[Any], T]
    default: T
    help: str
    low: float | None = None
    high: float | None = None
    secret: bool = False

    def read(self, config: Mapping[str, Any]) -> T:
        """Take the value from a configuration, or say what is wrong with it."""
        raw = config.get(self.name)
        if raw is None or raw == "":
            return self.default
        try:
            value = self.parse(raw)
            fits = not isinstance(value, int | float | Decimal) or self._within(value)
        except (TypeError, ValueError, InvalidOperation):
            raise self._error(raw) from None
        if not fits:
            raise self._error(raw)
        return value

    def _within(self, value: float | Decimal) -> bool:
        return (self.low is None or value >= self.low) and (
            self.high is None or value <= self.high
        )

    def _error(self, raw: Any) -> ConfigError:
        words = str(self.parse.__doc__).rstrip(".")
        bounds = "" if self.low is None else f" from {self.low:g} to {self.high:g}"
        got = "" if self.secret else f", got {raw!r}"
        return ConfigError(
            f"{self.name} must be {words[0].lower()}{words[1:]}{bounds}{got}."
        )


PUBLIC_URL = Key(
    "SMS_PUBLIC_URL",
    parsing.url,
    "",
    "Address at which patients and the gateway reach this portal, such as "
    "https://pay.example.com. Webhooks are verified against it.",
)
LINK_URL = Key(
    "SMS_LINK_URL",
    parsing.url,
    "",
    "Address at which links in texts begin, such as https://pay.example; a short one "
    "saves characters, and it must lead to this portal. Empty: SMS_PUBLIC_URL.",
)
INSTALLATION = Key(
    "SMS_INSTALLATION",
    parsing.text,
    "",
    "A name for this installation. Give a copy of it (staging, a drill) another one: "
    "a copied database then sends nothing until an operator confirms.",
)
HOST_PORT = Key(
    "SMS_HOST_PORT",
    parsing.port,
    "",
    "The host's implementation of sms_plugin.port.HostPort, as package.module:Class.",
)
ENCRYPTION_KEYS = Key(
    "SMS_ENCRYPTION_KEYS",
    parsing.words,
    _NONE,
    "Fernet keys; the first encrypts, all decrypt. "
    "Make one with: python -m sms_plugin keys.",
    secret=True,
)
HASH_KEY = Key(
    "SMS_HASH_KEY",
    parsing.text,
    "",
    "Secret of 32 characters or more for hashes of phones in the consent ledger. "
    "It must never change. Make one with: python -m sms_plugin keys.",
)
REDIS_URL = Key(
    "SMS_REDIS_URL",
    parsing.redis_url,
    "",
    "Redis or Valkey, such as redis://127.0.0.1:6379/0. Empty: the embedded server "
    "of flask sms redis, on a socket in SMS_REDIS_DIR.",
    secret=True,
)
REDIS_DIR = Key(
    "SMS_REDIS_DIR",
    parsing.text,
    "",
    "Folder of the embedded server. Empty: sms-redis in the instance folder.",
)
QUEUE = Key("SMS_QUEUE", parsing.text, "sms", "Name of the RQ queue.")
GATEWAY = Key(
    "SMS_GATEWAY",
    parsing.gateway,
    "twilio",
    "Which gateway sends: twilio, or memory, which sends nothing.",
)
ACCOUNT_SID = Key(
    "SMS_TWILIO_ACCOUNT_SID", parsing.account, "", "Account of the gateway (AC...)."
)
AUTH_TOKEN = Key(
    "SMS_TWILIO_AUTH_TOKEN", parsing.text, "", "Its auth token; also verifies webhooks."
)
AUTH_TOKEN_SECONDARY = Key(
    "SMS_TWILIO_AUTH_TOKEN_SECONDARY",
    parsing.text,
    "",
    "The other auth token while tokens are rotated.",
)
API_KEY_SID = Key(
    "SMS_TWILIO_API_KEY_SID",
    parsing.text,
    "",
    "API key for calls (SK...); empty: auth token.",
)
API_KEY_SECRET = Key(
    "SMS_TWILIO_API_KEY_SECRET", parsing.text, "", "Secret of that API key."
)
GATEWAY_URL = Key(
    "SMS_GATEWAY_URL",
    parsing.url,
    "",
    "Where the gateway's API is, for the simulator; empty: the real one.",
)
SEND_CONCURRENCY = Key(
    "SMS_SEND_CONCURRENCY",
    parsing.whole,
    32,
    "Gateway requests in flight, per worker.",
    1,
    100,
)
ACCOUNT_CONCURRENCY = Key(
    "SMS_ACCOUNT_CONCURRENCY",
    parsing.whole,
    64,
    "Gateway requests in flight for one account, of all workers together.",
    1,
    500,
)
SEND_DEADLINE = Key(
    "SMS_SEND_DEADLINE",
    parsing.number,
    15.0,
    "Seconds for one call of the gateway in total; must be shorter than SMS_LEASE.",
    0.2,
    120,
)
LEASE = Key(
    "SMS_LEASE",
    parsing.number,
    45.0,
    "Seconds after which an attempt without an outcome counts as unknown.",
    1,
    600,
)
DRAIN_SECONDS = Key(
    "SMS_DRAIN_SECONDS",
    parsing.number,
    5.0,
    "Seconds a sending job works before it hands over to the next.",
    0.1,
    60,
)
BEAT_SECONDS = Key(
    "SMS_BEAT_SECONDS", parsing.number, 5.0, "Seconds between two beats.", 0.1, 300
)
POLL_SECONDS = Key(
    "SMS_POLL_SECONDS",
    parsing.number,
    60.0,
    "Seconds after which the gateway is asked again for patients' texts that no "
    "webhook brought.",
    5,
    3600,
)
RATE_LOCAL = Key(
    "SMS_RATE_LOCAL",
    parsing.number,
    1.0,
    "Segments a second that a local number may send until its registration says more.",
    0.01,
    1000,
)
RATE_TOLL_FREE = Key(
    "SMS_RATE_TOLL_FREE",
    parsing.number,
    3.0,
    "Segments a second that a toll-free number may send.",
    0.01,
    1000,
)
PRICE_SEGMENT = Key(
    "SMS_PRICE_SEGMENT",
    parsing.amount,
    Decimal("0.0120"),
    "What the practice pays for one segment, in SMS_CURRENCY.",
    0,
    10,
)
PRICE_NUMBER = Key(
    "SMS_PRICE_NUMBER",
    parsing.amount,
    Decimal("2.00"),
    "What the practice pays a month for a number whose price the gateway hides.",
    0,
    1000,
)
CURRENCY = Key("SMS_CURRENCY", parsing.currency, "USD", "Currency of prices, ISO 4217.")
APPROVAL_DAYS = Key(
    "SMS_APPROVAL_DAYS", parsing.whole, 14, "Days until a pending text expires.", 1, 90
)
REMIND_DAYS = Key(
    "SMS_REMIND_DAYS",
    parsing.whole,
    2,
    "Days after which staff are reminded of texts that nobody approved; 0 for never.",
    0,
    90,
)
LINK_DAYS = Key(
    "SMS_LINK_DAYS", parsing.whole, 30, "Days a payment link lives.", 1, 365
)
CAP_DAY = Key("SMS_CAP_DAY", parsing.whole, 1, "Job texts a day, per phone.", 1, 50)
CAP_WEEK = Key("SMS_CAP_WEEK", parsing.whole, 3, "Job texts a week, per phone.", 1, 200)
MAX_NUMBERS = Key(
    "SMS_MAX_NUMBERS",
    parsing.whole,
    5,
    "Numbers that a practice may have; support can assign more that the account owns.",
    1,
    1000,
)
NUMBERS_A_DAY = Key(
    "SMS_NUMBERS_A_DAY", parsing.whole, 3, "Numbers a practice may buy a day.", 1, 1000
)
SEARCHES_A_MINUTE = Key(
    "SMS_SEARCHES_A_MINUTE",
    parsing.whole,
    20,
    "Searches for a number that a user may make in a minute.",
    1,
    1000,
)
SILENCE_DAYS = Key(
    "SMS_SILENCE_DAYS",
    parsing.whole,
    365,
    "Days without a sign of the patient after which a phone is taken out of use, with "
    "a task for staff, until somebody confirms it; 0 for never.",
    0,
    3650,
)
ANSWER_HELP = Key(
    "SMS_ANSWER_HELP",
    parsing.yes_no,
    default=False,
    help="Whether the plugin answers HELP, once a day per phone. Twilio does, unless "
    "told not to: then switch this on.",
)
REVERIFY_DAYS = Key(
    "SMS_REVERIFY_DAYS",
    parsing.whole,
    180,
    "Days without a sign of the patient after which staff are warned that a phone may "
    "have a new owner; 0 for never.",
    0,
    3650,
)
MEDIA_MAX_BYTES = Key(
    "SMS_MEDIA_MAX_BYTES",
    parsing.whole,
    5_242_880,
    "Bytes that a picture or file from a patient may have; a larger one is not taken.",
    10_000,
    26_214_400,
)
UNDO_MINUTES = Key(
    "SMS_UNDO_MINUTES",
    parsing.whole,
    10,
    "Minutes in which an approval can be taken back; nothing of it goes out before.",
    0,
    60,
)
CLOCK_SHIFT = Key(
    "SMS_CLOCK_SHIFT",
    parsing.number,
    0.0,
    "Seconds added to the clock, for demos; refused unless SMS_GATEWAY_URL names a "
    "simulator on this machine.",
    -1e9,
    1e9,
)

KEYS: tuple[Key[Any], ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Key)
)


@dataclass(frozen=True)
class Settings:
    """The settings of one application, checked."""

    values: Mapping[str, Any]

    def __getitem__(self, key: Key[T]) -> T:
        """Read one setting by its key."""
        value: T = self.values[key.name]
        return value

    @classmethod
    def load(cls, config: Mapping[str, Any]) -> Settings:
        """Read and check all settings.

        Raises:
            ConfigError: a key is unknown, missing or wrong; the text names it.
        """
        config_checks.refuse_unknown(config, [key.name for key in KEYS])
        settings = cls({key.name: key.read(config) for key in KEYS})
        settings._check_urls()
        keys = settings[ENCRYPTION_KEYS]
        config_checks.check_secrets(keys, settings[HASH_KEY])
        if settings[SEND_DEADLINE] >= settings[LEASE]:
            raise ConfigError(
                "SMS_SEND_DEADLINE must be shorter than SMS_LEASE, so that an attempt "
                f"ends before it counts as lost; got {settings[SEND_DEADLINE]:g} and "
                f"{settings[LEASE]:g}."
            )
        if settings[CLOCK_SHIFT] and not settings.simulated:
            raise ConfigError(
                "SMS_CLOCK_SHIFT works only with the simulator: set SMS_GATEWAY_URL to "
                "an address on this machine, or leave the clock alone."
            )
        return settings

    @property
    def simulated(self) -> bool:
        """Whether texts go to a simulator on this machine, never to people."""
        host = urlsplit(self[GATEWAY_URL]).hostname or ""
        return self[GATEWAY] == "memory" or host in {"127.0.0.1", "localhost", "::1"}

    def _check_urls(self) -> None:
        if not self[PUBLIC_URL]:
            raise ConfigError(
                "SMS_PUBLIC_URL is missing. Set the address at which patients and the "
                "gateway reach this portal, such as https://pay.example.com."
            )
        for key in (PUBLIC_URL, LINK_URL, GATEWAY_URL):
            if self[key].startswith("http:") and not self.simulated:
                raise ConfigError(f"{key.name} must begin with https://.")
        if not self[HOST_PORT]:
            raise ConfigError(
                "SMS_HOST_PORT is missing. Name the host's port as "
                "package.module:Class; host_app/port.py is an example."
            )
