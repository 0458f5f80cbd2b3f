"""Lists of the Text Inbox by owner, and of what is closed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLE = "sms_conversation"
OWNED = ["practice_id", "owner_id", "last_at", "id"]


def upgrade() -> None:
    """Leave what is closed out of the list of an owner; list it by itself."""
    op.drop_index("ix_sms_conversation_owned", TABLE)
    _create("mine", OWNED, "owner_id IS NOT NULL AND closed_at IS NULL")
    _create("closed", ["practice_id", "last_at", "id"], "closed_at IS NOT NULL")


def downgrade() -> None:
    """Take back what upgrade made."""
    for name in ("closed", "mine"):
        op.drop_index(f"ix_sms_conversation_{name}", TABLE)
    _create("owned", OWNED, "owner_id IS NOT NULL")


def _create(name: str, columns: list[str], condition: str) -> None:
    op.create_index(
        f"ix_sms_conversation_{name}",
        TABLE,
        columns,
        sqlite_where=sa.text(condition),
        postgresql_where=sa.text(condition),
    )
