"""What was clicked on the approval desk: which texts, and what to do with them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from sms_plugin.core import segments
from sms_plugin.core.language import mark, say
from sms_plugin.errors import InvalidError
from sms_plugin.services.approvals import Chosen
from sms_plugin.services.cautions import ANY, KINDS
from sms_plugin.services.job_filters import MAX_SEARCH, Filter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.datastructures import MultiDict

MOST_ROWS = 200
# The audit log keeps the reason and holds no patient data, so it is no free text.
REJECTIONS: dict[str, str] = {
    "amount": mark("The amount is wrong"),
    "recipient": mark("Wrong person or phone"),
    "wording": mark("The wording is wrong"),
    "timing": mark("Not at this time"),
    "other": mark("Another reason"),
}
TEXT_KINDS = ("invoice", "autopay_invoice", "reminder", "payment_plan")
# A row as the page shows it: its id and the hash of what it said there.
_ROW = re.compile(r"([0-9]{1,18})\.([0-9a-f]{64})")


def row_key(message_id: int, content_hash: str) -> str:
    """How a row of the desk is named in its form."""
    return f"{message_id}.{content_hash}"


def clicked(form: MultiDict[str, str]) -> tuple[str, Chosen]:
    """Which button of the desk was pressed, and the texts it is about.

    Returns:
        ``approve`` or ``reject``, and the texts.

    Raises:
        InvalidError: no text was chosen, or the form is not one of ours.
    """
    for verb in ("approve", "reject"):
        if f"{verb}_one" in form:
            return verb, Chosen(seen=_rows([form[f"{verb}_one"]]))
        if form.get(verb) == "chosen":
            return verb, Chosen(seen=_rows(form.getlist("row")))
        if form.get(verb) == "all":
            return verb, Chosen(everything=True, shown=filter_in(form))
    raise InvalidError(say("Choose what to do with the texts."))


def confirmed(form: MultiDict[str, str]) -> Chosen:
    """The texts that the page before showed the count and price of.

    Raises:
        InvalidError: no text was chosen, or the form is not one of ours.
    """
    if "everything" not in form:
        return Chosen(seen=_rows(form.getlist("row")))
    try:
        as_of = datetime.fromisoformat(form.get("as_of", ""))
    except ValueError:
        as_of = None
    if as_of is None or as_of.tzinfo is None:
        raise InvalidError(say("Nothing was changed. Load the page again."))
    return Chosen(everything=True, shown=filter_in(form), as_of=as_of)


def filter_in(values: Mapping[str, str]) -> Filter:
    """The filter in an address or a form; what nobody knows asks for nothing."""
    warning, kind = values.get("warning", ""), values.get("kind", "")
    return Filter(
        search=search_in(values),
        warning=warning if warning in {ANY, *KINDS} else "",
        kind=kind if kind in TEXT_KINDS else "",
    )


def search_in(values: Mapping[str, str]) -> str:
    """The words searched for; what no database takes in a text is left out."""
    return segments.normalise(values.get("search", "")[:MAX_SEARCH]).strip()


def _rows(keys: list[str]) -> dict[int, str]:
    if not keys:
        raise InvalidError(say("Choose at least one text."))
    if len(keys) > MOST_ROWS:
        raise InvalidError(
            say(
                "Choose at most {number} texts, or all on the filter.", number=MOST_ROWS
            )
        )
    found = [_ROW.fullmatch(key) for key in keys]
    if None in found:
        raise InvalidError(say("Nothing was changed. Load the page again."))
    return {int(match[1]): match[2] for match in found if match}
