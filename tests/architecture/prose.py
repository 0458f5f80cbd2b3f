"""Finding sentences for people that no catalogue could know, in code and templates."""

from __future__ import annotations

import ast
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from jinja2 import Environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Whose arguments the catalogue knows.
SAYERS = {"say", "say_count", "say_html", "mark", "lazy"}
# Whose arguments no patient and no staff reads: logs, settings, patterns, SQL, types.
SILENT = {
    "debug", "info", "warning", "error", "exception", "critical",
    "ConfigError", "compile", "text", "literal_column", "cast", "TypeVar", "Choice",
    "getLogger", "startswith", "Header", "ThreadPoolExecutor", "AssertionError",
    "Patient",  # a name of somebody
    # These tell a programmer of a mistake; what people are told has a class of its own.
    "ValueError", "TypeError", "RuntimeError", "BrokenOffError",
}  # fmt: skip
# What stands in a stored text until its link does, in every language.
MARK = re.compile(r"\[[a-z ]+\]")
TAG = re.compile(r"<[^>]*>")
SENTENCE = re.compile(r"[A-Za-z]{2,}[,.;:]? [A-Za-z{]")
LABEL = re.compile(r"[A-Z][a-z]{2,}\.?")
CLASSES = re.compile(r"[a-z0-9 -]*-[a-z0-9 -]*")
LETTERS = re.compile(r"[A-Za-z]{2,}")
READ_ALOUD = {"aria-label", "alt", "placeholder", "title", "data-label"}


def name_of(call: ast.Call) -> str:
    """The last name of what is called."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def in_code(source: ast.Module, *, labels: bool) -> Iterator[tuple[int, str]]:
    """Lines and literals that read like something said to a person, and are not said.

    Args:
        source: a module.
        labels: whether single capitalised words count, as pages have them.
    """
    for node, quiet in _walk(source, quiet=False):
        if quiet or not (
            isinstance(node, ast.Constant) and isinstance(node.value, str)
        ):
            continue
        # Codes are in capitals, such as those of the states.
        if node.value.isupper() or MARK.fullmatch(node.value):
            continue
        words = TAG.sub("", node.value)
        if SENTENCE.search(words) or (labels and LABEL.fullmatch(words)):
            yield node.lineno, node.value


def _walk(node: ast.AST, *, quiet: bool) -> Iterator[tuple[ast.AST, bool]]:
    yield node, quiet
    if isinstance(node, ast.Call) and name_of(node) in SAYERS | SILENT:
        quiet = True
    # What is looked up is a key; what stands for a missing one may be shown.
    looks_up = isinstance(node, ast.Call) and name_of(node) == "get"
    key = node.args[0] if looks_up and node.args else None
    for child in ast.iter_child_nodes(node):
        # A string that stands alone is a docstring, or says what an attribute is.
        alone = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        silent = alone or child is key or isinstance(child, ast.Assert)
        yield from _walk(child, quiet=quiet or silent)


class _Reader(HTMLParser):
    """Collects what a page shows or has read aloud."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[int, str]] = []

    def handle_data(self, data: str) -> None:
        if LETTERS.search(data):
            self.said.append((self.getpos()[0], data.strip()))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in READ_ALOUD and value and LETTERS.search(value):
                self.said.append((self.getpos()[0], f"{name}={value}"))


def in_template(path: Path) -> Iterator[tuple[int, str]]:
    """Lines and words of a template that stand outside of every expression.

    Sentences inside of expressions are found where they are no argument of ``sms_``.
    """
    source = path.read_text(encoding="utf-8")
    reader = _Reader()
    reader.feed(_without_expressions(source))
    yield from reader.said
    for line, words, before in _literals(source):
        said = before in {"sms_", "sms_count", "sms_html"} or CLASSES.fullmatch(words)
        if not said and SENTENCE.search(words):
            yield line, words


def _without_expressions(source: str) -> str:
    """The page with everything of Jinja taken out, and every line in its place."""
    kept = []
    for _, kind, words in Environment(autoescape=True).lex(source):
        keeps = kind == "data"
        kept.append(words if keeps else "\n" * words.count("\n"))
    return "".join(kept)


def _literals(source: str) -> Iterator[tuple[int, str, str]]:
    """Strings inside of expressions, each with the name of the call it stands in."""
    calls: list[str] = []
    last = ""
    for line, kind, words in Environment(autoescape=True).lex(source):
        if kind == "operator" and words in "([{":
            calls.append(last if words == "(" else "")
        elif kind == "operator" and words in ")]}":
            if calls:
                calls.pop()
        elif kind == "string":
            yield line, words.strip("\"'"), calls[-1] if calls else ""
        if kind != "whitespace":
            last = words if kind == "name" else ""
