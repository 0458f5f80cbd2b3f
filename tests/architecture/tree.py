"""The project's source as these tests read it: files, modules and what they import."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
# The folder migrations is packaged as sms_plugin.migrations.
PACKAGES = {
    "sms_plugin": ROOT / "sms_plugin",
    "sms_plugin.migrations": ROOT / "migrations",
    "host_app": ROOT / "host_app",
}


class Import(NamedTuple):
    """One imported module, and the line that asks for it."""

    module: str
    line: int


@cache
def modules() -> dict[str, Path]:
    """Every module of the product by its dotted name."""
    found = {}
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            found[".".join((package, *parts))] = path
    return found


@cache
def parsed(module: str) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(modules()[module].read_text(encoding="utf-8"))


def imports_of(module: str) -> list[Import]:
    """What a module imports, wherever in it the import stands."""
    return list(_imports(parsed(module), set(modules())))


def _imports(tree: ast.Module, known: set[str]) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "the project imports by absolute names only"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield Import(inner if inner in known else str(node.module), node.lineno)


def imports_in(source: str) -> set[str]:
    """What a piece of source imports, for tests of these tests."""
    return {found.module for found in _imports(ast.parse(source), set(modules()))}


def is_within(module: str, *packages: str) -> bool:
    """Whether a module is one of the packages or stands in one."""
    return any(
        module == package or module.startswith(f"{package}.") for package in packages
    )


def files(*suffixes: str) -> list[Path]:
    """Every file of the product with one of these endings."""
    return sorted(
        path
        for folder in PACKAGES.values()
        for path in folder.rglob("*")
        if path.suffix in suffixes
    )


def place(path: Path, line: int | None = None) -> str:
    """Name a place for a message."""
    name = str(path.relative_to(ROOT))
    return name if line is None else f"{name}:{line}"


def defined_functions(module: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module, inner ones too."""
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_matching(path: Path, pattern: str) -> Iterator[tuple[int, str]]:
    """Lines of a file in which a pattern is found, with their numbers."""
    text = path.read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), start=1):
        if re.search(pattern, line):
            yield number, line
