"""What a practice accepts, in whatever language it was read."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sms_plugin.core import language
from sms_plugin.models import SmsBillingConsent
from sms_plugin.services import prices

SPANISH = "Precios: {segment} {currency} por segmento, {number} {currency} al mes."


class Spanish:
    def gettext(self, message):
        return SPANISH if message == prices.WORDING else message

    def ngettext(self, singular, plural, number):
        return singular if number == 1 else plural


@pytest.fixture
def spanish():
    before = language.speak(Spanish())
    yield
    language.hush(before)


def test_prices_read_in_spanish_are_kept_as_read_and_accepted_in_every_language(
    world, spanish
):
    settings = world.plugin.settings
    practice_id = world.enable()

    with world.session() as session:
        kept = session.scalars(
            sa.select(SmsBillingConsent).filter_by(practice_id=practice_id)
        ).one()
        offered = prices.offer(settings)
        in_spanish = (kept.text, kept.text_hash) == (offered.text, offered.text_hash)
        before = language.speak(None)
        english = prices.offer(settings)
        is_accepted = prices.accepted(session, practice_id, settings)
        language.hush(before)

    assert in_spanish
    assert offered.text.startswith("Precios: ")
    assert english.text.startswith("Prices. ")
    assert english.version == offered.version
    assert is_accepted
