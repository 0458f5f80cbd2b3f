"""Everybody else: accounts without a story, so that lists look as they do in life.

Names are put together from trees and first names; the same ones in every demo.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from host_app.models import AccountStatus as Status
from host_app.seed_shapes import HARBOR, QUIET, STEPS, DemoCard, DemoPatient, mobile

if TYPE_CHECKING:
    from collections.abc import Iterator

TREES = (
    "Alder", "Ash", "Aspen", "Beech", "Birch", "Cedar", "Chestnut", "Cypress",
    "Dogwood", "Elder", "Elm", "Fir", "Hawthorn", "Hazel", "Hemlock", "Hickory",
    "Holly", "Hornbeam", "Juniper", "Larch", "Laurel", "Linden", "Locust", "Magnolia",
    "Maple", "Mulberry", "Oak", "Olive", "Pine", "Plane", "Poplar", "Redwood", "Rowan",
    "Sequoia", "Spruce", "Sumac", "Sycamore", "Tamarack", "Tupelo", "Walnut", "Willow",
    "Yew",
)  # fmt: skip
ELDERS = (
    "Abel", "Ada", "Bess", "Clem", "Dora", "Edna", "Ezra", "Flora", "Gert", "Hank",
    "Inez", "Jonas", "Kate", "Lyle", "Maude", "Ned", "Opal", "Percy", "Queenie", "Roy",
    "Stella", "Thea", "Ulla", "Verne", "Wilma", "Xena", "Yves",
)  # fmt: skip
GROWN_UPS = (
    "Alan", "Beth", "Cal", "Dee", "Eric", "Faith", "Glen", "Hope", "Ira", "Jill",
    "Kurt", "Lara", "Miles", "Nina", "Owen", "Pia", "Quincy", "Rae", "Seth", "Tess",
    "Uri", "Vera", "Wade", "Yara", "Zane",
)  # fmt: skip
CHILDREN = (
    "Amy", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gia", "Hal", "Isla", "Jay", "Kia",
    "Leo", "Mia", "Nat", "Ona", "Pip", "Rex", "Sky", "Tom", "Una", "Vic", "Wyn", "Zoe",
    "Bea", "Cy", "Dot", "Eli", "Fay",
)  # fmt: skip
# How long ago the bill was issued, and what the account's status is then.
AGES = (
    (2, Status.INVOICE),
    (9, Status.INVOICE),
    (36, Status.LETTER_SERIES),
    (4, Status.INVOICE),
    (66, Status.LETTER_SERIES),
    (3, Status.PAID_IN_FULL),
    (20, Status.INVOICE),
)
BAYVIEW = "Bayview Assisted Living"


def _money(place: int) -> int:
    """A bill between 25 and 150 dollars."""
    return 2_500 + place * 1_117 % 12_500


def _account(
    number: str, first: str, last: str, place: int, **more: object
) -> DemoPatient:
    age_days, status = AGES[place % len(AGES)]
    return DemoPatient(
        number,
        first,
        last,
        cents=0 if status is Status.PAID_IN_FULL else _money(place),
        age_days=age_days,
        status=status,
        email=f"{first}.{last}@example.com".lower() if place % 3 == 0 else "",
        is_crowd=True,
        **more,  # type: ignore[arg-type]  # fields of DemoPatient
    )


def _elders() -> Iterator[DemoPatient]:
    """Patients of a long-term-care pharmacy; for most a daughter or son is billed."""
    for place, first in enumerate(ELDERS):
        last = TREES[place]
        yield _account(
            f"H{1101 + place}", first, last, place,
            phones=mobile(f"(510) 555-01{10 + place}"),
            years=70 + place * 7 % 25,
            city=("Oakland", "Alameda", "Berkeley")[place % 3],
            guarantor=f"{GROWN_UPS[place % 25]} {last}" if place % 4 else "",
            agency=BAYVIEW if place % 9 == 4 else "",
            card=DemoCard(day=1 + place) if place % 9 == 8 else None,
        )  # fmt: skip


def _families() -> Iterator[DemoPatient]:
    """Children in therapy, one to three of a family, and the parent who is billed."""
    names = iter(CHILDREN)
    place = 0
    for family in range(17):
        last = TREES[-1 - family]
        for first in islice(names, 1 + family % 3 if family < 15 else 1):
            yield _account(
                f"S{2101 + place}", first, last, place,
                phones=((f"(646) 555-01{10 + family}", "parent's mobile"),),
                years=4 + place * 5 % 13,
                state="NY",
                city="New York",
                guarantor=f"{GROWN_UPS[-1 - family]} {last}",
            )  # fmt: skip
            place += 1


def _others() -> Iterator[DemoPatient]:
    for place in range(5):
        yield _account(
            f"Q{3101 + place}", GROWN_UPS[place], TREES[place + 20], place,
            phones=mobile(f"(312) 555-01{10 + place}"), state="IL", city="Chicago",
        )  # fmt: skip


CROWD = {
    HARBOR: tuple(_elders()),
    STEPS: tuple(_families()),
    QUIET: tuple(_others()),
}
