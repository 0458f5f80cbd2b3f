"""What the edges hand to the use cases: settings, vault, port, clock and gateways."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sms_plugin import config
from sms_plugin.services import accounts
from sms_plugin.services.guesses import Guesses
from sms_plugin.services.refusals import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from sms_plugin.config import Settings
    from sms_plugin.gateways.base import Credentials, Gateway
    from sms_plugin.models import SmsAccount
    from sms_plugin.port import HostPort
    from sms_plugin.services.vault import Vault


@dataclass
class Toolbox:
    """One application's tools; ``app.extensions["sms_plugin"]`` holds it.

    Attributes:
        settings: the checked configuration.
        vault: encrypts and hashes.
        port: the host.
        build_gateway: makes a gateway for an account's credentials.
        wake: asks the workers to send what is due; says False when they could not be
            told, in which case the beat finds the work. Never raises.
        prepare: asks the workers to prepare a job, in the same manner.
        clock: the one clock; everything asks ``now()``.
        wall: what the machine's clock says, to be held against the database's.
        migrated: whether the tables were seen to be up to date.
        refusals: counts webhook requests that were refused.
        guesses: counts links that were tried and do not exist.
    """

    settings: Settings
    vault: Vault
    port: HostPort
    build_gateway: Callable[[Credentials], Gateway]
    wake: Callable[[], bool]
    prepare: Callable[[int], bool]
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    wall: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    migrated: bool = False
    refusals: Tally = field(default_factory=Tally, repr=False)
    guesses: Guesses = field(default_factory=Guesses, repr=False)
    _gateways: dict[tuple[int, str], Gateway] = field(default_factory=dict, repr=False)

    def now(self) -> datetime:
        """The present moment, aware and in UTC."""
        shift = self.settings[config.CLOCK_SHIFT]
        return self.clock() + timedelta(seconds=shift)

    def gateway_for(self, account: SmsAccount) -> Gateway:
        """The gateway of an account; kept, and made anew when its secrets change."""
        key = (account.id, account.secrets)
        gateway = self._gateways.get(key)
        if gateway is None:
            credentials = accounts.credentials_of(account, self.vault)
            gateway = self._gateways[key] = self.build_gateway(credentials)
        return gateway

    def close(self) -> None:
        """Close what the gateways keep open."""
        for gateway in self._gateways.values():
            gateway.close()
        self._gateways.clear()
