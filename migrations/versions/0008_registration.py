"""What the carriers say of a number's registration, and counters that bound calls."""

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
    """Add the columns and the table."""
    op.add_column("sms_number", sa.Column("registration_note", sa.String(300)))
    op.add_column("sms_number", sa.Column("registration_ref", sa.String(64)))
    op.add_column("sms_number", sa.Column("registration_told", sa.String(12)))
    op.add_column("sms_number", sa.Column("registration_since", AT))
    op.add_column("sms_number", sa.Column("registration_checked_at", AT))
    op.create_table(
        "sms_counter",
        sa.Column("id", ID, primary_key=True),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("began_at", AT, nullable=False),
        sa.UniqueConstraint("name"),
    )


def downgrade() -> None:
    """Take back what upgrade made."""
    op.drop_table("sms_counter")
    op.drop_column("sms_number", "registration_checked_at")
    op.drop_column("sms_number", "registration_since")
    op.drop_column("sms_number", "registration_told")
    op.drop_column("sms_number", "registration_ref")
    op.drop_column("sms_number", "registration_note")
