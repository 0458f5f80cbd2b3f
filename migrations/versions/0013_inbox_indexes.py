"""An index of what people wrote, newest first, for searches of the Text Inbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

WRITTEN = sa.text("purpose IN ('inbound', 'reply')")


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        "ix_sms_message_written",
        "sms_message",
        ["practice_id", "id"],
        sqlite_where=WRITTEN,
        postgresql_where=WRITTEN,
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_index("ix_sms_message_written", "sms_message")
