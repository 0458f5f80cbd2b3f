"""What re-opens an approval: a person looks again at what others changed since.

A text keeps the words that it was made with. When its template changes after it was
approved, it is pending again, and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.models import SmsMessage, SmsTemplate, SmsTemplateRevision, in_state
from sms_plugin.services import cautions, second_person
from sms_plugin.services.database import change, lock_rows

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def of_template(session: Session, template: SmsTemplate, *, now: datetime) -> int:
    """Ask anew for approval of a template's texts that have not gone out.

    Those of a job; an automatic notice that nobody approved goes out as it is. The
    caller saved the new revision and commits both together.

    Returns:
        How many texts are pending again.
    """
    earlier = sa.select(SmsTemplateRevision.id).where(
        SmsTemplateRevision.template_id == template.id,
        SmsTemplateRevision.number < template.revision,
    )
    mine = (
        SmsMessage.practice_id == template.practice_id,
        in_state("approved"),
        SmsMessage.job_id.is_not(None),
        SmsMessage.template_revision_id.in_(earlier),
    )
    lock_rows(session, SmsMessage, *mine)  # a worker may be claiming them
    return change(
        session,
        sa.update(SmsMessage)
        .where(*mine)
        .values(
            state="pending",
            warnings=cautions.with_wording(SmsMessage.warnings),
            changed_at=now,
            **second_person.CLEARED,
        ),
    )
