"""Whom the host has on file under a phone that no patient of texts uses.

It says who probably wrote, and nothing more: a number on file is no consent.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import SQLAlchemyError

from sms_plugin.errors import describe
from sms_plugin.web import guards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sms_plugin.models import SmsPhone, SmsPractice

log = logging.getLogger(__name__)

MOST: Final = 5
"""Names that are shown of one phone."""


def names(practice: SmsPractice, phone: SmsPhone | None) -> Sequence[str]:
    """Names of the practice's patients who have a phone on file, at most ``MOST``.

    One call of the port. Empty where it fails: the page shows in any case.
    """
    if phone is None or not phone.e164.startswith("+"):
        return ()  # the number was erased
    try:
        found = guards.toolbox().port.patients_with_phone(
            practice.practice_ref, phone.e164
        )
        return [patient.name or patient.id for patient in found[:MOST]]
    except Exception as error:  # noqa: BLE001  (staff must see the task all the same)
        if isinstance(error, SQLAlchemyError):
            guards.db().rollback()
        log.error("Nobody could be looked up on file: %s", describe(error))  # noqa: TRY400  (its text may hold a number)
        return ()
