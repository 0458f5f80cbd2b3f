"""Pictures that patients sent: the files themselves, and small ones to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Response, abort
from flask_appbuilder import expose, has_access

from sms_plugin.core import files
from sms_plugin.errors import NotFoundError
from sms_plugin.services import media, pictures
from sms_plugin.services.actors import audit
from sms_plugin.web import guards, reach, roles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sms_plugin.services.media import Attached

# A file of a stranger's does nothing in a browser but lie there, and is kept by none.
HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class SmsMediaView(reach.SmsReachView):
    """Files beside the texts of the inbox, for everybody who may read it."""

    route_base = "/sms/inbox/media"
    class_permission_name = roles.INBOX
    base_permissions = [roles.READ, roles.WRITE]  # noqa: RUF012  (FAB reads a plain list)
    method_permission_name = {"file": "read", "preview": "read"}  # noqa: RUF012  (FAB reads a plain dict)
    default_view = "file"

    @expose("/<int(max=9223372036854775807):media_id>")
    @has_access
    def file(self, media_id: int) -> Response:
        """Hand a file out as it came; who took it is in the audit log."""
        found = _own(media_id)
        content = _content(found)
        audit(
            guards.db(),
            guards.actor(),
            "inbox.media",
            practice_id=found.practice_id,
            object_id=found.id,
            now=guards.toolbox().now(),
        )
        guards.db().commit()
        name = f"sms-{found.id}.{files.ending_of(found.content_type)}"
        answer = _answer(content, found.content_type)
        answer.headers.set("Content-Disposition", "attachment", filename=name)
        return answer

    @expose("/<int(max=9223372036854775807):media_id>/preview")
    @has_access
    def preview(self, media_id: int) -> Response:
        """Show a small picture, made anew; 404 where none can be made."""
        found = _own(media_id)
        if not found.is_picture:
            abort(404)
        shown = pictures.preview(_content(found)) or abort(404)
        return _answer(shown.content, shown.content_type)


def _own(media_id: int) -> Attached:
    """A file of a practice of the user's that texts; 404 for any other."""
    try:
        found = media.one(guards.db(), media_id)
    except NotFoundError:
        return abort(404)
    reach.own_practice(found.practice_id)
    return found


def _content(found: Attached) -> bytes:
    try:
        return media.content_of(guards.db(), found, vault=guards.toolbox().vault)
    except NotFoundError:
        return abort(404)


def _answer(content: bytes, kind: str) -> Response:
    return Response(content, mimetype=kind, headers=dict(HEADERS))
