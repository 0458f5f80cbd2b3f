"""The language of a request, and the catalogue of the plugin's own sentences.

Staff read what they chose in the host (Flask-AppBuilder's switcher, ``LANGUAGES``);
visitors without an account what their browser asks for.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from babel.support import NullTranslations, Translations
from flask import g, request
from flask_babel import get_locale
from flask_babel.speaklater import LazyString
from markupsafe import Markup

from sms_plugin.core import language
from sms_plugin.core.language import say, say_count, say_stored

if TYPE_CHECKING:
    from flask import Flask

DOMAIN = "sms_plugin"
FOLDER = Path(__file__).parents[1] / "translations"
# What the catalogues hold; English stands in the code.
LANGUAGES = ("en", "es")


@cache
def catalogue(code: str) -> NullTranslations:
    """The sentences of a language; English where there is no catalogue of it."""
    return Translations.load(FOLDER, [code], DOMAIN)


def install(app: Flask) -> None:
    """Have every request of the host speak its user's language."""
    app.before_request(_begin)
    app.teardown_request(_end)
    app.jinja_env.globals |= {
        "sms_": say,
        "sms_count": say_count,
        "sms_html": say_html,
        "sms_stored": say_stored,
        "sms_language": current,
    }


def current() -> str:
    """The code of the language of this request, such as ``es``."""
    if "sms_language" in g:
        return str(g.sms_language)
    locale = get_locale()
    code = "en" if locale is None else str(locale.language)
    return code if code in LANGUAGES else "en"


def speak_as_asked() -> str:
    """Speak what a visitor's browser asks for, and give the language's code.

    Nothing is looked up in the session then, so that a visitor is given no cookie.
    """
    g.sms_language = request.accept_languages.best_match(LANGUAGES, default="en")
    return current()


def speak_in(code: str) -> str:
    """Speak a language in this request, whatever was asked for, and give its code."""
    g.sms_language = code if code in LANGUAGES else "en"
    return current()


def say_html(sentence: str, /, **values: object) -> Markup:
    """Say a sentence whose values may be markup; what is none is escaped."""
    return Markup(say(sentence)).format(**values)  # noqa: S704  (our own catalogue)


def lazy(sentence: str) -> Any:
    """A sentence said anew each time it is shown: for menus and forms, made once."""
    return LazyString(say, sentence)


class _Staff:
    """Speaks what the user chose; asked only when something is said.

    Looking it up begins a session, which a webhook has no use for.
    """

    @staticmethod
    def gettext(message: str) -> str:
        return catalogue(current()).gettext(message)

    @staticmethod
    def ngettext(singular: str, plural: str, number: int) -> str:
        return catalogue(current()).ngettext(singular, plural, number)


def _begin() -> None:
    g.sms_language_before = language.speak(_Staff())


def _end(_: BaseException | None) -> None:
    # Taken out, since a request within another one shares what it keeps here.
    if "sms_language" in g:
        del g.sms_language
    if "sms_language_before" in g:
        before = g.sms_language_before
        del g.sms_language_before
        language.hush(before)
