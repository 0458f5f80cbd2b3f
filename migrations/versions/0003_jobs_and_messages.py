"""Jobs, messages, attempts, links, conversations and webhook events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# SQLite counts up only a key that is called INTEGER.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)

TABLES = (
    "sms_job",
    "sms_message",
    "sms_attempt",
    "sms_link",
    "sms_conversation",
    "sms_task",
    "sms_webhook_event",
)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "sms_job",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, nullable=False),
        sa.Column("job_ref", sa.String(64), nullable=False),
        sa.Column("title", sa.String(160), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("prepared_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["practice_id"], ["sms_practice.id"]),
        sa.UniqueConstraint("practice_id", "job_ref"),
    )
    op.create_index(
        "ix_sms_job_preparing",
        "sms_job",
        ["id"],
        sqlite_where=sa.text("prepared_at IS NULL"),
        postgresql_where=sa.text("prepared_at IS NULL"),
    )
    op.create_table(
        "sms_message",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, nullable=False),
        sa.Column("purpose", sa.String(8), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("step", sa.String(24), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("reason", sa.String(40), nullable=True),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.Column("hold", sa.String(40), nullable=True),
        sa.Column("dedupe_key", sa.String(160), nullable=True),
        sa.Column("job_id", ID, nullable=True),
        sa.Column("phone_id", ID, nullable=True),
        sa.Column("number_id", ID, nullable=True),
        sa.Column("template_revision_id", ID, nullable=True),
        sa.Column("patient_ref", sa.String(64), nullable=False),
        sa.Column("patient_name", sa.String(160), nullable=False),
        sa.Column("zones", sa.String(300), nullable=False),
        sa.Column("bill_ref", sa.String(64), nullable=False),
        sa.Column("balance_micros", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("original_body", sa.Text(), nullable=True),
        sa.Column("segments", sa.SmallInteger(), nullable=False),
        sa.Column("encoding", sa.String(6), nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("approved_hash", sa.String(64), nullable=True),
        sa.Column("approved_by", sa.String(120), nullable=False),
        sa.Column("approved_by_id", sa.Integer(), nullable=True),
        sa.Column("approved_at", AT, nullable=True),
        sa.Column("author", sa.String(120), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("any_hour", sa.Boolean(), nullable=False),
        sa.Column("sid", sa.String(64), nullable=True),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", AT, nullable=True),
        sa.Column("expires_at", AT, nullable=True),
        sa.Column("submitted_at", AT, nullable=True),
        sa.Column("delivered_at", AT, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("changed_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["sms_practice.id"]),
        sa.ForeignKeyConstraint(["job_id"], ["sms_job.id"]),
        sa.ForeignKeyConstraint(["phone_id"], ["sms_phone.id"]),
        sa.ForeignKeyConstraint(["number_id"], ["sms_number.id"]),
        sa.ForeignKeyConstraint(["template_revision_id"], ["sms_template_revision.id"]),
        sa.UniqueConstraint("practice_id", "dedupe_key"),
        sa.UniqueConstraint("sid"),
    )
    op.create_index(
        "ix_sms_message_due",
        "sms_message",
        ["practice_id", "priority", "due_at", "id"],
        sqlite_where=sa.text("state = 'approved'"),
        postgresql_where=sa.text("state = 'approved'"),
    )
    op.create_index(
        "ix_sms_message_expiring",
        "sms_message",
        ["expires_at"],
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_sms_message_job_id_state_id", "sms_message", ["job_id", "state", "id"]
    )
    op.create_index(
        "ix_sms_message_pending",
        "sms_message",
        ["practice_id", "patient_ref"],
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index("ix_sms_message_phone_id_id", "sms_message", ["phone_id", "id"])
    op.create_index(
        "ix_sms_message_practice_id_id", "sms_message", ["practice_id", "id"]
    )
    op.create_index(
        "ix_sms_message_unknown",
        "sms_message",
        ["id"],
        sqlite_where=sa.text("state = 'unknown'"),
        postgresql_where=sa.text("state = 'unknown'"),
    )
    op.create_table(
        "sms_attempt",
        sa.Column("id", ID, primary_key=True),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("practice_id", ID, nullable=False),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("lease_until", AT, nullable=False),
        sa.Column("verdict", sa.String(8), nullable=True),
        sa.Column("sid", sa.String(64), nullable=True),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("http_status", sa.SmallInteger(), nullable=True),
        sa.Column("detail", sa.String(120), nullable=False),
        sa.Column("started_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["sms_message.id"]),
        sa.ForeignKeyConstraint(["practice_id"], ["sms_practice.id"]),
        sa.UniqueConstraint("token"),
    )
    op.create_index("ix_sms_attempt_message_id", "sms_attempt", ["message_id"])
    op.create_index(
        "ix_sms_attempt_open",
        "sms_attempt",
        ["lease_until"],
        sqlite_where=sa.text("verdict IS NULL"),
        postgresql_where=sa.text("verdict IS NULL"),
    )
    op.create_table(
        "sms_link",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("purpose", sa.String(12), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("token_secret", sa.Text(), nullable=True),
        sa.Column("patient_ref", sa.String(64), nullable=False),
        sa.Column("bill_ref", sa.String(64), nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("revoked_at", AT, nullable=True),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.Column("opened_at", AT, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["sms_practice.id"]),
        sa.ForeignKeyConstraint(["message_id"], ["sms_message.id"]),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index("ix_sms_link_message_id", "sms_link", ["message_id"])
    op.create_table(
        "sms_conversation",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, nullable=False),
        sa.Column("phone_id", ID, nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("preview", sa.String(120), nullable=False),
        sa.Column("last_at", AT, nullable=False),
        sa.Column("last_message_id", sa.BigInteger(), nullable=True),
        sa.Column("unread", sa.Integer(), nullable=False),
        sa.Column("waiting_since", AT, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["sms_practice.id"]),
        sa.ForeignKeyConstraint(["phone_id"], ["sms_phone.id"]),
        sa.UniqueConstraint("phone_id"),
    )
    op.create_index(
        "ix_sms_conversation_practice_id_last_at_id",
        "sms_conversation",
        ["practice_id", "last_at", "id"],
    )
    op.create_table(
        "sms_task",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("phone_id", ID, nullable=True),
        sa.Column("message_id", ID, nullable=True),
        sa.Column("note", sa.String(300), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("done_at", AT, nullable=True),
        sa.Column("done_by", sa.String(120), nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["sms_practice.id"]),
        sa.ForeignKeyConstraint(["phone_id"], ["sms_phone.id"]),
        sa.ForeignKeyConstraint(["message_id"], ["sms_message.id"]),
    )
    op.create_index(
        "ix_sms_task_practice_id_done_at_id",
        "sms_task",
        ["practice_id", "done_at", "id"],
    )
    op.create_table(
        "sms_webhook_event",
        sa.Column("id", ID, primary_key=True),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("received_at", AT, nullable=False),
        sa.Column("applied_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["sms_account.id"]),
        sa.UniqueConstraint("key"),
    )
    op.create_index(
        "ix_sms_webhook_event_waiting",
        "sms_webhook_event",
        ["id"],
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )


def downgrade() -> None:
    """Remove the tables."""
    for table in reversed(TABLES):
        op.drop_table(table)
