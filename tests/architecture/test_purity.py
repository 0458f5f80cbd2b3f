"""The core does no I/O and asks neither clock nor chance; nobody below the edges does.

Time and randomness are arguments, so that every rule can be tested at any hour.
"""

from __future__ import annotations

import ast
import sys

import pytest

from tests.architecture import tree

# What the core may import of the standard library: nothing here reads the world.
PURE = {
    "__future__", "bisect", "collections", "contextvars", "dataclasses", "datetime",
    "difflib",
    "enum", "fractions", "functools", "hashlib", "hmac", "itertools", "math", "re",
    "string", "types", "typing", "unicodedata", "zoneinfo",
}  # fmt: skip
LIBRARIES = {"phonenumbers"}
CLOCK_OWNERS = {"datetime", "date", "time"}
CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "perf_counter", "time_ns"}
WORLD = {"open", "input", "print", "exec", "eval", "__import__"}
# The one place below the edges where the clock is put in.
CLOCK_KEEPER = "sms_plugin.services.toolbox"


def within(package: str) -> list[str]:
    """Modules of a package."""
    return [name for name in tree.modules() if tree.is_within(name, package)]


def clock_readings(source: ast.Module) -> list[int]:
    """Lines that ask a clock, such as ``datetime.now()`` or ``time.time()``."""
    found = []
    for node in ast.walk(source):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        owner = node.func.value
        named = owner.id if isinstance(owner, ast.Name) else ""
        if named in CLOCK_OWNERS and node.func.attr in CLOCKS:
            found.append(node.lineno)
    return found


def changing_globals(source: ast.Module) -> list[int]:
    """Lines that change a module's name from inside a function."""
    return [node.lineno for node in ast.walk(source) if isinstance(node, ast.Global)]


@pytest.mark.parametrize("module", within("sms_plugin.core"))
def test_the_core_imports_only_what_is_pure(module):
    outside = {
        found.module.partition(".")[0]
        for found in tree.imports_of(module)
        if not tree.is_within(found.module, "sms_plugin")
    }

    assert outside <= PURE | LIBRARIES
    assert PURE - set(sys.stdlib_module_names) <= {"__future__"}


@pytest.mark.parametrize("module", within("sms_plugin.core"))
def test_the_core_asks_no_clock_and_touches_no_world(module):
    source = tree.parsed(module)
    touched = [
        node.id
        for node in ast.walk(source)
        if isinstance(node, ast.Name) and node.id in WORLD
    ]

    assert not touched
    assert not clock_readings(source)
    assert not changing_globals(source)


def test_below_the_edges_one_module_knows_the_clock():
    knowers = {
        module
        for package in ("services", "models", "migrations", "config", "port", "errors")
        for module in within(f"sms_plugin.{package}")
        if clock_readings(tree.parsed(module))
    }

    assert knowers == {CLOCK_KEEPER}


def test_no_module_changes_its_own_globals():
    wrong = [
        tree.place(path, line)
        for module, path in tree.modules().items()
        for line in changing_globals(tree.parsed(module))
    ]

    assert not wrong


@pytest.mark.parametrize(
    "source",
    ["datetime.now(UTC)", "date.today()", "time.time()", "time.monotonic()"],
)
def test_no_way_to_ask_the_clock_is_overlooked(source):
    assert clock_readings(ast.parse(source)) == [1]
