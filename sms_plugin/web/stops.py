"""What keeps texts from a phone, as patients are told: each has its own way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_BY_WORD = frozenset({"keyword", "gateway"})


@dataclass(frozen=True, slots=True)
class Stops:
    """How a phone's texts were stopped; all False where nothing stops them.

    Attributes:
        word: by STOP, or by the carrier's own block; START lifts it.
        link: on the page of a link in a text.
        portal: in the host's patient portal.
        office: by staff, or in a way that is new to this version.
    """

    word: bool = False
    link: bool = False
    portal: bool = False
    office: bool = False

    @classmethod
    def of(cls, sources: Collection[str]) -> Stops:
        """Sort the sources of suppressions."""
        known = _BY_WORD | {"link", "portal"}
        return cls(
            word=bool(_BY_WORD.intersection(sources)),
            link="link" in sources,
            portal="portal" in sources,
            office=bool(set(sources) - known),
        )

    def __bool__(self) -> bool:
        return self.word or self.link or self.portal or self.office

    @property
    def by_portal_alone(self) -> bool:
        """Whether the portal is where all of it can be undone."""
        return self.portal and not (self.word or self.link or self.office)
