"""How generated screens read and write rows: by key, and through services."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy.orm import selectinload

from sms_plugin.core.language import say
from sms_plugin.errors import NotAllowedError, SmsError
from sms_plugin.services import agreements, preferences
from sms_plugin.web import guards

if TYPE_CHECKING:
    from collections.abc import Sequence


class ReadOnlyInterface(SQLAInterface):
    """Rows that a screen shows and never changes, whatever a request asks for."""

    def add(self, *_: Any, **__: Any) -> bool:
        """Refuse."""
        raise _refusal()

    def edit(self, *_: Any, **__: Any) -> bool:
        """Refuse."""
        raise _refusal()

    def delete(self, *_: Any, **__: Any) -> bool:
        """Refuse."""
        raise _refusal()

    def delete_all(self, *_: Any) -> bool:
        """Refuse."""
        raise _refusal()


class PagedInterface(ReadOnlyInterface):
    """Rows of a table that grows: newest first, by key, never counted."""

    def page(
        self, filters: Any, *, before: int | None, limit: int, eager: Sequence[str] = ()
    ) -> tuple[list[Any], int | None]:
        """Read one page.

        Returns:
            The rows, and the key that the next page begins behind, if there is one.
        """
        query = filters.apply_all(self.session.query(self.obj))
        if before is not None:
            query = query.filter(self.obj.id < before)
        for name in eager:
            query = query.options(selectinload(getattr(self.obj, name)))
        rows = query.order_by(self.obj.id.desc()).limit(limit + 1).all()
        return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


class ServiceInterface(ReadOnlyInterface, ABC):
    """Rows that change only through a service, in its one transaction."""

    @abstractmethod
    def write(self, item: Any, values: dict[str, Any]) -> str:
        """Hand the change to a service; it flushes and does not commit.

        Returns:
            What was saved, in words.

        Raises:
            SmsError: the service refuses; the text says why.
        """

    def save(self, item: Any, values: dict[str, Any]) -> str:
        """Write and commit; a refusal leaves nothing behind."""
        try:
            said = self.write(item, values)
        except SmsError:
            self.session.rollback()
            raise
        self.session.commit()
        return said


class PatientPhoneInterface(ServiceInterface):
    """The staff's switch beside a patient's phone."""

    def write(self, item: Any, values: dict[str, Any]) -> str:
        """Switch texts on, with how consent was obtained, or off."""
        tools, actor = guards.toolbox(), guards.actor()
        agreed = item.consent == "granted"
        if values["delivery"] == item.delivery and (agreed or not item.delivery):
            return say("Nothing was changed.")
        if not values["delivery"]:
            preferences.stop_delivery(self.session, item, actor=actor, now=tools.now())
            return say("Texts to this phone are switched off.")
        preferences.allow_delivery(
            self.session,
            item,
            source=values["source"],
            wording=agreements.STAFF,
            vault=tools.vault,
            actor=actor,
            now=tools.now(),
        )
        return say("Texts to this phone are switched on, and the consent is recorded.")


def _refusal() -> NotAllowedError:
    return NotAllowedError(say("These rows cannot be changed here."))
