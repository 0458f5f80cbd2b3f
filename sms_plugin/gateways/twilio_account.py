"""One Twilio account: its credentials, its client, and how calls are made and end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from twilio.rest import Client  # type: ignore[import-untyped]  # ships no types

from sms_plugin.core.language import mark
from sms_plugin.errors import ConfigError, GatewayError, Retry
from sms_plugin.gateways import twilio_failures as failures
from sms_plugin.gateways.loop_thread import LoopThread
from sms_plugin.gateways.twilio_transport import (
    Exchange,
    Transport,
    current,
    silence_sdk_loggers,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sms_plugin.gateways.base import Credentials

T = TypeVar("T")

_ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")


class TwilioAccount:
    """Calls Twilio in an event loop of its own, from any thread.

    Args:
        credentials: the account; the environment is never read.
        base_url: address that takes the place of Twilio's hosts; empty for Twilio.
        deadline: seconds for each request of the methods that are not told one.
        concurrency: requests in flight at most.

    Raises:
        ConfigError: a credential is missing or not one, or the address is not one.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        base_url: str = "",
        deadline: float = 10.0,
        concurrency: int = 32,
    ) -> None:
        _check(credentials, base_url)
        silence_sdk_loggers()
        self._credentials = credentials
        self._deadline = deadline
        self._concurrency = concurrency
        self._base_url = base_url.rstrip("/")
        transport = Transport(base_url=base_url, concurrency=concurrency)
        self._client: Any = Client(
            credentials.api_key_sid or credentials.account_sid,
            credentials.api_key_secret or credentials.auth_token,
            credentials.account_sid,
            http_client=transport,
            # An empty mapping would make the client read the process's environment.
            environment={"_": "_"},
        )
        # Looked up once: it is found through several lazy imports, best before a fork.
        self._messages: Any = self._client.messages
        self._loop = LoopThread(cleanup=transport.close, forget=transport.forget)

    def check_account(self) -> None:
        """Read the account: the harmless call that shows whether credentials work."""

        async def call() -> str:
            # A standard API key may not read accounts (error 20003), but numbers.
            if self._credentials.api_key_sid:
                await self._client.incoming_phone_numbers.list_async(limit=1)
                return "active"
            account = self._client.api.accounts(self._credentials.account_sid)
            return str((await account.fetch_async()).status)

        if self._call(call) != "active":
            raise GatewayError(
                mark("The texting account is not active."), retry=Retry.NEVER
            )

    def close(self) -> None:
        """Close kept connections, once the texts in flight have their outcome."""
        self._loop.close()

    def _call(self, call: Callable[[], Awaitable[T]], *, repeatable: bool = True) -> T:
        """Run a call in the loop; whatever it raises becomes a ``GatewayError``."""
        return self._loop.run(self._guarded(call, repeatable=repeatable))

    async def _guarded(
        self, call: Callable[[], Awaitable[T]], *, repeatable: bool
    ) -> T:
        exchange = Exchange(self._deadline)
        current.set(exchange)
        try:
            return await call()
        except GatewayError as refusal:
            problem = refusal
        except Exception as error:  # noqa: BLE001  Twilio's client raises anything
            problem = failures.gateway_error(exchange, error, repeatable=repeatable)
        # Raised out here, it does not carry the client's error and the phone in it.
        raise problem


def _check(credentials: Credentials, base_url: str) -> None:
    if not _ACCOUNT_SID.fullmatch(credentials.account_sid):
        raise ConfigError(
            "The account SID (SMS_TWILIO_ACCOUNT_SID) must be AC and 32 hexadecimal "
            "digits; copy it from Twilio's console."
        )
    if not credentials.auth_token:
        raise ConfigError(
            "The auth token (SMS_TWILIO_AUTH_TOKEN) is missing; no webhook could be "
            "verified without it, also when calls are made with an API key."
        )
    if bool(credentials.api_key_sid) != bool(credentials.api_key_secret):
        raise ConfigError(
            "An API key needs both its SID (SMS_TWILIO_API_KEY_SID) and its secret "
            "(SMS_TWILIO_API_KEY_SECRET)."
        )
    if base_url and not _ADDRESS.fullmatch(base_url):
        raise ConfigError("SMS_GATEWAY_URL must be http(s)://host[:port], or empty.")


def match(pattern: re.Pattern[str], value: str, refusal: str) -> None:
    """Refuse what would become another path than the one meant, in these words."""
    if not pattern.fullmatch(value):
        raise GatewayError(refusal, retry=Retry.NEVER)
