"""House rules that no linter knows: sizes, reasons, and pages without inline code."""

from __future__ import annotations

import ast
import re

from tests.architecture import tree

MODULE_LINES, FUNCTION_LINES = 400, 50
# An opt-out names its rule, and words that say why follow it.
OPT_OUT = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:\s*no cover)")
EXPLAINED = re.compile(
    r"#\s*(?:noqa:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*|type:\s*ignore\[[\w,\s-]+\]"
    r"|pragma:\s*no cover)"
)
REASON = re.compile(r"[A-Za-z]+\W+[A-Za-z]+")
# Home folders, temporary folders and drives: paths that only one machine has.
MACHINE_PATHS = re.compile(
    r"""(?<![\w./:}])(/(?:home|Users|root|work|mnt|private|tmp|var/tmp)/\w+|[A-Z]:\\\w+)"""
)
INLINE_CODE = {
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "a handler attribute": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "an inline script": re.compile(
        r"<script\b(?![^>]*\bsrc\s*=)(?![^>]*\btype=\"application/json\")",
        re.IGNORECASE,
    ),
    "a javascript address": re.compile(r"javascript:", re.IGNORECASE),
    # What FAB's widgets give is a page's part, rendered and escaped already.
    "an unescaped value": re.compile(r"\{\{(?!\s*widgets\.get)[^}]*\|\s*safe\b"),
}


def explains(comment: str) -> bool:
    """Whether every opt-out of a line is specific and the line gives a reason."""
    specific = EXPLAINED.findall(comment)
    rest = EXPLAINED.sub("", comment)
    return len(specific) == len(OPT_OUT.findall(comment)) and bool(REASON.search(rest))


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's code, without its signature and docstring."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


def is_public(name: str) -> bool:
    """Whether a name is for others."""
    return not name.startswith("_")


def undocumented(module: str) -> list[str]:
    """Public classes, functions and methods of a module without a docstring."""
    found = []

    def visit(node: ast.AST, path: str) -> None:
        for child in ast.iter_child_nodes(node):
            if not isinstance(
                child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
            ):
                continue
            name = f"{path}.{child.name}"
            if is_public(child.name) and ast.get_docstring(child) is None:
                found.append(f"{name}:{child.lineno}")
            # What is inside a function is nobody else's.
            if isinstance(child, ast.ClassDef) and is_public(child.name):
                visit(child, name)

    visit(tree.parsed(module), module)
    return found


def project_files() -> list:
    """Everything of the project that is written by hand."""
    folders = (
        "sms_plugin", "host_app", "migrations", "tests", "benchmarks", "docs", ".ci",
    )  # fmt: skip
    found = [path for path in tree.ROOT.iterdir() if path.is_file()]
    for folder in folders:
        found += (path for path in (tree.ROOT / folder).rglob("*") if path.is_file())
    known = {".py", ".md", ".toml", ".txt", ".html", ".css", ".js", ".mako", ".csv", ""}
    return [
        path
        for path in found
        if path.suffix in known
        and "__pycache__" not in path.parts
        and not path.name.startswith(".coverage")
    ]


def test_no_module_is_longer_than_a_reader_can_hold():
    long = [
        f"{tree.place(path)}: {lines} lines"
        for path in tree.modules().values()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MODULE_LINES
    ]

    assert not long


def test_no_function_is_longer_than_a_screen():
    long = [
        f"{tree.place(path, node.lineno)} {node.name}: {lines} lines"
        for module, path in tree.modules().items()
        # A migration makes its tables one after the other.
        if not tree.is_within(module, "sms_plugin.migrations.versions")
        for node in tree.defined_functions(module)
        if (lines := code_lines(node)) > FUNCTION_LINES
    ]

    assert not long


def test_every_opt_out_is_specific_and_says_why():
    wrong = [
        f"{tree.place(path, number)}: {line.strip()}"
        for path in tree.modules().values()
        for number, line in tree.lines_matching(path, OPT_OUT.pattern)
        if not explains(line[line.index("#") :])
    ]

    assert not wrong


def test_an_opt_out_without_rule_or_reason_is_found():
    assert not explains("# noqa")
    assert not explains("# noqa: S101")
    assert not explains("# type: ignore  # FAB adds it")
    assert not explains("# type: ignore[misc]")
    assert explains("# noqa: S101, S102  (the one reason)")
    assert explains("# type: ignore[misc]  # noqa: S101  (FAB adds it)")


def test_every_public_name_is_documented():
    wrong = [name for module in tree.modules() for name in undocumented(module)]

    assert not wrong


def test_every_module_says_what_it_is():
    silent = [
        tree.place(path)
        for module, path in tree.modules().items()
        if path.stat().st_size and ast.get_docstring(tree.parsed(module)) is None
    ]

    assert not silent


def test_no_file_names_a_path_of_one_machine():
    wrong = [
        f"{tree.place(path, number)}: {line.strip()[:80]}"
        for path in project_files()
        if path.name != "test_style.py"
        for number, line in tree.lines_matching(path, MACHINE_PATHS.pattern)
    ]

    assert not wrong


def test_paths_of_one_machine_are_told_from_addresses():
    for found in ("/home/ann/x", "see /tmp/portal", "C:\\Users", "'/Users/ann'"):
        assert MACHINE_PATHS.search(found), found
    for fine in ("https://example.com/home/ann", "/sms/home", "a/tmp/b", "{x}/tmp/y"):
        assert not MACHINE_PATHS.search(fine), fine


def test_pages_hold_no_inline_code():
    wrong = [
        f"{tree.place(path)}: {what}"
        for path in tree.files(".html")
        for what, pattern in INLINE_CODE.items()
        if pattern.search(path.read_text(encoding="utf-8"))
    ]

    assert not wrong


def test_inline_code_is_found():
    for page, what in (
        ('<p style="color: red">', "a style attribute"),
        ("<style>p {}</style>", "a style element"),
        ('<a\n onclick="x()">', "a handler attribute"),
        ("<script>x()</script>", "an inline script"),
        ('<script nonce="n">x()</script>', "an inline script"),
        ('<a href="javascript:x()">', "a javascript address"),
        ("{{ body|safe }}", "an unescaped value"),
    ):
        assert INLINE_CODE[what].search(page), page
    assert not INLINE_CODE["an inline script"].search('<script src="a.js"></script>')


def test_scripts_write_no_markup_and_run_no_text():
    # A fragment of the server may be parsed, in the inert element called holder.
    risky = re.compile(
        r"(?<!holder)\.innerHTML|outerHTML|insertAdjacentHTML|document\.write"
        r"|eval\(|new Function"
    )
    wrong = [
        f"{tree.place(path, number)}: {line.strip()}"
        for path in tree.files(".js")
        for number, line in tree.lines_matching(path, risky.pattern)
    ]

    assert not wrong
