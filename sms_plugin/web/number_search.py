"""Looking for a number: what can be asked, and what to try when nothing is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import url_for
from flask_wtf import FlaskForm
from wtforms import RadioField, StringField

from sms_plugin.core import areas
from sms_plugin.core.language import say
from sms_plugin.web import words
from sms_plugin.web.language import lazy

if TYPE_CHECKING:
    from collections.abc import Iterator

# Enough to choose from; Texas alone has over two dozen.
MOST_AREAS = 6


class SearchForm(FlaskForm):
    """What the number should be like."""

    class Meta:
        """A search changes nothing and may be linked to."""

        csrf = False

    kind = RadioField(
        lazy("Kind"), choices=words.options(words.NUMBER_KINDS), default="local"
    )
    area_code = StringField(
        lazy("Area code"), description=lazy("Three digits, such as 212.")
    )
    city = StringField(lazy("City"), description=lazy("Such as San Diego."))
    state = StringField(lazy("State"), description=lazy("Two letters, such as CA."))
    pattern = StringField(
        lazy("Digits or letters in it"),
        description=lazy("Two to ten, such as 2255 or CALL. Leave it empty for any."),
    )

    def typed(self) -> dict[str, Any]:
        """What was asked, without blanks around it, by the names of the fields."""
        return {field.name: (field.data or "").strip() for field in self}


def suggestions(asked: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Searches that may find something after one that did not: words and address."""
    if asked["kind"] == "toll_free":
        yield say("Local numbers"), _address(kind="local")
        return
    state = asked["state"].upper() or areas.state_of(asked["area_code"])
    wider = {name for name in ("pattern", "city", "area_code") if asked[name]}
    if state and wider:
        yield say("Anywhere in {state}", state=state), _address(state=state)
    if asked["area_code"]:
        for code in areas.nearby(asked["area_code"])[:MOST_AREAS]:
            yield say("Area code {code}", code=code), _address(area_code=code)
    yield say("Toll-free numbers"), _address(kind="toll_free")


def _address(kind: str = "local", **asked: Any) -> str:
    return url_for(".search", kind=kind, **asked)
