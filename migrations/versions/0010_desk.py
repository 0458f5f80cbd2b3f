"""The approval desk: holds of jobs, approvals to undo, events of the host."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)

JOB: tuple[tuple[str, sa.types.TypeEngine[Any]], ...] = (
    ("kind", sa.String(12)),
    ("fingerprint", sa.String(64)),
    ("hold", sa.String(16)),
    ("hold_detail", sa.String(80)),
    ("released_at", AT),
    ("released_by", sa.String(120)),
    ("discarded_at", AT),
    ("discarded_by", sa.String(120)),
    ("paused_at", AT),
    ("paused_by", sa.String(120)),
    ("stopped_at", AT),
    ("stopped_by", sa.String(120)),
)
MESSAGE: tuple[tuple[str, sa.types.TypeEngine[Any]], ...] = (
    ("warnings", sa.String(160)),
    ("edited_by_id", sa.Integer()),
    ("approval_id", sa.BigInteger()),
    ("second_by", sa.String(120)),
    ("second_by_id", sa.Integer()),
    ("cure", sa.String(16)),
    ("cured_at", AT),
    ("cured_by", sa.String(120)),
)
WARNED = sa.text("state = 'pending' AND warnings IS NOT NULL")
UNCURED = sa.text("state IN ('failed', 'undelivered') AND cured_at IS NULL")


def upgrade() -> None:
    """Make the tables and the columns."""
    op.add_column("sms_practice", sa.Column("second_person_above", sa.Integer()))
    for name in ("second_person_edits", "approve_notices"):
        op.add_column(
            "sms_practice",
            sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()),
        )
    op.add_column("sms_practice", sa.Column("balance_slack_micros", sa.BigInteger()))
    for name, kind in JOB:
        op.add_column("sms_job", sa.Column(name, kind))
    for name, kind in MESSAGE:
        op.add_column("sms_message", sa.Column(name, kind))
    op.create_index(
        "ix_sms_message_practice_id_patient_ref_id",
        "sms_message",
        ["practice_id", "patient_ref", "id"],
    )
    op.create_index(
        "ix_sms_message_warned",
        "sms_message",
        ["job_id", "id"],
        sqlite_where=WARNED,
        postgresql_where=WARNED,
    )
    op.create_index(
        "ix_sms_message_uncured",
        "sms_message",
        ["practice_id", "id"],
        sqlite_where=UNCURED,
        postgresql_where=UNCURED,
    )
    op.create_index(
        "ix_sms_message_approval_id",
        "sms_message",
        ["approval_id"],
        sqlite_where=sa.text("approval_id IS NOT NULL"),
        postgresql_where=sa.text("approval_id IS NOT NULL"),
    )
    op.add_column("sms_link", sa.Column("code_hash", sa.String(64)))
    op.create_index("ix_sms_link_code_hash", "sms_link", ["code_hash"])
    op.create_table(
        "sms_approval",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, sa.ForeignKey("sms_practice.id"), nullable=False),
        sa.Column("job_id", ID, sa.ForeignKey("sms_job.id"), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("user_name", sa.String(120), nullable=False),
        sa.Column("texts", sa.Integer(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), nullable=False),
        sa.Column("undo_until", AT, nullable=True),
        sa.Column("undone_at", AT, nullable=True),
        sa.Column("undone_by", sa.String(120), nullable=True),
        sa.Column("created_at", AT, nullable=False),
    )
    op.create_index("ix_sms_approval_job_id_id", "sms_approval", ["job_id", "id"])
    op.create_table(
        "sms_event",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, sa.ForeignKey("sms_practice.id"), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("event_ref", sa.String(64), nullable=False),
        sa.Column("message_id", ID, sa.ForeignKey("sms_message.id"), nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.UniqueConstraint("practice_id", "kind", "event_ref"),
    )


def downgrade() -> None:
    """Take back what upgrade made."""
    op.drop_table("sms_event")
    op.drop_table("sms_approval")
    op.drop_index("ix_sms_link_code_hash", "sms_link")
    op.drop_column("sms_link", "code_hash")
    for name in ("approval_id", "uncured", "warned", "practice_id_patient_ref_id"):
        op.drop_index(f"ix_sms_message_{name}", "sms_message")
    for name, _ in reversed(MESSAGE):
        op.drop_column("sms_message", name)
    for name, _ in reversed(JOB):
        op.drop_column("sms_job", name)
    for name in (
        "balance_slack_micros",
        "approve_notices",
        "second_person_edits",
        "second_person_above",
    ):
        op.drop_column("sms_practice", name)
