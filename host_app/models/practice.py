"""Practices, their branches, and who works for them."""

from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from host_app.models.base import Base


class Practice(Base):
    """A provider's office: the tenant."""

    __tablename__ = "portal_practice"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    phone: Mapped[str] = mapped_column(String(30), default="")
    timezone: Mapped[str] = mapped_column(String(50), default="America/New_York")

    def __str__(self) -> str:
        return self.name


class Location(Base):
    """A branch of a practice."""

    __tablename__ = "portal_location"

    id: Mapped[int] = mapped_column(primary_key=True)
    practice_id: Mapped[int] = mapped_column(ForeignKey(Practice.id), index=True)
    name: Mapped[str] = mapped_column(String(100))

    def __str__(self) -> str:
        return self.name


class StaffMembership(Base):
    """A FAB user works for a practice and wants this notice about it."""

    __tablename__ = "portal_staff_membership"
    __table_args__ = (UniqueConstraint("user_id", "practice_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    practice_id: Mapped[int] = mapped_column(ForeignKey(Practice.id), index=True)
    notify_replies: Mapped[bool] = mapped_column(default=False)

    practice: Mapped[Practice] = relationship(lazy="joined", innerjoin=True)
    user: Mapped[Any] = relationship(User, lazy="joined", innerjoin=True)

    def __str__(self) -> str:
        return str(self.user)
