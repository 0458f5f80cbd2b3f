"""Gateway accounts: whose credentials a practice sends with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.gateways.base import Credentials
from sms_plugin.models import SmsAccount

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.services.vault import Vault

_SECRETS = ("auth_token", "secondary_auth_token", "api_key_sid", "api_key_secret")


def save(
    session: Session,
    credentials: Credentials,
    *,
    gateway: str,
    vault: Vault,
    now: datetime,
) -> SmsAccount:
    """Store an account's credentials encrypted, or replace them."""
    account = by_sid(session, credentials.account_sid)
    if account is None:
        account = SmsAccount(account_sid=credentials.account_sid, created_at=now)
        session.add(account)
    account.gateway = gateway
    account.secrets = vault.encrypt(
        json.dumps({name: getattr(credentials, name) for name in _SECRETS})
    )
    session.flush()
    return account


def by_sid(session: Session, account_sid: str) -> SmsAccount | None:
    """The account with this id at the gateway, if it is ours."""
    return session.scalars(
        sa.select(SmsAccount).where(SmsAccount.account_sid == account_sid)
    ).one_or_none()


def credentials_of(account: SmsAccount, vault: Vault) -> Credentials:
    """Decrypt an account's credentials."""
    return Credentials(
        account_sid=account.account_sid, **json.loads(vault.decrypt(account.secrets))
    )


def from_settings(settings: Settings) -> Credentials | None:
    """The account that the configuration names, if it names one."""
    if not settings[config.ACCOUNT_SID]:
        return None
    return Credentials(
        account_sid=settings[config.ACCOUNT_SID],
        auth_token=settings[config.AUTH_TOKEN],
        secondary_auth_token=settings[config.AUTH_TOKEN_SECONDARY],
        api_key_sid=settings[config.API_KEY_SID],
        api_key_secret=settings[config.API_KEY_SECRET],
    )
