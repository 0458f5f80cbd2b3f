"""Everything that people read can be said in Spanish: nothing is left out."""

from __future__ import annotations

import string

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from tests.architecture import prose, tree

FOLDER = tree.ROOT / "sms_plugin" / "translations"
CATALOGUE = FOLDER / "es" / "LC_MESSAGES" / "sms_plugin.po"
RENEW = "Run: make translations"
# As in the Makefile.
ONE, TWO = None, (1, 2)
KEYWORDS = {
    **dict.fromkeys(("say", "mark", "lazy", "sms_", "say_html", "sms_html"), ONE),
    **dict.fromkeys(("say_count", "sms_count"), TWO),
}
SOURCES = [
    ("sms_plugin/**.py", "python"),
    ("sms_plugin/web/templates/**.html", "jinja2"),
]
# What speaks to the people at a keyboard of a server, and the texts themselves, which
# have their languages as data.
ENGLISH = (
    "sms_plugin.cli", "sms_plugin.config", "sms_plugin.doctor", "sms_plugin.setup",
    "sms_plugin.parsing", "sms_plugin.migrations", "sms_plugin.simulator",
    "sms_plugin.config_checks",
    "sms_plugin.worker", "sms_plugin.services.wording", "sms_plugin.models",
    "sms_plugin.extension", "sms_plugin.testing", "sms_plugin.__main__",
    "sms_plugin.signals", "sms_plugin.core.lint", "sms_plugin.core.keywords",
    "sms_plugin.status", "sms_plugin.gateways.memory", "sms_plugin.services.payments",
    "sms_plugin.services.notices",
    # Names of roles in the database, and what programs of a carrier are answered.
    "sms_plugin.web.roles", "sms_plugin.web.webhooks",
)  # fmt: skip


def spoken() -> list[str]:
    """Modules whose sentences reach a page."""
    return [
        name
        for name in tree.modules()
        if name.startswith("sms_plugin.")
        and not any(tree.is_within(name, silent) for silent in ENGLISH)
    ]


def templates():
    """Every template of the plugin's pages."""
    return sorted((tree.ROOT / "sms_plugin" / "web" / "templates").rglob("*.html"))


def catalogue():
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="es")


def fields(sentence: str) -> set[str]:
    """The names in a sentence's braces."""
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def said_in_source() -> set[str]:
    """Every sentence that the code and the templates say."""
    found = extract_from_dir(
        tree.ROOT, SOURCES, {"**.html": {"trim_blocks": "true"}}, KEYWORDS
    )
    return {ids[0] if isinstance(ids, tuple) else ids for _, _, ids, *_ in found}


def first(ids: str | tuple[str, ...]) -> str:
    """A sentence by its singular."""
    return ids if isinstance(ids, str) else ids[0]


def forms(words: str | tuple[str, ...]) -> tuple[str, ...]:
    """All forms of a sentence."""
    return (words,) if isinstance(words, str) else tuple(words)


@pytest.mark.parametrize("module", spoken())
def test_every_sentence_of_the_code_is_said(module):
    page = tree.is_within(module, "sms_plugin.web")
    found = list(prose.in_code(tree.parsed(module), labels=page))

    assert not found


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.name)
def test_every_word_of_a_template_is_said(path):
    assert not list(prose.in_template(path))


def test_the_catalogue_has_every_sentence_and_no_other():
    known = {first(entry.id) for entry in catalogue() if entry.id}
    said = said_in_source()

    assert len(said) > 100, "the extraction found too little"
    assert sorted(said - known) == [], RENEW
    assert sorted(known - said) == [], RENEW


def test_every_sentence_has_its_spanish():
    bare = [
        first(entry.id)
        for entry in catalogue()
        if entry.id and (entry.fuzzy or not all(forms(entry.string)))
    ]

    assert bare == []


def test_spanish_sentences_hold_the_same_values():
    wrong = [
        first(entry.id)
        for entry in catalogue()
        if entry.id
        # The singular may be written out: "one text" has no number in it.
        if fields(forms(entry.string)[-1]) != fields(forms(entry.id)[-1])
        or fields(forms(entry.string)[0]) - fields(forms(entry.id)[-1])
    ]

    assert wrong == []


def test_what_is_installed_is_what_stands_in_the_catalogue():
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = {first(e.id): forms(e.string) for e in read_mo(file) if e.id}

    assert compiled == {
        first(entry.id): forms(entry.string) for entry in catalogue() if entry.id
    }, RENEW
