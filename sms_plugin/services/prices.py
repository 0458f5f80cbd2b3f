"""What texting costs a practice, and the words in which it accepts that."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin import config
from sms_plugin.core.language import mark, say
from sms_plugin.models import SmsBillingConsent

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.services.actors import Actor

MICROS = 1_000_000
# Prices change a few times in a year.
MOST = 50
WORDING = mark("""\
Prices. Each segment of a text, sent or received, costs {segment} {currency}. A number \
costs its monthly price, {number} {currency} unless another price is shown when it is \
bought. Prices are billed with the other services of this portal.

Texts are not encrypted on their way. They go only to patients who agreed to be \
texted, who may stop them at any time, and they hold no diagnosis, drug or service.

By switching texting on, the practice accepts these prices and confirms that it has a \
business associate agreement in place with the service that carries the texts.""")


@dataclass(frozen=True, slots=True)
class Offer:
    """The prices and wording that must be accepted; ``version`` names them.

    ``text`` is in the language of whoever reads and accepts it.
    """

    text: str
    version: str

    @property
    def text_hash(self) -> str:
        """Hash of the exact text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def offer(settings: Settings) -> Offer:
    """The prices and wording that hold now; a changed price is another version."""
    values = {
        "segment": settings[config.PRICE_SEGMENT],
        "number": settings[config.PRICE_NUMBER],
        "currency": settings[config.CURRENCY],
    }
    # Whoever accepted it in one language accepted it in all.
    english = WORDING.format(**values)
    version = hashlib.sha256(english.encode()).hexdigest()[:12]
    return Offer(say(WORDING, **values), version)


def segment_micros(settings: Settings) -> int:
    """Price of one segment in millionths of the currency."""
    return int(settings[config.PRICE_SEGMENT] * MICROS)


def number_micros(settings: Settings) -> int:
    """Monthly price of a number whose price the gateway hides, in millionths."""
    return int(settings[config.PRICE_NUMBER] * MICROS)


def money(micros: int, currency: str = "USD") -> str:
    """An amount as people read it: two places, more where cents would lie."""
    amount = Decimal(micros) / MICROS
    places = 2 if micros % 10_000 == 0 else 4
    sign = "$" if currency == "USD" else f"{currency} "
    return f"{sign}{amount:,.{places}f}"


def plain(micros: int) -> str:
    """An amount for logs: two places, more where cents would lie, and no currency."""
    return f"{Decimal(micros) / MICROS:.{2 if micros % 10_000 == 0 else 6}f}"


def last(session: Session, practice_id: int) -> SmsBillingConsent | None:
    """What the practice accepted last; None where it never accepted prices."""
    return session.scalars(
        sa.select(SmsBillingConsent)
        .where(SmsBillingConsent.practice_id == practice_id)
        .order_by(SmsBillingConsent.id.desc())
        .limit(1)
    ).one_or_none()


def accepted(session: Session, practice_id: int, settings: Settings) -> bool:
    """Whether the practice accepted the prices that hold now."""
    consent = last(session, practice_id)
    return consent is not None and consent.version == offer(settings).version


def history(session: Session, practice_id: int) -> list[SmsBillingConsent]:
    """What the practice accepted, the newest first, at most ``MOST``."""
    return list(
        session.scalars(
            sa.select(SmsBillingConsent)
            .where(SmsBillingConsent.practice_id == practice_id)
            .order_by(SmsBillingConsent.id.desc())
            .limit(MOST)
        )
    )


def consent(
    session: Session, practice_id: int, consent_id: int
) -> SmsBillingConsent | None:
    """One acceptance of this practice."""
    return session.scalars(
        sa.select(SmsBillingConsent).where(
            SmsBillingConsent.practice_id == practice_id,
            SmsBillingConsent.id == consent_id,
        )
    ).one_or_none()


def accept(
    session: Session,
    practice_id: int,
    *,
    settings: Settings,
    actor: Actor,
    now: datetime,
) -> SmsBillingConsent:
    """Store that the practice accepted the prices that hold now, and who did."""
    current = offer(settings)
    consent = SmsBillingConsent(
        practice_id=practice_id,
        version=current.version,
        text_hash=current.text_hash,
        text=current.text,
        user_id=actor.user_id or 0,
        user_name=actor.name,
        ip=actor.ip,
        accepted_at=now,
    )
    session.add(consent)
    session.flush()
    return consent
