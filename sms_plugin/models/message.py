"""A message: one text, in either direction, from pending to its final word."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from sms_plugin.models.base import Instant, SmsBase, big_id, column
from sms_plugin.models.job import SmsJob
from sms_plugin.models.phone import SmsPhone
from sms_plugin.models.practice import SmsPractice

APPROVED = sa.text("state = 'approved'")
PENDING = sa.text("state = 'pending'")
UNKNOWN = sa.text("state = 'unknown'")
REVIEW = sa.text("state = 'review'")
# At the gateway, and without its final word.
ON_THE_WAY = sa.text("state IN ('accepted', 'sent')")
RECEIVED = sa.text("state = 'received'")
SUBMITTED = sa.text("submitted_at IS NOT NULL")
WARNED = sa.text("state = 'pending' AND warnings IS NOT NULL")
UNCURED = sa.text("state IN ('failed', 'undelivered') AND cured_at IS NULL")
# What people wrote: the words of these are indexed, see migrations/word_index.py.
WRITTEN = sa.text("purpose IN ('inbound', 'reply')")
HAS_APPROVAL = sa.text("approval_id IS NOT NULL")


class SmsMessage(SmsBase):
    """One text.

    ``purpose`` is job, notice, reply, test, code or inbound; ``priority`` lets replies
    (0) overtake notices (1) and notices overtake job texts (2). ``dedupe_key`` forbids
    a second text for the same fact and is NULL once the row will never go out.
    ``body`` holds marks for its links until it goes out. ``content_hash`` binds body,
    recipient and link; approving copies it to ``approved_hash``, and only what still
    hashes to that goes out. Where a second person must agree, a text is pending with
    the ``approved_by`` of the first until ``second_by`` is written. ``hold`` says why
    ``due_at`` lies in the future. ``warnings`` lists what the desk points out (words
    with commas, such as ``rose:340,shared:2``). ``cure`` is what staff did about a text
    that failed. Money is in millionths.
    """

    __tablename__ = "sms_message"
    __table_args__ = (
        sa.UniqueConstraint("practice_id", "dedupe_key"),
        sa.UniqueConstraint("sid"),
        sa.Index(
            "ix_sms_message_due",
            "practice_id",
            "priority",
            "due_at",
            "id",
            sqlite_where=APPROVED,
            postgresql_where=APPROVED,
        ),
        sa.Index(
            "ix_sms_message_unknown",
            "id",
            sqlite_where=UNKNOWN,
            postgresql_where=UNKNOWN,
        ),
        sa.Index(
            "ix_sms_message_review",
            "id",
            sqlite_where=REVIEW,
            postgresql_where=REVIEW,
        ),
        sa.Index(
            "ix_sms_message_on_the_way",
            "submitted_at",
            sqlite_where=ON_THE_WAY,
            postgresql_where=ON_THE_WAY,
        ),
        sa.Index(
            "ix_sms_message_submitted",
            "practice_id",
            "submitted_at",
            sqlite_where=SUBMITTED,
            postgresql_where=SUBMITTED,
        ),
        sa.Index(
            "ix_sms_message_received",
            "practice_id",
            "created_at",
            sqlite_where=RECEIVED,
            postgresql_where=RECEIVED,
        ),
        sa.Index(
            "ix_sms_message_pending",
            "practice_id",
            "patient_ref",
            sqlite_where=PENDING,
            postgresql_where=PENDING,
        ),
        sa.Index(
            "ix_sms_message_expiring",
            "expires_at",
            sqlite_where=PENDING,
            postgresql_where=PENDING,
        ),
        sa.Index(
            "ix_sms_message_warned",
            "job_id",
            "id",
            sqlite_where=WARNED,
            postgresql_where=WARNED,
        ),
        sa.Index(
            "ix_sms_message_uncured",
            "practice_id",
            "id",
            sqlite_where=UNCURED,
            postgresql_where=UNCURED,
        ),
        sa.Index(
            "ix_sms_message_approval_id",
            "approval_id",
            sqlite_where=HAS_APPROVAL,
            postgresql_where=HAS_APPROVAL,
        ),
        sa.Index(
            "ix_sms_message_written",
            "practice_id",
            "id",
            sqlite_where=WRITTEN,
            postgresql_where=WRITTEN,
        ),
        sa.Index(None, "practice_id", "patient_ref", "id"),
        sa.Index(None, "job_id", "state", "id"),
        sa.Index(None, "phone_id", "id"),
        sa.Index(None, "practice_id", "id"),
    )

    id: Mapped[int] = big_id()
    practice_id: Mapped[int] = column(sa.ForeignKey("sms_practice.id"))
    purpose: Mapped[str] = column(sa.String(8))
    priority: Mapped[int] = column(sa.SmallInteger, default=2)
    kind: Mapped[str] = column(sa.String(24), default="")
    step: Mapped[str] = column(sa.String(24), default="")
    state: Mapped[str] = column(sa.String(12))
    reason: Mapped[str | None] = column(sa.String(40), nullable=True)
    error_code: Mapped[int | None] = column(sa.Integer, nullable=True)
    hold: Mapped[str | None] = column(sa.String(40), nullable=True)
    dedupe_key: Mapped[str | None] = column(sa.String(160), nullable=True)

    job_id: Mapped[int | None] = column(sa.ForeignKey("sms_job.id"), nullable=True)
    phone_id: Mapped[int | None] = column(sa.ForeignKey("sms_phone.id"), nullable=True)
    number_id: Mapped[int | None] = column(
        sa.ForeignKey("sms_number.id"), nullable=True
    )
    template_revision_id: Mapped[int | None] = column(
        sa.ForeignKey("sms_template_revision.id"), nullable=True
    )
    patient_ref: Mapped[str] = column(sa.String(64), default="")
    patient_name: Mapped[str] = column(sa.String(160), default="")
    zones: Mapped[str] = column(sa.String(300), default="")
    bill_ref: Mapped[str] = column(sa.String(64), default="")
    balance_micros: Mapped[int | None] = column(sa.BigInteger, nullable=True)

    body: Mapped[str] = column(sa.Text, default="")
    original_body: Mapped[str | None] = column(sa.Text, nullable=True)
    segments: Mapped[int] = column(sa.SmallInteger, default=0)
    encoding: Mapped[str] = column(sa.String(6), default="GSM-7")
    cost_micros: Mapped[int] = column(sa.BigInteger, default=0)

    content_hash: Mapped[str] = column(sa.String(64), default="")
    approved_hash: Mapped[str | None] = column(sa.String(64), nullable=True)
    approved_by: Mapped[str] = column(sa.String(120), default="")
    approved_by_id: Mapped[int | None] = column(sa.Integer, nullable=True)
    approved_at: Mapped[datetime | None] = column(Instant, nullable=True)
    author: Mapped[str] = column(sa.String(120), default="")
    author_id: Mapped[int | None] = column(sa.Integer, nullable=True)
    any_hour: Mapped[bool] = column(sa.Boolean, default=False)
    warnings: Mapped[str | None] = column(sa.String(160), nullable=True)
    edited_by_id: Mapped[int | None] = column(sa.Integer, nullable=True)
    # No foreign key: SQLite would copy the table to add one.
    approval_id: Mapped[int | None] = column(sa.BigInteger, nullable=True)
    second_by: Mapped[str | None] = column(sa.String(120), nullable=True)
    second_by_id: Mapped[int | None] = column(sa.Integer, nullable=True)
    cure: Mapped[str | None] = column(sa.String(16), nullable=True)
    cured_at: Mapped[datetime | None] = column(Instant, nullable=True)
    cured_by: Mapped[str | None] = column(sa.String(120), nullable=True)

    sid: Mapped[str | None] = column(sa.String(64), nullable=True)
    tries: Mapped[int] = column(sa.SmallInteger, default=0)
    due_at: Mapped[datetime | None] = column(Instant, nullable=True)
    expires_at: Mapped[datetime | None] = column(Instant, nullable=True)
    submitted_at: Mapped[datetime | None] = column(Instant, nullable=True)
    delivered_at: Mapped[datetime | None] = column(Instant, nullable=True)
    polled_at: Mapped[datetime | None] = column(Instant, nullable=True)
    created_at: Mapped[datetime] = column(Instant)
    changed_at: Mapped[datetime] = column(Instant)

    practice: Mapped[SmsPractice] = relationship("SmsPractice")
    job: Mapped[SmsJob | None] = relationship("SmsJob")
    phone: Mapped[SmsPhone | None] = relationship("SmsPhone")

    def __str__(self) -> str:
        return f"text {self.id}"


def in_state(word: str) -> sa.ColumnElement[bool]:
    """The condition that a message is in a state, with the word in the SQL itself.

    With a parameter in its place no database would use the partial indexes above.
    """
    return SmsMessage.state == sa.literal_column(f"'{word}'")


def on_the_way() -> sa.ColumnElement[bool]:
    """The condition that the gateway has a text and its final word is missing."""
    return SmsMessage.state.in_(
        [sa.literal_column("'accepted'"), sa.literal_column("'sent'")]
    )


def written() -> sa.ColumnElement[bool]:
    """The condition that somebody wrote a text by hand, on either side."""
    return SmsMessage.purpose.in_(
        [sa.literal_column("'inbound'"), sa.literal_column("'reply'")]
    )
