"""The Text Inbox of a team: owners, notes, drafts, pictures, words to search by."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from sms_plugin.migrations import word_index

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)

CONVERSATION: tuple[tuple[str, sa.types.TypeEngine[Any]], ...] = (
    ("words", sa.String(400)),
    ("changed_at", AT),
    ("owner_id", sa.Integer()),
    ("owner_name", sa.String(120)),
    ("closed_at", AT),
    ("closed_by", sa.String(120)),
    ("opted_out_at", AT),
    ("failed_at", AT),
    ("auto_answered_at", AT),
    ("escalated_at", AT),
)
PRACTICE: tuple[tuple[str, sa.types.TypeEngine[Any]], ...] = (
    ("office_days", sa.String(7)),
    ("office_start", sa.SmallInteger()),
    ("office_end", sa.SmallInteger()),
    ("auto_answer", sa.String(320)),
    ("auto_answer_es", sa.String(320)),
    ("escalate_after", sa.SmallInteger()),
)
NEWEST = ("practice_id", "last_at", "id")
INDEXES = (
    ("unread", NEWEST, "unread > 0"),
    ("waiting", NEWEST, "waiting_since IS NOT NULL"),
    ("owned", ("practice_id", "owner_id", "last_at", "id"), "owner_id IS NOT NULL"),
    ("opted_out", NEWEST, "opted_out_at IS NOT NULL"),
    ("failed", NEWEST, "failed_at IS NOT NULL"),
)
# What the words of a conversation were before the application wrote them: its title
# and its phone, by its last ten, seven and four digits.
FILL = """
UPDATE sms_conversation SET changed_at = last_at,
opted_out_at = (SELECT max(created_at) FROM sms_suppression
    WHERE sms_suppression.phone_id = sms_conversation.phone_id AND lifted_at IS NULL),
words = (SELECT title || ' ' || substr(e164, 3) || ' ' || substr(e164, 6) || ' '
    || substr(e164, 9) FROM sms_phone WHERE sms_phone.id = phone_id)
"""


def upgrade() -> None:
    """Make the columns, the tables and the indexes of words."""
    for name, kind in PRACTICE:
        op.add_column("sms_practice", sa.Column(name, kind))
    for name, kind in CONVERSATION:
        op.add_column("sms_conversation", sa.Column(name, kind))
    op.execute(FILL)
    op.create_index(
        "ix_sms_conversation_practice_id_changed_at",
        "sms_conversation",
        ["practice_id", "changed_at"],
    )
    for name, columns, condition in INDEXES:
        op.create_index(
            f"ix_sms_conversation_{name}",
            "sms_conversation",
            list(columns),
            sqlite_where=sa.text(condition),
            postgresql_where=sa.text(condition),
        )
    _tables()
    word_index.create(
        "sms_message", "body", "{row}purpose IN ('inbound', 'reply')", watched="purpose"
    )
    word_index.create("sms_conversation", "words", "{row}words IS NOT NULL")


def downgrade() -> None:
    """Take back what upgrade made."""
    for table in ("sms_conversation", "sms_message"):
        word_index.drop(table)
    for table in ("sms_quick_reply", "sms_media", "sms_draft", "sms_note"):
        op.drop_table(table)
    for name, _, _ in INDEXES:
        op.drop_index(f"ix_sms_conversation_{name}", "sms_conversation")
    op.drop_index("ix_sms_conversation_practice_id_changed_at", "sms_conversation")
    for name, _ in reversed(CONVERSATION):
        op.drop_column("sms_conversation", name)
    for name, _ in reversed(PRACTICE):
        op.drop_column("sms_practice", name)


def _tables() -> None:
    op.create_table(
        "sms_note",
        sa.Column("id", ID, primary_key=True),
        _key("sms_practice"),
        _key("sms_conversation"),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("after_id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("author", sa.String(120), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("created_at", AT, nullable=False),
    )
    op.create_index(
        "ix_sms_note_conversation_id_after_id_id",
        "sms_note",
        ["conversation_id", "after_id", "id"],
    )
    op.create_table(
        "sms_draft",
        sa.Column("id", ID, primary_key=True),
        _key("sms_practice"),
        _key("sms_conversation"),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("user_name", sa.String(120), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("patient_ref", sa.String(64), nullable=False),
        sa.Column("typed_at", AT, nullable=False),
        sa.UniqueConstraint("conversation_id", "user_id"),
    )
    op.create_table(
        "sms_media",
        sa.Column("id", ID, primary_key=True),
        _key("sms_practice"),
        _key("sms_message"),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("media_sid", sa.String(64), nullable=False),
        sa.Column("content_type", sa.String(80), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.UniqueConstraint("message_id", "position"),
    )
    op.create_table(
        "sms_quick_reply",
        sa.Column("id", ID, primary_key=True),
        _key("sms_practice"),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("title", sa.String(60), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("changed_at", AT, nullable=False),
        sa.UniqueConstraint("practice_id", "language", "title"),
    )


def _key(table: str) -> sa.Column[Any]:
    name = table.removeprefix("sms_") + "_id"
    return sa.Column(name, ID, sa.ForeignKey(f"{table}.id"), nullable=False)
