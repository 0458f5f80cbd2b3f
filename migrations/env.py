"""How Alembic runs the plugin's migrations: always on a connection it is given."""

from __future__ import annotations

from typing import Any

from alembic import context

from sms_plugin.migrations import PREFIX, VERSION_TABLE
from sms_plugin.models import metadata


def include_name(name: str | None, type_: str, parent_names: Any) -> bool:  # noqa: ARG001  (Alembic passes it)
    """Look at our own tables only."""
    return type_ != "table" or (
        (name or "").startswith(PREFIX) and name != VERSION_TABLE
    )


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    include_name=include_name,
    render_as_batch=True,
    compare_type=True,
    transactional_ddl=True,
)
context.run_migrations()
