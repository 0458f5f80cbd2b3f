"""What must not be said in a text, in words: in templates, edits and replies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sms_plugin.core.language import say
from sms_plugin.core.lint import collection_words, disclosures, flaws
from sms_plugin.core.templating import clean_value, placed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from sms_plugin.core.lint import Flaw
    from sms_plugin.models import SmsPractice

# Whoever reads more of them at once has a text to write anew.
MOST_FLAWS = 5


def refusals(
    text: str,
    own_hosts: Collection[str],
    *,
    amounts: bool,
    instead: str,
    names: Iterable[str] = (),
) -> Iterator[str]:
    """Say why a text must not go to many, a sentence for each place.

    Args:
        text: a template, or one text of a job.
        own_hosts: where its links may lead to.
        amounts: whether the practice lets amounts stand in texts.
        instead: what stands for the link of a text.
        names: what somebody is called is no flaw: patients and practices have names
            such as Therapy.
    """
    seen = _without(text, names)
    found = [*flaws(seen, own_hosts), *disclosures(seen, amounts=amounts)]
    found.sort(key=lambda flaw: len(text) if flaw.position is None else flaw.position)
    for flaw in found[:MOST_FLAWS]:
        problem = _words(flaw, instead)
        yield problem if flaw.position is None else placed(problem, text, flaw.position)


def names_in(practice: SmsPractice, patient_name: str) -> list[str]:
    """What is a name in a text: the practice's, and each word of the patient's."""
    return [*sender_names(practice), *patient_name.split()]


def sender_names(practice: SmsPractice) -> list[str]:
    """The names that a text of a practice may begin with, the present one first."""
    names = (practice.texting_name, practice.name)
    return [clean_value("practice_name", name) for name in names]


def link_refusals(text: str, own_hosts: Collection[str]) -> list[str]:
    """Say which links a reply of staff must not hold."""
    found = [flaw for flaw in flaws(text, own_hosts) if flaw.problem != "words"]
    return [_link_words(flaw) for flaw in found[:MOST_FLAWS]]


def doubts(text: str) -> tuple[str, ...]:
    """Words of a reply that carriers may block: somebody has to want them twice."""
    return collection_words(text)[:MOST_FLAWS]


def _without(text: str, names: Iterable[str]) -> str:
    """The text with names made unreadable, every other character in its place."""
    for name in sorted({name for name in names if name}, key=len, reverse=True):
        word = rf"(?<!\w){re.escape(name)}(?!\w)"
        text = re.sub(word, lambda found: "_" * len(found[0]), text)
    return text


def _words(flaw: Flaw, instead: str) -> str:
    if flaw.problem == "shortener":
        return say(
            "Write {variable} instead of {link}: carriers block shortened links.",
            link=flaw.found,
            variable=instead,
        )
    if flaw.problem == "insecure":
        return say(
            "Write {variable} instead of {link}: a link has to begin with https.",
            link=flaw.found,
            variable=instead,
        )
    if flaw.problem == "link":
        return say(
            "Write {variable} instead of {link}, which leads elsewhere: carriers block "
            "such links. If no link is meant, put a space after the dot.",
            link=flaw.found,
            variable=instead,
        )
    if flaw.problem == "amount":
        return say(
            "Take out {amount}: amounts are switched off for this practice. The "
            "practice's admin can allow them in SMS Settings.",
            amount=flaw.found,
        )
    if flaw.problem == "service":
        return say(
            'Take out "{words}": a text is read on a locked screen, so it never says '
            'what a patient is treated for. Write for example "your visit".',
            words=flaw.found,
        )
    return say(
        'Take out "{words}": carriers block words of debt collection. Write for '
        'example "your statement".',
        words=flaw.found,
    )


def _link_words(flaw: Flaw) -> str:
    if flaw.problem == "shortener":
        return say("Take out {link}: carriers block shortened links.", link=flaw.found)
    if flaw.problem == "insecure":
        return say("Write {link} with https instead of http.", link=flaw.found)
    return say(
        "Take out {link}, which leads elsewhere: carriers block links that are not "
        "this portal's own. If no link is meant, put a space after the dot.",
        link=flaw.found,
    )
