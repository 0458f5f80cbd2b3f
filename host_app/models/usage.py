"""What practices are charged for texting, as the plugin tells it day by day."""

from datetime import date

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from host_app.models.base import Base
from host_app.models.practice import Practice


class UsageCharge(Base):
    """One kind of texts on one day, for the practice's next invoice.

    ``key`` is the plugin's name of the record: told twice, it is charged once.
    """

    __tablename__ = "portal_usage_charge"
    __table_args__ = (Index("ix_portal_usage_charge_day", "practice_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    practice_id: Mapped[int] = mapped_column(ForeignKey(Practice.id))
    day: Mapped[date]
    kind: Mapped[str] = mapped_column(String(24))
    texts: Mapped[int]
    amount_micros: Mapped[int] = mapped_column(BigInteger)
