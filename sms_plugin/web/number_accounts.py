"""The account and the gateway behind a practice's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sms_plugin.core.language import say
from sms_plugin.errors import ConflictError
from sms_plugin.models import SmsAccount
from sms_plugin.web import guards

if TYPE_CHECKING:
    from sms_plugin.gateways.base import Gateway
    from sms_plugin.models import SmsPractice


def gateway_of(practice: SmsPractice) -> Gateway:
    """The gateway of the account that a practice sends with.

    Raises:
        ConflictError: it has none yet.
    """
    return guards.toolbox().gateway_for(account_of(practice))


def account_of(practice: SmsPractice) -> SmsAccount:
    """The account that a practice sends with.

    Raises:
        ConflictError: it has none yet.
    """
    account = guards.db().get(SmsAccount, practice.account_id or -1)
    if account is None:
        raise ConflictError(
            say(
                "The portal has no account at the gateway yet; its support can add one."
            )
        )
    return account
