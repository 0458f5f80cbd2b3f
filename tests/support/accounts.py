"""A second account at the gateway, for what must not touch the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sms_plugin.gateways.base import Credentials
from sms_plugin.gateways.memory import MemoryGateway
from sms_plugin.models import SmsAccount, SmsNumber, SmsPractice
from sms_plugin.services import accounts

if TYPE_CHECKING:
    from sms_plugin.gateways.base import Gateway
    from tests.support.world import World

SECOND = Credentials("AC" + "3" * 32, "4" * 32)


def second_account(world: World, practice_id: int) -> Gateway:
    """Move a practice and its number to an account of its own; gives its gateway."""
    with world.session() as session:
        account = accounts.save(
            session,
            SECOND,
            gateway="memory",
            vault=world.plugin.vault,
            now=world.clock(),
        )
        account_id = account.id
    world.alter(SmsPractice, {"account_id": account_id}, id=practice_id)
    world.alter(SmsNumber, {"account_id": account_id}, practice_id=practice_id)
    [account] = world.rows(SmsAccount, id=account_id)
    gateway = world.plugin.gateway_for(account)
    if isinstance(gateway, MemoryGateway):
        # It counts its ids, and no two texts may have the same.
        gateway._made = 1_000_000
    return gateway
