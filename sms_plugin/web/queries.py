"""What an address may ask of a generated list; the rest is not found.

Flask-AppBuilder reads these arguments without a look: a page that is no number, an
unknown order or filter would end in an error, a huge page in a huge answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flask import abort

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

MAX_PAGE_SIZE = 100
_NUMBER = re.compile(r"[0-9]{1,6}")
_KEY = re.compile(r"[0-9]{1,18}")
_FILTER = re.compile(r"_flt_([0-9]+)_(.+)")


def key(raw: str) -> str:
    """A key as it stands in an address; 404 for what cannot be one."""
    return raw if _KEY.fullmatch(raw) else abort(404)


def check(view: Any, args: MultiDict[str, str]) -> None:
    """Answer 404 to arguments that a list cannot follow."""
    name = type(view).__name__
    for arg in (f"page_{name}", f"psize_{name}"):
        if arg in args and not _NUMBER.fullmatch(args[arg]):
            abort(404)
    if args.get(f"_oc_{name}", "id") not in {"id", *view.order_columns}:
        abort(404)
    if "before" in args:
        key(args["before"])
    filters = view.datamodel.get_filters(view.search_columns).get_search_filters()
    for arg in args:
        match = _FILTER.fullmatch(arg)
        if match and int(match[1]) >= len(filters.get(match[2], ())):
            abort(404)


def place(view: Any, args: MultiDict[str, str]) -> dict[str, Any]:
    """Order and page that an address asks for, in the words of FAB's lists."""
    name = type(view).__name__
    order = args.get(f"_oc_{name}", "")
    direction = args.get(f"_od_{name}", "")
    page_size = int(args.get(f"psize_{name}", view.page_size))
    return {
        "order_column": order if direction in {"asc", "desc"} else "",
        "order_direction": direction if order else "",
        "page": int(args.get(f"page_{name}", 0)),
        "page_size": max(1, min(page_size, MAX_PAGE_SIZE)),
    }
