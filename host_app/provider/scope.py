"""The walls between practices: what the signed-in user may see, and where he works."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import abort, g, session
from sqlalchemy import select

from host_app.database import db
from host_app.models import Practice, StaffMembership

if TYPE_CHECKING:
    from collections.abc import Sequence

SUPPORT_ROLES = frozenset({"Portal Support", "Admin"})
CHOSEN = "portal_practice"


def is_support() -> bool:
    """Whether the signed-in user works for the portal and sees every practice."""
    return any(role.name in SUPPORT_ROLES for role in g.user.roles)


def visible_practices() -> Sequence[Practice]:
    """The practices of the signed-in user, by name; read once a request."""
    if not g.user.is_authenticated:
        return []
    if "portal_practices" not in g:
        query = select(Practice).order_by(Practice.name)
        if not is_support():
            query = query.join(StaffMembership).where(
                StaffMembership.user_id == g.user.id
            )
        g.portal_practices = db.session.scalars(query).all()
    return cast("Sequence[Practice]", g.portal_practices)


def visible_practice_ids() -> list[int]:
    """The keys of those practices."""
    return [practice.id for practice in visible_practices()]


def current_practice() -> Practice | None:
    """The practice the user works in: the one switched to, else the first.

    Support starts with all of them, which is None.
    """
    mine = visible_practices()
    wanted = session.get(CHOSEN)
    found = next((row for row in mine if row.public_id == wanted), None)
    if found is not None or not mine or is_support():
        return found
    return mine[0]


def current_practice_ids() -> list[int]:
    """The keys of the practices whose rows lists show."""
    practice = current_practice()
    return visible_practice_ids() if practice is None else [practice.id]


def switch_to(public_id: str) -> None:
    """Work in another practice from now on; empty is all of them, for support only."""
    known = {practice.public_id for practice in visible_practices()}
    if public_id not in known and (public_id or not is_support()):
        abort(404)
    session[CHOSEN] = public_id
