"""Pauses of accounts and numbers, polling, and the installation with its processes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)

TABLES = ("sms_installation", "sms_process", "sms_refusal")
# Texts that a person decides about, and texts that wait for their final word.
INDEXES = {
    "ix_sms_message_review": ("id", "state = 'review'"),
    "ix_sms_message_on_the_way": ("submitted_at", "state IN ('accepted', 'sent')"),
}


def upgrade() -> None:
    """Make the tables, and add the columns to those that are there."""
    op.create_table(
        "sms_installation",
        sa.Column("id", ID, primary_key=True),
        sa.Column("token", sa.String(36), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("public_url", sa.String(200), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("alive_at", AT, nullable=True),
        sa.Column("paused", sa.String(12), nullable=True),
        sa.Column("paused_at", AT, nullable=True),
        sa.Column("detail", sa.String(300), nullable=False),
        sa.Column("created_at", AT, nullable=False),
    )
    op.create_table(
        "sms_process",
        sa.Column("id", ID, primary_key=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("version", sa.String(20), nullable=False),
        sa.Column("started_at", AT, nullable=False),
        sa.Column("seen_at", AT, nullable=False),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "sms_refusal",
        sa.Column("id", ID, primary_key=True),
        sa.Column("hour", AT, nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.UniqueConstraint("hour", "reason"),
    )
    for table, column in _columns():
        op.add_column(table, column)
    for name, (column_name, condition) in INDEXES.items():
        op.create_index(
            name,
            "sms_message",
            [column_name],
            sqlite_where=sa.text(condition),
            postgresql_where=sa.text(condition),
        )


def downgrade() -> None:
    """Take back what upgrade made."""
    for name in INDEXES:
        op.drop_index(name, table_name="sms_message")
    for table, column in reversed(_columns()):
        op.drop_column(table, column.name)
    for table in reversed(TABLES):
        op.drop_table(table)


def _columns() -> list[tuple[str, sa.Column[Any]]]:
    """Columns for tables that may have rows, so each has a value to begin with."""
    text = sa.String(300)
    return [
        ("sms_account", sa.Column("pause", sa.String(12), nullable=True)),
        ("sms_account", sa.Column("pause_reason", text, nullable=True)),
        ("sms_account", sa.Column("paused_at", AT, nullable=True)),
        ("sms_account", sa.Column("paused_until", AT, nullable=True)),
        ("sms_account", _count("failures")),
        ("sms_account", _count("throttles")),
        ("sms_number", sa.Column("pause_reason", text, nullable=True)),
        ("sms_number", sa.Column("paused_until", AT, nullable=True)),
        ("sms_number", sa.Column("polled_at", AT, nullable=True)),
        ("sms_number", sa.Column("drift", text, nullable=True)),
        ("sms_number", sa.Column("checked_at", AT, nullable=True)),
        ("sms_message", sa.Column("polled_at", AT, nullable=True)),
        ("sms_job", sa.Column("reminded_at", AT, nullable=True)),
    ]


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default="0")
