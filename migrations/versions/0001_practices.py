"""Practices, their accounts, numbers and templates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite counts up only a key that is called INTEGER.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)

TABLES = (
    "sms_account",
    "sms_practice",
    "sms_billing_consent",
    "sms_number",
    "sms_template",
    "sms_template_revision",
)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "sms_account",
        sa.Column("id", ID, primary_key=True),
        sa.Column("gateway", sa.String(20), nullable=False),
        sa.Column("account_sid", sa.String(64), nullable=False),
        sa.Column("secrets", sa.Text(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.UniqueConstraint("account_sid"),
    )
    op.create_table(
        "sms_practice",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_ref", sa.String(64), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("phone", sa.String(32), nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("amounts", sa.Boolean(), nullable=False),
        sa.Column("window_start", sa.SmallInteger(), nullable=False),
        sa.Column("window_end", sa.SmallInteger(), nullable=False),
        sa.Column("sunday_start", sa.SmallInteger(), nullable=False),
        sa.Column("sunday_end", sa.SmallInteger(), nullable=False),
        sa.Column("account_id", ID, nullable=True),
        sa.Column("stopped", sa.String(300), nullable=True),
        sa.Column("stopped_at", AT, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["sms_account.id"]),
        sa.UniqueConstraint("practice_ref"),
    )
    op.create_table(
        "sms_billing_consent",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("text_hash", sa.String(64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("user_name", sa.String(120), nullable=False),
        sa.Column("ip", sa.String(45), nullable=False),
        sa.Column("accepted_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["sms_practice.id"]),
    )
    op.create_index(
        "ix_sms_billing_consent_practice_id_id",
        "sms_billing_consent",
        ["practice_id", "id"],
    )
    op.create_table(
        "sms_number",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("e164", sa.String(16), nullable=False),
        sa.Column("sid", sa.String(64), nullable=True),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("locality", sa.String(80), nullable=False),
        sa.Column("monthly_price_micros", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("registration", sa.String(12), nullable=False),
        sa.Column("rate", sa.Float(), nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["sms_practice.id"]),
        sa.ForeignKeyConstraint(["account_id"], ["sms_account.id"]),
        sa.UniqueConstraint("e164"),
    )
    op.create_index(
        "ix_sms_number_active",
        "sms_number",
        ["practice_id"],
        unique=True,
        sqlite_where=sa.text("active"),
        postgresql_where=sa.text("active"),
    )
    op.create_index("ix_sms_number_practice_id", "sms_number", ["practice_id"])
    op.create_table(
        "sms_template",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["sms_practice.id"]),
        sa.UniqueConstraint("practice_id", "kind", "language"),
    )
    op.create_table(
        "sms_template_revision",
        sa.Column("id", ID, primary_key=True),
        sa.Column("template_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("user_name", sa.String(120), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["template_id"], ["sms_template.id"]),
        sa.UniqueConstraint("template_id", "number"),
    )


def downgrade() -> None:
    """Remove the tables."""
    for table in reversed(TABLES):
        op.drop_table(table)
