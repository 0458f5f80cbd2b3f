"""The town: practices, patients, bills and jobs, made before any process forks.

Every process sees the same rows. That a bill was paid is all that changes, and it
stands in memory that all of them share.
"""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing.sharedctypes import RawArray
from typing import TYPE_CHECKING

from sms_plugin.port import Patient, Practice
from sms_plugin.services import practices, preferences
from tests.support.host import ACCOUNT, TOKEN
from tests.support.portal import MemoryPortal
from tests.support.world import STAFF

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Mapping, Sequence

    from sms_plugin.port import Bill
    from tests.support.world import World

OTHER_ACCOUNT, OTHER_TOKEN = "AC" + "3" * 32, "4" * 32
ACCOUNTS = ((ACCOUNT, TOKEN), (OTHER_ACCOUNT, OTHER_TOKEN))


@dataclass(frozen=True)
class Place:
    """A practice, the account that it sends with, and where its patients live."""

    practice: Practice
    account_sid: str
    area_codes: tuple[str, ...]
    states: tuple[str, ...]
    zones: tuple[str, ...]

    @property
    def number(self) -> str:
        """The number that its texts come from."""
        return f"+1{self.area_codes[0]}5550100"


# Two clocks that change in the night of a Sunday, and two that never do.
PLACES = (
    Place(
        Practice("acme", "Acme Pharmacy", "(212) 555-0100", "America/New_York"),
        ACCOUNT,
        ("212", "315", "718", "201"),
        ("NY", "NJ"),
        ("America/New_York",),
    ),
    Place(
        Practice("birch", "Birch Therapy", "(312) 555-0100", "America/Chicago"),
        OTHER_ACCOUNT,
        ("312", "217", "615", "219"),
        ("IL", "TN", "IN"),
        ("America/Chicago", "America/New_York"),
    ),
    Place(
        Practice("cedar", "Cedar Clinic", "(602) 555-0100", "America/Phoenix"),
        ACCOUNT,
        ("602", "480", "303", "520"),
        ("AZ", "CO"),
        ("America/Phoenix", "America/Denver"),
    ),
    Place(
        Practice("dune", "Dune Dental", "(808) 555-0100", "Pacific/Honolulu"),
        OTHER_ACCOUNT,
        ("808", "415", "213", "503"),
        ("HI", "CA"),
        ("Pacific/Honolulu", "America/Los_Angeles"),
    ),
)


class Town(MemoryPortal):
    """A portal whose bills may be paid while many processes look."""

    def clear(self) -> None:
        super().clear()
        self.all_practices = [place.practice for place in PLACES]
        self._places: dict[str, int] = {}
        self._paid = RawArray("b", 1)

    def share_bills(self) -> None:
        """Number the bills; no more may be added."""
        names = [name for bills in self.all_bills.values() for name in bills]
        self._places = {name: place for place, name in enumerate(names)}
        self._paid = RawArray("b", max(1, len(names)))

    def pay(self, bill_id: str, *, practice: str = "acme") -> None:
        self._paid[self._places[bill_id]] = 1

    def bills(self, practice_id: str, bill_ids: Collection[str]) -> Mapping[str, Bill]:
        return {
            name: self._as_it_stands(bill)
            for name, bill in super().bills(practice_id, bill_ids).items()
        }

    def _as_it_stands(self, bill: Bill) -> Bill:
        if not self._paid[self._places[bill.id]]:
            return bill
        return type(bill)(bill.id, bill.patient_id, bill.number, 0)


TOWN = Town()


def port() -> Town:
    """What SMS_HOST_PORT names in a soak."""
    return TOWN


def people(
    town: Town, place: Place, count: int, rng: random.Random
) -> list[tuple[Patient, str]]:
    """Patients of a practice with their phones; some share one, some have no zone."""
    e164s = [f"+1{a}5550{n}" for a in place.area_codes for n in range(101, 200)]
    rng.shuffle(e164s)
    made: list[tuple[Patient, str]] = []
    for number in range(count):
        is_shared = made and rng.random() < 0.05
        e164 = rng.choice(made)[1] if is_shared else e164s[number % len(e164s)]
        patient = town.add_patient(
            f"{place.practice.id}-{number}",
            last=f"Example{number}",
            practice=place.practice.id,
            phone=e164,
            state=rng.choice((*place.states, "")),
            timezone=rng.choice((*place.zones, "", "")),
            autopay=rng.random() < 0.1,
            language=rng.choice(("en", "en", "es")),
        )
        made.append((patient, e164))
    return made


def jobs(
    town: Town, place: Place, patients: Sequence[Patient], rows: int, rng: random.Random
) -> list[str]:
    """Jobs of a practice with so many rows in all, each with a bill of its own."""
    names: list[str] = []
    while rows > 0:
        name = f"{place.practice.id}-job{len(names)}"
        size = min(rng.randint(1, 30), rows, len(patients))
        items = []
        for row, patient in enumerate(rng.sample(patients, size)):
            bill = f"{name}-{row}"
            town.add_bill(bill, patient.id, practice=place.practice.id)
            items.append((patient.id, bill))
        if rng.random() < 0.3:
            # The same fact once more: it must become no second text.
            items.append(items[0])
        town.add_job(name, items, practice=place.practice.id)
        names.append(name)
        rows -= size
    return names


def agree(world: World, place: Place, patients: list[tuple[Patient, str]]) -> None:
    """Every patient of a practice agreed to texts."""
    with world.session() as session:
        practice = practices.by_ref(session, place.practice.id)
        for patient, e164 in patients:
            row = preferences.add_phone(
                session, practice, patient, e164, now=world.clock()
            )
            preferences.allow_delivery(
                session,
                row,
                source="form",
                wording="v1",
                vault=world.plugin.vault,
                actor=STAFF,
                now=world.clock(),
            )
