"""Links in texts: anybody who holds one is sent on to the host's own pages."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, make_response, redirect, request

from sms_plugin import config
from sms_plugin.errors import NotFoundError
from sms_plugin.port import MendsCards
from sms_plugin.services import content, links
from sms_plugin.services.notices import FAILED_AUTOPAY
from sms_plugin.web import errorpages, public
from sms_plugin.web.guards import db, toolbox
from sms_plugin.web.language import speak_as_asked

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from sms_plugin.port import HostPort

log = logging.getLogger(__name__)
blueprint = Blueprint("sms_links", __name__)
errorpages.attach_public(blueprint)

# Programs that open every link they are shown; a click of theirs is nobody's.
_ROBOT = re.compile(
    r"bot|crawl|spider|preview|facebookexternalhit|whatsapp|slack|telegram|"
    r"google-?safety|googlemessages|applebot|skypeuripreview|curl|wget|python-requests",
    re.IGNORECASE,
)


@blueprint.get(f"{content.LINK_PATH}<path:token>")
def open_link(token: str) -> AnyResponse:
    """Send the holder of a link to the host's page for the bill.

    Opening counts a click and changes nothing else. Unknown, malformed, revoked and
    dead links are one page.
    """
    speak_as_asked()
    if (refusal := public.refused()) is not None:
        return refusal
    tools = toolbox()
    try:
        target = links.open_link(
            db(),
            token,
            port=tools.port,
            settings=tools.settings,
            robot=_by_robot(),
            now=tools.now(),
        )
        db().commit()
    except NotFoundError:
        return public.gone()
    url = _page_of(tools.port, target)
    if not _is_own_page(url):
        log.error("HostPort.payment_url and card_url must give a path of the portal.")
        return public.gone()
    if tools.settings[config.LINK_URL]:
        # The portal's own pages, and its cookies, live at its own address.
        url = tools.settings[config.PUBLIC_URL].rstrip("/") + url
    return public.private(make_response(redirect(url)))


def _page_of(port: HostPort, target: links.Destination) -> str:
    """The host's page: where the bill is paid, or the card of autopay is mended."""
    mends = target.kind == FAILED_AUTOPAY and isinstance(port, MendsCards)
    page = port.card_url if mends and isinstance(port, MendsCards) else port.payment_url
    return page(target.practice.practice_ref, target.patient_ref, target.bill_ref)


def _by_robot() -> bool:
    agent = request.headers.get("User-Agent", "")
    purpose = request.headers.get("Sec-Purpose", request.headers.get("Purpose", ""))
    return (
        request.method == "HEAD"
        or not agent
        or "prefetch" in purpose
        or bool(_ROBOT.search(agent))
    )


def _is_own_page(url: str) -> bool:
    """Whether this is a path of the host: a link must lead to no other site."""
    if not url.startswith("/") or url.startswith(("//", "/\\")):
        return False
    # Browsers drop tabs and line ends from an address, and so does urlsplit.
    parts = urlsplit(url)
    return not parts.scheme and not parts.netloc
