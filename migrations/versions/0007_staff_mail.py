"""Emails to staff; the name and the language in which a practice texts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)

WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    """Make the tables and the columns."""
    op.add_column("sms_practice", sa.Column("sender_name", sa.String(60)))
    op.add_column("sms_practice", sa.Column("language", sa.String(8)))
    op.create_table(
        "sms_staff_choice",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, sa.ForeignKey("sms_practice.id"), nullable=False),
        sa.Column("user_ref", sa.String(64), nullable=False),
        sa.Column("user_name", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.UniqueConstraint("practice_id", "user_ref", "kind"),
    )
    op.create_table(
        "sms_mail",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, sa.ForeignKey("sms_practice.id"), nullable=False),
        sa.Column("job_id", ID, sa.ForeignKey("sms_job.id"), nullable=False),
        sa.Column("user_ref", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("texts", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", AT, nullable=False),
        sa.Column("sent_at", AT, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.UniqueConstraint("job_id", "user_ref", "kind"),
    )
    op.create_index(
        "ix_sms_mail_waiting",
        "sms_mail",
        ["due_at"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )


def downgrade() -> None:
    """Take back what upgrade made."""
    op.drop_table("sms_mail")
    op.drop_table("sms_staff_choice")
    op.drop_column("sms_practice", "language")
    op.drop_column("sms_practice", "sender_name")
