"""The floors of the package: an import points to its own floor's shared files or down.

An import counts wherever it stands, also late in a function or for types only: what a
module knows of, it depends on.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from tests.architecture import tree

# The first pattern that fits a module decides.
FLOORS = {
    # Pure: no I/O, no clock, no globals.
    "sms_plugin.core*": 0,
    "sms_plugin.errors": 0,
    # Data and ports.
    "sms_plugin.models*": 1,
    "sms_plugin.migrations*": 1,
    "sms_plugin.config": 1,
    "sms_plugin.config_checks": 1,
    "sms_plugin.parsing": 1,
    "sms_plugin.port": 1,
    "sms_plugin.signals": 1,
    "sms_plugin.gateways": 1,
    "sms_plugin.gateways.base": 1,
    "sms_plugin.gateways.media": 1,
    "sms_plugin.gateways.signature": 1,
    "sms_plugin.gateways.loop_thread": 1,
    # Use cases.
    "sms_plugin.services*": 2,
    # Edges.
    "sms_plugin.web*": 3,
    "sms_plugin.worker*": 3,
    "sms_plugin.gateways.*": 3,
    # Composition.
    "sms_plugin": 4,
    "sms_plugin.__main__": 4,
    "sms_plugin.cli": 4,
    "sms_plugin.doctor": 4,
    "sms_plugin.extension": 4,
    "sms_plugin.manager": 4,
    "sms_plugin.setup": 4,
    "sms_plugin.status": 4,
    "sms_plugin.testing": 4,
}
SIMULATOR = "sms_plugin.simulator"
TOP = [pattern for pattern, floor in FLOORS.items() if floor == 4]
# Who may import a library that belongs to one place.
PLACES = {
    "flask_appbuilder": (
        "sms_plugin.web*",
        "sms_plugin.manager",
        "sms_plugin.models.base",
        "host_app*",
    ),
    "flask": ("sms_plugin.web*", "sms_plugin.worker*", "host_app*", *TOP),
    "rq": ("sms_plugin.worker*",),
    "redis": ("sms_plugin.worker*", "sms_plugin.doctor", "host_app.demo*"),
    "twilio": ("sms_plugin.gateways.twilio*",),
    "aiohttp": ("sms_plugin.gateways.twilio*", "sms_plugin.simulator*"),
    "alembic": ("sms_plugin.migrations*", "sms_plugin.cli"),
}
PUBLIC = ("sms_plugin", "sms_plugin.port", "sms_plugin.signals", "sms_plugin.core*")


def floor_of(module: str) -> int:
    """The floor a module stands on; a new top module must be given one here."""
    for pattern, floor in FLOORS.items():
        if fnmatchcase(module, pattern):
            return floor
    raise AssertionError(f"{module} has no floor yet")


def fits(module: str, patterns: tuple[str, ...]) -> bool:
    """Whether one of the patterns fits."""
    return any(fnmatchcase(module, pattern) for pattern in patterns)


def in_plugin(module: str) -> bool:
    """Whether a module is on a floor: the simulator stands beside them."""
    return tree.is_within(module, "sms_plugin") and not tree.is_within(
        module, SIMULATOR
    )


def all_imports():
    """Every import of the product as (importing module, imported module, words)."""
    for module, path in tree.modules().items():
        for found in tree.imports_of(module):
            place = tree.place(path, found.line)
            yield module, found.module, f"{place} imports {found.module}"


def test_imports_point_to_the_same_floor_or_down():
    up = [
        words
        for module, imported, words in all_imports()
        if in_plugin(module)
        and in_plugin(imported)
        and floor_of(imported) > floor_of(module)
    ]

    assert not up


def test_edges_do_not_import_one_another():
    def edge(module: str) -> str:
        return module.split(".")[1]

    across = [
        words
        for module, imported, words in all_imports()
        if in_plugin(module)
        and in_plugin(imported)
        and floor_of(module) == floor_of(imported) == 3
        and edge(module) != edge(imported)
    ]

    assert not across


def test_the_simulator_stands_alone_on_the_core():
    wrong = [
        words
        for module, imported, words in all_imports()
        if tree.is_within(module, SIMULATOR)
        and tree.is_within(imported, "sms_plugin", "host_app")
        and not tree.is_within(imported, SIMULATOR, "sms_plugin.core")
    ]

    assert not wrong


def test_only_the_command_line_starts_the_simulator():
    users = {
        module
        for module, imported, _ in all_imports()
        if in_plugin(module) and tree.is_within(imported, SIMULATOR)
    }

    assert users <= {"sms_plugin.cli", "sms_plugin.testing"}


def test_the_host_uses_public_names_only():
    private = [
        words
        for module, imported, words in all_imports()
        if tree.is_within(module, "host_app")
        and tree.is_within(imported, "sms_plugin")
        and not fits(imported, PUBLIC)
    ]

    assert not private


def test_the_plugin_never_imports_the_host():
    wrong = [
        words
        for module, imported, words in all_imports()
        if tree.is_within(module, "sms_plugin") and tree.is_within(imported, "host_app")
    ]

    assert not wrong


@pytest.mark.parametrize("library", PLACES)
def test_a_library_is_imported_only_where_it_belongs(library):
    wrong = [
        words
        for module, imported, words in all_imports()
        if tree.is_within(imported, library) and not fits(module, PLACES[library])
    ]

    assert not wrong


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from sms_plugin import web", "sms_plugin.web"),
        ("def late():\n    from sms_plugin.web import guards", "sms_plugin.web.guards"),
        (
            "if TYPE_CHECKING:\n    from sms_plugin.extension import SmsPlugin",
            "sms_plugin.extension",
        ),
        ("import sms_plugin.cli as words", "sms_plugin.cli"),
        ("from sms_plugin import submit_job", "sms_plugin"),
    ],
)
def test_no_way_to_write_an_import_is_overlooked(source, module):
    assert tree.imports_in(source) == {module}


def test_a_new_top_module_must_be_given_a_floor():
    with pytest.raises(AssertionError, match="no floor yet"):
        floor_of("sms_plugin.novelty")
