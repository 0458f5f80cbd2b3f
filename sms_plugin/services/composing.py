"""Composing a text from a practice's wording: for a row of a job, or for an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sms_plugin.core import phones, schedule
from sms_plugin.services import choices, content, prices, templates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from sms_plugin.config import Settings
    from sms_plugin.models import SmsPhone, SmsPractice
    from sms_plugin.port import Bill, Patient
    from sms_plugin.services.templates import Wording


@dataclass(frozen=True)
class Composer:
    """The wordings of one practice, and what a segment costs it in millionths."""

    practice: SmsPractice
    settings: Settings
    wordings: Mapping[tuple[str, str], Wording]
    price: int

    @classmethod
    def load(
        cls, session: Session, practice: SmsPractice, settings: Settings
    ) -> Composer:
        """Read the wordings as they stand now."""
        return cls(
            practice=practice,
            settings=settings,
            wordings=templates.wordings(session, practice.id),
            price=prices.segment_micros(settings),
        )

    def wording(
        self, kind: str, patient: Patient, phone: SmsPhone, chosen: choices.Choice
    ) -> tuple[Wording, str] | None:
        """The wording and its language: the first of these that there is one in."""
        languages = (
            chosen.language,
            phone.language,
            patient.language,
            self.practice.language,
            "en",
        )
        found = ((self.wordings.get((kind, code)), code) for code in languages if code)
        return next(((words, code) for words, code in found if words), None)

    def written(
        self,
        wording: Wording,
        patient: Patient,
        bill: Bill,
        phone: SmsPhone,
        more: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """What a message row says and costs, and the zones its patient may be in.

        Raises:
            MissingValue: a value that the wording needs is missing.
        """
        values = content.values(self.practice, patient, bill)
        body = wording.template.render({**values, **more} if more else values)
        size = content.measure(self.settings, body)
        return {
            "template_revision_id": wording.revision_id,
            "body": body,
            "segments": size.count,
            "encoding": size.encoding,
            "cost_micros": size.count * self.price,
            "content_hash": content.hash_of(body, phone.e164, patient.id, bill.id),
            "zones": ",".join(
                schedule.zones_for(
                    known=patient.timezone,
                    state=patient.state,
                    phone_zones=phones.zones(phone.e164),
                    fallback=self.practice.timezone,
                )
            ),
        }
