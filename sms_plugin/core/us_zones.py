"""Time zones of the US states and territories, for the hours in which texts go out.

Every zone that is official in a part of the state (49 CFR 71, and the territories),
except Arizona's Navajo Nation, which shares Arizona's clock for half of the year.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_EASTERN: Final = "America/New_York"
_CENTRAL: Final = "America/Chicago"
_MOUNTAIN: Final = "America/Denver"
_ARIZONA: Final = "America/Phoenix"
_PACIFIC: Final = "America/Los_Angeles"

MAINLAND: Final = (_EASTERN, _CENTRAL, _MOUNTAIN, _ARIZONA, _PACIFIC)
"""Every clock of the contiguous states."""

_ONE_ZONE: Final = {
    _EASTERN: "CT DC DE GA MA MD ME NC NH NJ NY OH PA RI SC VA VT WV",
    _CENTRAL: "AL AR IA IL LA MN MO MS OK WI",
    _MOUNTAIN: "CO MT NM UT WY",
    _ARIZONA: "AZ",
    _PACIFIC: "CA WA",
    "Pacific/Honolulu": "HI",
    "America/Puerto_Rico": "PR",
    "America/St_Thomas": "VI",
    "Pacific/Guam": "GU",
    "Pacific/Saipan": "MP",
    "Pacific/Pago_Pago": "AS",
}
_SEVERAL_ZONES: Final = {
    "AK": ("America/Anchorage", "America/Adak"),
    "FL": (_EASTERN, _CENTRAL),
    "ID": ("America/Boise", _PACIFIC),
    "IN": ("America/Indiana/Indianapolis", _CENTRAL),
    "KS": (_CENTRAL, _MOUNTAIN),
    "KY": (_EASTERN, _CENTRAL),
    "MI": ("America/Detroit", _CENTRAL),
    "ND": (_CENTRAL, _MOUNTAIN),
    "NE": (_CENTRAL, _MOUNTAIN),
    "NV": (_PACIFIC, _MOUNTAIN),
    "OR": (_PACIFIC, _MOUNTAIN),
    "SD": (_CENTRAL, _MOUNTAIN),
    "TN": (_EASTERN, _CENTRAL),
    "TX": (_CENTRAL, _MOUNTAIN),
}

STATE_ZONES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        **{
            state: (zone,) for zone, all_ in _ONE_ZONE.items() for state in all_.split()
        },
        **_SEVERAL_ZONES,
    }
)
"""Two-letter postal code of a state, DC or territory -> its IANA zones."""
