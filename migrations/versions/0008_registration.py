"""What the carriers say of a number's registration."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns."""
    op.add_column("sms_number", sa.Column("registration_note", sa.String(300)))
    op.add_column("sms_number", sa.Column("registration_ref", sa.String(64)))
    op.add_column("sms_number", sa.Column("registration_checked_at", AT))


def downgrade() -> None:
    """Take the columns away."""
    op.drop_column("sms_number", "registration_checked_at")
    op.drop_column("sms_number", "registration_ref")
    op.drop_column("sms_number", "registration_note")
