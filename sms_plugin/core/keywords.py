"""What a patient means by a text: stop, start, help, or something a person reads.

Sources: 47 CFR 64.1200(a)(10) names stop, quit, end, revoke, opt out, cancel and
unsubscribe as revocations in themselves and asks a reasonable person's reading of any
other wording; Twilio's default keywords add STOPALL and OPTOUT. We are stricter than
both, in English and Spanish:

=================================================  ========  =======================
Text                                               Intent    Decided by
=================================================  ========  =======================
a stop word alone, in any case and punctuation,    OPT_OUT   ``_ALONE``
with a courtesy, or spelt out: "STOP!!",
"please stop", "s t o p", "O.P.T. O.U.T."
a stop word as a sentence of its own:              OPT_OUT   ``_ALONE``
"I paid already. Stop."
nothing but stop words: "stop cancel end"          OPT_OUT   ``_ALONE``
a phrase that cannot mean anything else, anywhere  OPT_OUT   ``_ANYWHERE``
in the text: "stop texting me", "wrong number"
such a phrase denied: "do not remove me"           REVIEW    ``_DENIALS``
a stop word inside another sentence:               REVIEW    ``_INSIDE``
"please cancel my appointment"
a stop word misspelt or disguised: "St0p", "stpo"  REVIEW    ``_MISSPELT``
a lone stop sign or raised hand                    REVIEW    ``_SIGNS``
a wish to start in other words: "iniciar",         REVIEW    ``_MAYBE_START``
"opt in"
START or UNSTOP alone                              OPT_IN    ``_OPT_IN``
HELP, INFO or AYUDA alone or with a courtesy       HELP      ``_HELP``
anything else, also YES                            NONE
=================================================  ========  =======================

YES never opts in, because patients answer questions with it. "Iniciar" does not
either: Twilio lifts its own block for the English words only, so a person has to
explain that.

Unsure texts are REVIEW: they suppress nothing, and a person reads them. CANCEL, END and
QUIT alone suppress at once, as the rule wants, and a person reads them as well, because
they may answer another question ("your appointment is on Tuesday"): ``Reading.double``.
"wrong number" suppresses too, and says of the phone that it is somebody else's:
``Reading.wrong_number``.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Intent(Enum):
    """What an inbound text asks of us."""

    OPT_OUT = "opt_out"
    REVIEW = "review"
    OPT_IN = "opt_in"
    HELP = "help"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read in a text.

    Attributes:
        intent: what it asks of us.
        word: the canonical word that decided; None where the intent is NONE.
        double: whether a revocation may have meant something else as well.
    """

    intent: Intent
    word: str | None = None
    double: bool = False

    @property
    def wrong_number(self) -> bool:
        """Whether somebody says for certain that the number is not the patient's."""
        return self.intent is Intent.OPT_OUT and self.word == WRONG_NUMBER

    @property
    def wants_texts(self) -> bool:
        """Whether somebody may want texts again, in words that lift nothing."""
        return self.intent is Intent.REVIEW and self.word == "START"


WRONG_NUMBER: Final = "WRONG NUMBER"


def _split(written: str) -> list[str]:
    return [phrase.strip() for phrase in written.split("|")]


def _table(**phrases: str) -> Mapping[str, str]:
    """Turn ``STOP_ALL="stop all | stopall"`` into phrase -> canonical word."""
    return MappingProxyType(
        {
            phrase: word.replace("_", " ")
            for word, written in phrases.items()
            for phrase in _split(written)
        }
    )


_ALONE: Final = _table(
    STOP="stop | stop it | stop this | stop that | stop now | just stop | stop sms"
    "| stop text | stop texts | stop message | stop messages | stop msg | stop msgs"
    "| make it stop | stop2end | stop to end | text stop | alto | basta"
    "| basta ya | pare | paren | parar | detener | deten | detenga | detengan | arret"
    "| parar mensajes | detener mensajes | no molestar | no moleste | no molesten",
    STOPALL="stopall | stop all",
    UNSUBSCRIBE="unsubscribe | unsub | unsubscribe all | unsubcribe | unsuscribe"
    "| desuscribir | desuscribirse | desuscribirme | baja | dar de baja | salir",
    CANCEL="cancel | cancel all | cancel texts | cancel messages | cancelar"
    "| cancelar mensajes | cancelar suscripcion",
    END="end | end texts | end messages | end all | fin | terminar",
    QUIT="quit | quit it | i quit",
    REVOKE="revoke | revoke all | revocar",
    OPTOUT="optout | opt out",
    REMOVE="remove | no more | no mas | ya no mas | eliminar | quitar | elimineme",
)
"""Stop words: the whole text or a sentence of it, beside courtesies."""

_DOUBLE: Final = frozenset(
    _split(
        "cancel | cancel all | cancelar | end | end all | fin | terminar | quit"
        "| quit it | i quit"
    )
)
"""Those of them that people also say of an appointment, a plan or a talk."""

_ANYWHERE: Final = _table(
    STOP="stop texting | stop messaging | stop sending | stop contacting"
    "| stop the texts | stop the messages | stop these texts | stop these messages"
    "| stop all texts | stop all messages | stop bothering | stop spamming | stop stop"
    "| no more texts | no more messages | no more text messages"
    "| dont text | do not text | dont message me | do not message me"
    "| dont contact | do not contact | dont send me | do not send me"
    "| never text me | quit texting | quit messaging | leave me alone"
    "| deja de enviar | deje de enviar | dejen de enviar | deja de mandar"
    "| deje de mandar | dejen de mandar | deja de escribir | deje de escribir"
    "| dejen de escribir | no mas mensajes | no mas textos | no me escriban"
    "| no me escriba | no me envie | no me envien | no me mande | no me manden"
    "| no quiero mensajes | no quiero mas mensajes | no quiero recibir mensajes"
    "| no quiero recibir mas mensajes | ya no quiero mensajes | no quiero textos"
    "| no quiero mas textos | dejenme en paz",
    UNSUBSCRIBE="unsubscribe me | unsubscribe from | darme de baja | deme de baja"
    "| denme de baja",
    REVOKE="revoke consent | revoke my consent | withdraw my consent"
    "| withdraw consent | revoco mi consentimiento",
    OPTOUT="opt out | opt me out | opting out | optout",
    REMOVE="remove me | remove my number | remove my phone | remove this number"
    "| take me off | delete my number | quiteme | quitenme | borre mi numero"
    "| borren mi numero",
    WRONG_NUMBER="wrong number | wrong person | wrong phone"
    "| numero equivocado | numero incorrecto | persona equivocada",
)
"""Phrases that a reasonable person reads as a revocation wherever they stand."""

_DENIALS: Final = (
    "(?:dont|do not|didnt|did not|never|not)(?: (?:want|wanna|need|wish|ask|to|the|a))*"
)
"""What turns such a phrase round when it stands right before it."""

_INSIDE: Final = _table(
    STOP="stop | stopped | stopping | stops | alto | basta | pare | parar | detener",
    STOPALL="stopall",
    UNSUBSCRIBE="unsubscribe | unsubscribed | unsub | baja",
    CANCEL="cancel | cancelled | canceled | cancelar",
    END="end",
    QUIT="quit",
    REVOKE="revoke | revocar",
    REMOVE="remove",
)
"""Stop words that only make a person look when they stand inside a sentence."""

_HARMLESS: Final = (
    "end of the month|end of month|end of this month|end of next month|end of the week"
    "|end of week|end of this week|end of next week|end of the day|end of day"
    "|end of the year|end of year|weeks end|months end|stop by|stop in|bus stop"
    "|muy alto|mas alto"
)
"""Everyday turns of phrase that would otherwise fill the review list."""

_MISSPELT: Final = _table(
    STOP="stp | sotp | stpo | stopp | stoop | sstop | tsop | stop1",
    UNSUBSCRIBE="unsubscibe | unsubsribe | unsubscrbe | unsubscribed | unsubscirbe",
    CANCEL="cancle | cancell | cansel",
    OPTOUT="optou | opout | opt | opt ut",
)
_DISGUISES: Final = str.maketrans("013457$@|", "oleastsal")

_SIGNS: Final = frozenset("🛑⛔🚫✋🚷🖐📵🤚")

_MAYBE_START: Final = _table(
    START="iniciar | inicio | empezar | comenzar | reanudar | opt in | optin"
    "| subscribe | resubscribe | resume | start again | start texting | start please"
    "| please start",
)

_OPT_IN: Final = _table(START="start", UNSTOP="unstop")
_HELP: Final = _table(HELP="help | help me", INFO="info", AYUDA="ayuda | ayudame")

_COURTESIES: Final = frozenset(
    _split(
        "please | pls | plz | thanks | thank | you | thx | ty | ok | okay | hi | hello"
        "| hey | sir | maam | por | favor | porfavor | gracias | hola"
    )
)

_READ: Final = 1600
"""Characters that are looked at; no inbound text is longer."""

_APOSTROPHES: Final = re.compile("['’‘ʼ`´]")  # noqa: RUF001  (look-alikes are the point)
_SENTENCES: Final = re.compile(r"[.!?;:,\n\r()–—]+|\s-+\s")  # noqa: RUF001  (as above)
_WORDS: Final = re.compile(r"[^\W_]+")
_LETTERS: Final = re.compile(r"(?<![^ ])[^\W_](?: [^\W_])+(?![^ ])")


def _phrases(table: Mapping[str, str]) -> re.Pattern[str]:
    # The longest first, so that "no more texts" is not cut short.
    ordered = sorted(table, key=len, reverse=True)
    return re.compile(rf"(?<![^ ])(?:{'|'.join(ordered)})(?![^ ])")


_ANYWHERE_RE: Final = _phrases(_ANYWHERE)
_INSIDE_RE: Final = _phrases(_INSIDE)
_HARMLESS_RE: Final = re.compile(rf"(?<![^ ])(?:{_HARMLESS})(?![^ ])")
_DENIED_RE: Final = re.compile(rf"(?<![^ ]){_DENIALS}\Z")


def classify(text: str) -> Intent:
    """Say what an inbound text asks of us; takes linear time on any input.

    Args:
        text: the body as it came. Only its first 1600 characters are read.
    """
    return read(text).intent


def carrier_answers(text: str) -> bool:
    """Whether a carrier answers this text by itself: HELP or INFO and nothing else."""
    return text.strip().casefold() in {"help", "info"}


def read(text: str) -> Reading:
    """Say what an inbound text asks of us, by which word, and how sure that is."""
    folded = _fold(text[:_READ])
    words = _WORDS.findall(folded)
    if not words:
        return _sign(text[:_READ])
    whole = " ".join(words)
    core = _without_courtesy(words)
    stop = _stop_word(whole, core, folded)
    if stop is not None:
        return stop
    denied: str | None = None
    for match in _ANYWHERE_RE.finditer(whole):
        word = _ANYWHERE[match[0]]
        if not _DENIED_RE.search(whole[: match.start()].rstrip()):
            return Reading(Intent.OPT_OUT, word)
        denied = denied or word
    if denied:
        return Reading(Intent.REVIEW, denied)
    for table, intent in ((_OPT_IN, Intent.OPT_IN), (_HELP, Intent.HELP)):
        found = table.get(whole if intent is Intent.OPT_IN else core)
        if found:
            return Reading(intent, found)
    unsure = _unsure(whole, core, folded)
    return Reading(Intent.REVIEW, unsure) if unsure else Reading(Intent.NONE)


def _stop_word(whole: str, core: str, folded: str) -> Reading | None:
    """Look for stop words that stand alone, in the text or in one of its sentences.

    One that can mean nothing else counts before one that can.
    """
    double: Reading | None = None
    for candidate in (whole, core, _spelt(core), *_sentences(folded)):
        word = _ALONE.get(candidate) or _all_stop_words(candidate)
        if word and candidate not in _DOUBLE:
            return Reading(Intent.OPT_OUT, word)
        if word and double is None:
            double = Reading(Intent.OPT_OUT, word, double=True)
    return double


def _spelt(core: str) -> str:
    """A text with letters set apart read together: "s t o p" is "stop"."""
    return _LETTERS.sub(lambda match: match[0].replace(" ", ""), core)


def _all_stop_words(candidate: str) -> str | None:
    """The first of several stop words with nothing between them."""
    first, _, rest = candidate.partition(" ")
    if not rest or first not in _ALONE:
        return None
    return _ALONE[first] if all(word in _ALONE for word in rest.split(" ")) else None


def _unsure(whole: str, core: str, folded: str) -> str | None:
    """Look for what only a person can tell: disguises, and stop words in sentences."""
    if word := _MISSPELT.get(core) or _MAYBE_START.get(whole):
        return word
    disguised = _without_courtesy(re.findall(r"[^\W_$@|]+|[\w$@|]+", folded))
    plain = disguised.translate(_DISGUISES)
    if disguised != plain and (word := _ALONE.get(plain)):
        return word
    inside = _INSIDE_RE.search(_HARMLESS_RE.sub("", whole))
    return _INSIDE[inside[0]] if inside else None


def _fold(text: str) -> str:
    """Lower case, no accents, no apostrophes, full-width and fancy letters plain."""
    plain = unicodedata.normalize("NFKC", _APOSTROPHES.sub("", text))
    plain = plain[:_READ].casefold()
    if plain.isascii():
        return plain
    return "".join(
        char
        for char in unicodedata.normalize("NFKD", plain)
        if unicodedata.category(char) not in {"Mn", "Cf"}
    )


def _sentences(folded: str) -> Iterator[str]:
    for sentence in _SENTENCES.split(folded):
        yield _without_courtesy(_WORDS.findall(sentence))


def _without_courtesy(words: list[str]) -> str:
    return " ".join(word for word in words if word not in _COURTESIES)


def _sign(text: str) -> Reading:
    if _SIGNS.isdisjoint(text):
        return Reading(Intent.NONE)
    return Reading(Intent.REVIEW, "STOP")
