"""Gateways by name, each imported only when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sms_plugin.errors import ConfigError

if TYPE_CHECKING:
    from sms_plugin.gateways.base import Credentials, Gateway

NAMES = ("twilio", "memory")


def build_gateway(
    name: str,
    credentials: Credentials,
    *,
    base_url: str = "",
    deadline: float = 10.0,
    concurrency: int = 32,
) -> Gateway:
    """Build the gateway that ``SMS_GATEWAY`` names.

    Args:
        name: one of ``NAMES``.
        credentials: the account at the gateway.
        base_url: address to call instead of the gateway's own, for a simulator.
        deadline: seconds for each request.
        concurrency: requests in flight at most.

    Raises:
        ConfigError: there is no such gateway, or its credentials are incomplete.
    """
    if name == "twilio":
        from sms_plugin.gateways.twilio import TwilioGateway

        return TwilioGateway(
            credentials,
            base_url=base_url,
            deadline=deadline,
            concurrency=concurrency,
        )
    if name == "memory":
        from sms_plugin.gateways.memory import MemoryGateway

        return MemoryGateway(credentials)
    raise ConfigError(f"SMS_GATEWAY must be {' or '.join(NAMES)}, got {name!r}.")
