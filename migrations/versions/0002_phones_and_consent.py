"""Phones, preferences, the consent ledger and the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sms_plugin.migrations import append_only

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# SQLite counts up only a key that is called INTEGER.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)

APPEND_ONLY = ("sms_consent", "sms_audit")
TABLES = (
    "sms_phone",
    "sms_patient_phone",
    "sms_suppression",
    "sms_consent",
    "sms_consent_evidence",
    "sms_audit",
)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "sms_phone",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, nullable=False),
        sa.Column("e164", sa.String(16), nullable=False),
        sa.Column("condition", sa.String(12), nullable=False),
        sa.Column("verified_at", AT, nullable=True),
        sa.Column("last_inbound_at", AT, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["sms_practice.id"]),
        sa.UniqueConstraint("practice_id", "e164"),
    )
    op.create_table(
        "sms_patient_phone",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, nullable=False),
        sa.Column("phone_id", ID, nullable=False),
        sa.Column("patient_ref", sa.String(64), nullable=False),
        sa.Column("patient_name", sa.String(160), nullable=False),
        sa.Column("label", sa.String(40), nullable=False),
        sa.Column("preferred", sa.Boolean(), nullable=False),
        sa.Column("delivery", sa.Boolean(), nullable=False),
        sa.Column("consent", sa.String(8), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["sms_practice.id"]),
        sa.ForeignKeyConstraint(["phone_id"], ["sms_phone.id"]),
        sa.UniqueConstraint("practice_id", "patient_ref", "phone_id"),
    )
    op.create_index("ix_sms_patient_phone_phone_id", "sms_patient_phone", ["phone_id"])
    op.create_table(
        "sms_suppression",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, nullable=False),
        sa.Column("phone_id", ID, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("word", sa.String(40), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("lifted_at", AT, nullable=True),
        sa.Column("lifted_by", sa.String(120), nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["sms_practice.id"]),
        sa.ForeignKeyConstraint(["phone_id"], ["sms_phone.id"]),
    )
    op.create_index(
        "ix_sms_suppression_active",
        "sms_suppression",
        ["phone_id", "source"],
        unique=True,
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "sms_consent",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, nullable=False),
        sa.Column("phone_hash", sa.String(64), nullable=False),
        sa.Column("patient_ref", sa.String(64), nullable=False),
        sa.Column("event", sa.String(12), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("wording", sa.String(32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("at", AT, nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["sms_practice.id"]),
    )
    op.create_index(
        "ix_sms_consent_practice_id_phone_hash",
        "sms_consent",
        ["practice_id", "phone_hash"],
    )
    op.create_table(
        "sms_consent_evidence",
        sa.Column("id", ID, primary_key=True),
        sa.Column("consent_id", ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("ip", sa.String(45), nullable=False),
        sa.Column("user_name", sa.String(120), nullable=False),
        sa.ForeignKeyConstraint(["consent_id"], ["sms_consent.id"]),
    )
    op.create_index(
        "ix_sms_consent_evidence_consent_id", "sms_consent_evidence", ["consent_id"]
    )
    op.create_table(
        "sms_audit",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("user_name", sa.String(120), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.String(300), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["sms_practice.id"]),
    )
    op.create_index("ix_sms_audit_practice_id_id", "sms_audit", ["practice_id", "id"])
    for table in APPEND_ONLY:
        append_only.protect(table)


def downgrade() -> None:
    """Remove the tables."""
    for table in APPEND_ONLY:
        append_only.release(table)
    for table in reversed(TABLES):
        op.drop_table(table)
