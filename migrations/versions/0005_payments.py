"""Payments that the host told of, and the ways by which the dashboard reads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)

# Texts by the moment they went out, and texts of patients.
PARTIAL = {
    "ix_sms_message_submitted": ("submitted_at", "submitted_at IS NOT NULL"),
    "ix_sms_message_received": ("created_at", "state = 'received'"),
}
INDEXES = {
    "ix_sms_suppression_practice_id_created_at": (
        "sms_suppression",
        ["practice_id", "created_at"],
    ),
    "ix_sms_link_practice_id_bill_ref": ("sms_link", ["practice_id", "bill_ref"]),
}


def upgrade() -> None:
    """Make the table and the indexes."""
    op.create_table(
        "sms_payment",
        sa.Column("id", ID, primary_key=True),
        sa.Column("practice_id", ID, sa.ForeignKey("sms_practice.id"), nullable=False),
        sa.Column("event_ref", sa.String(64), nullable=False),
        sa.Column("patient_ref", sa.String(64), nullable=False),
        sa.Column("bill_ref", sa.String(64), nullable=False),
        sa.Column("amount_micros", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("paid_at", AT, nullable=False),
        sa.Column("message_id", ID, sa.ForeignKey("sms_message.id"), nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.UniqueConstraint("practice_id", "event_ref"),
    )
    op.create_index(
        "ix_sms_payment_practice_id_message_id",
        "sms_payment",
        ["practice_id", "message_id"],
    )
    for name, (column, condition) in PARTIAL.items():
        op.create_index(
            name,
            "sms_message",
            ["practice_id", column],
            sqlite_where=sa.text(condition),
            postgresql_where=sa.text(condition),
        )
    for name, (table, columns) in INDEXES.items():
        op.create_index(name, table, columns)


def downgrade() -> None:
    """Take back what upgrade made."""
    for name, (table, _) in INDEXES.items():
        op.drop_index(name, table_name=table)
    for name in PARTIAL:
        op.drop_index(name, table_name="sms_message")
    op.drop_table("sms_payment")
