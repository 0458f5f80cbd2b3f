"""Counting what is asked of the database."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.world import World


@contextmanager
def counted(world: World) -> Iterator[list[str]]:
    """Collect the statements that the application makes while the block runs."""
    said: list[str] = []
    with world.app.app_context():
        engine = world.app.appbuilder.session.get_bind()

    def watch(*seen: object) -> None:
        said.append(str(seen[2]).lower())

    sa.event.listen(engine, "before_cursor_execute", watch)
    try:
        yield said
    finally:
        sa.event.remove(engine, "before_cursor_execute", watch)
