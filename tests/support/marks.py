"""Where a test runs on one database only."""

from __future__ import annotations

import pytest

# What the database has no part in is shown once, on the quicker one.
on_sqlite = pytest.mark.parametrize("database", ["sqlite"])
# What only row locks make possible.
on_postgresql = pytest.mark.parametrize("database", ["postgresql"])
# What crashes the server; see the fixture ``server``.
on_fragile = pytest.mark.parametrize("database", ["fragile"])
