"""The wheel: what others install holds all it needs, and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import pytest

from sms_plugin import __version__
from tests.architecture import tree

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = tomllib.loads((tree.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SOURCE = (
    *("pyproject.toml", "README.md", "LICENSE"),
    *("sms_plugin", "migrations", "host_app", "tests"),
)
MIGRATE = """
import sys
import sqlalchemy as sa
import sms_plugin
from sms_plugin import migrations

assert sms_plugin.__file__.startswith(sys.argv[1]), sms_plugin.__file__
assert migrations.__file__.startswith(sys.argv[1]), migrations.__file__
engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
migrations.upgrade(engine)
print(migrations.current(engine), migrations.head())
"""


def builder() -> str | None:
    """Why the wheel cannot be built here, or None if it can."""
    try:
        found = version("setuptools")
    except PackageNotFoundError:
        return "setuptools is not installed"
    # An SPDX licence and license-files are understood from 77 on.
    if int(found.partition(".")[0]) < 77:
        return f"setuptools 77 or newer builds the wheel, this is {found}"
    return None


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy so that the working tree stays clean."""
    reason = builder()
    if reason is not None:
        pytest.skip(reason)
    copy, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in SOURCE:
        source = tree.ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, copy / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(source, copy / name)
    built = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", str(copy), "--no-deps"),
            *("--no-build-isolation", "--quiet", "--wheel-dir", str(out)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    [path] = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel):
    """The files of the wheel, without its own records."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_only_the_plugin_is_in_the_wheel(names):
    assert {name.partition("/")[0] for name in names} == {"sms_plugin"}
    assert not [name for name in names if "test_" in name or name.endswith(".pyc")]


def test_every_module_is_in_the_wheel(names):
    modules = {name for name in names if name.endswith(".py")}
    wanted = {
        f"sms_plugin/{path.relative_to(tree.ROOT / 'sms_plugin')}"
        for path in (tree.ROOT / "sms_plugin").rglob("*.py")
    } | {
        f"sms_plugin/{path.relative_to(tree.ROOT)}"
        for path in (tree.ROOT / "migrations").rglob("*.py")
    }

    assert modules == wanted


def test_templates_static_files_and_types_are_in_the_wheel(names):
    wanted = {
        f"sms_plugin/{path.relative_to(tree.ROOT / 'sms_plugin')}"
        for path in (tree.ROOT / "sms_plugin").rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }

    assert {name for name in names if not name.endswith(".py")} == wanted | {
        "sms_plugin/migrations/script.py.mako"
    }
    assert "sms_plugin/py.typed" in wanted


def test_the_wheel_carries_its_licence_and_its_version(wheel):
    with zipfile.ZipFile(wheel) as archive:
        folder = f"sms_plugin-{__version__}.dist-info"
        metadata = archive.read(f"{folder}/METADATA").decode()
        licence = archive.read(f"{folder}/licenses/LICENSE").decode()

    assert f"Version: {__version__}" in metadata
    assert "License-Expression: MIT" in metadata
    assert licence.startswith("MIT License")


def test_what_is_unpacked_can_migrate_an_empty_database(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    ended = subprocess.run(
        [sys.executable, "-c", MIGRATE, str(tmp_path)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    stands, needed = ended.stdout.split()
    assert stands == needed


def test_the_version_stands_once():
    assert PROJECT["project"]["version"] == __version__


def test_every_package_is_listed():
    """Setuptools takes what is listed; a forgotten package would be missed at work."""
    found = {
        ".".join(path.parent.relative_to(tree.ROOT).parts)
        for path in (tree.ROOT / "sms_plugin").rglob("__init__.py")
    } | {"sms_plugin.migrations", "sms_plugin.migrations.versions"}

    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found


def test_every_dependency_is_explained():
    text = (tree.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").lower()
    project = PROJECT["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    named = {
        requirement.split(";")[0].strip()
        for group in groups
        for requirement in group
        if not requirement.startswith("sms-plugin[")
    }

    missing = [
        name
        for requirement in named
        if f"| {(name := _name(requirement))} |" not in text
    ]
    assert not missing


def _name(requirement: str) -> str:
    for mark in "[<>=!~ ":
        requirement = requirement.partition(mark)[0]
    return requirement.lower()


def test_documents_link_only_to_what_is_there():
    pages = [*tree.ROOT.glob("*.md"), *(tree.ROOT / "docs").glob("*.md")]
    links = [
        (page, target)
        for page in pages
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
        if "://" not in target
    ]
    dead = [
        f"{tree.place(page)}: {target}"
        for page, target in links
        if not _is_there(page, target)
    ]

    assert links
    assert not dead


def _is_there(page: Path, target: str) -> bool:
    """Whether a file, and the heading in it that a link names, are there."""
    name, _, heading = target.partition("#")
    found = (page.parent / name) if name else page
    if not heading or not found.exists():
        return found.exists()
    headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
    slugs = {
        re.sub(r"[^\w -]", "", words.lower()).replace(" ", "-") for words in headings
    }
    return heading in slugs
