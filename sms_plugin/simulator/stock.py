"""Numbers for sale, what they cost, and where an area code is.

Only numbers kept for fiction (555-01xx) are sold. Local ones end in 50 to 99, so that
the lower half stays free for the phones of imagined patients.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from sms_plugin.simulator.rules import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# US dollars a month, as the pricing host tells them.
PRICES: Final[Mapping[str, str]] = {"local": "1.15", "toll free": "2.15"}

TOLL_FREE: Final = ("800", "833", "844", "855", "866", "877", "888")

_STATES: Final = """
AK 907 Anchorage
AL 205 Birmingham, 251 Mobile, 256 Huntsville, 334 Montgomery
AR 479 Fort Smith, 501 Little Rock, 870 Jonesboro
AZ 480 Mesa, 520 Tucson, 602 Phoenix, 623 Glendale, 928 Flagstaff
CA 209 Stockton, 213 Los Angeles, 310 Santa Monica, 408 San Jose, 415 San Francisco,
 510 Oakland, 530 Redding, 559 Fresno, 562 Long Beach, 619 San Diego, 626 Pasadena,
 650 San Mateo, 661 Bakersfield, 707 Santa Rosa, 714 Anaheim, 760 Palm Springs,
 805 Santa Barbara, 818 Burbank, 831 Salinas, 909 San Bernardino, 916 Sacramento,
 925 Concord, 949 Irvine, 951 Riverside
CO 303 Denver, 719 Colorado Springs, 720 Denver, 970 Fort Collins
CT 203 New Haven, 860 Hartford
DC 202 Washington
DE 302 Wilmington
FL 239 Cape Coral, 305 Miami, 321 Orlando, 352 Gainesville, 386 Daytona Beach,
 407 Orlando, 561 West Palm Beach, 727 St. Petersburg, 772 Port St. Lucie, 813 Tampa,
 850 Tallahassee, 863 Lakeland, 904 Jacksonville, 941 Sarasota, 954 Fort Lauderdale
GA 229 Albany, 404 Atlanta, 478 Macon, 706 Augusta, 770 Marietta, 912 Savannah
HI 808 Honolulu
IA 319 Cedar Rapids, 515 Des Moines, 563 Davenport, 712 Sioux City
ID 208 Boise
IL 217 Springfield, 309 Peoria, 312 Chicago, 618 Belleville, 630 Naperville,
 708 Cicero, 773 Chicago, 815 Rockford, 847 Evanston
IN 219 Gary, 260 Fort Wayne, 317 Indianapolis, 574 South Bend, 765 Lafayette,
 812 Evansville
KS 316 Wichita, 620 Dodge City, 785 Topeka, 913 Overland Park
KY 270 Bowling Green, 502 Louisville, 606 Ashland, 859 Lexington
LA 225 Baton Rouge, 318 Shreveport, 337 Lafayette, 504 New Orleans, 985 Houma
MA 413 Springfield, 508 Worcester, 617 Boston, 781 Waltham, 978 Lowell
MD 301 Rockville, 410 Baltimore
ME 207 Portland
MI 231 Traverse City, 248 Troy, 269 Kalamazoo, 313 Detroit, 517 Lansing,
 586 Warren, 616 Grand Rapids, 734 Ann Arbor, 810 Flint, 906 Marquette
MN 218 Duluth, 320 St. Cloud, 507 Rochester, 612 Minneapolis, 651 St. Paul
MO 314 St. Louis, 417 Springfield, 573 Columbia, 636 O'Fallon, 816 Kansas City
MS 228 Biloxi, 601 Jackson, 662 Tupelo
MT 406 Billings
NC 252 Greenville, 336 Greensboro, 704 Charlotte, 828 Asheville, 910 Fayetteville,
 919 Raleigh
ND 701 Fargo
NE 308 Grand Island, 402 Omaha
NH 603 Manchester
NJ 201 Jersey City, 609 Trenton, 732 Edison, 856 Camden, 908 Elizabeth, 973 Newark
NM 505 Albuquerque, 575 Las Cruces
NV 702 Las Vegas, 775 Reno
NY 212 New York, 315 Syracuse, 516 Hempstead, 518 Albany, 585 Rochester,
 607 Binghamton, 631 Brentwood, 646 New York, 716 Buffalo, 718 Brooklyn, 845 Newburgh,
 914 Yonkers
OH 216 Cleveland, 330 Akron, 419 Toledo, 513 Cincinnati, 614 Columbus, 740 Newark,
 937 Dayton
OK 405 Oklahoma City, 580 Lawton, 918 Tulsa
OR 503 Portland, 541 Eugene
PA 215 Philadelphia, 412 Pittsburgh, 570 Scranton, 610 Allentown, 717 Lancaster,
 724 New Castle, 814 Erie
PR 787 San Juan
RI 401 Providence
SC 803 Columbia, 843 Charleston, 864 Greenville
SD 605 Sioux Falls
TN 423 Chattanooga, 615 Nashville, 731 Jackson, 865 Knoxville, 901 Memphis,
 931 Clarksville
TX 210 San Antonio, 214 Dallas, 254 Waco, 281 Houston, 325 Abilene, 361 Corpus Christi,
 409 Beaumont, 432 Midland, 512 Austin, 713 Houston, 806 Lubbock, 817 Fort Worth,
 903 Tyler, 915 El Paso, 940 Denton, 956 Laredo, 972 Dallas, 979 College Station
UT 435 St. George, 801 Salt Lake City
VA 276 Martinsville, 434 Lynchburg, 540 Roanoke, 703 Arlington, 757 Virginia Beach,
 804 Richmond
VT 802 Burlington
WA 206 Seattle, 253 Tacoma, 360 Olympia, 425 Bellevue, 509 Spokane
WI 262 Kenosha, 414 Milwaukee, 608 Madison, 715 Eau Claire, 920 Green Bay
WV 304 Charleston
WY 307 Cheyenne
"""


def _read_states() -> dict[str, tuple[str, str]]:
    places = {}
    for line in _STATES.replace("\n ", " ").strip().splitlines():
        state, _, cities = line.partition(" ")
        for entry in cities.split(","):
            code, _, city = entry.strip().partition(" ")
            places[code] = (city, state)
    return places


AREA_CODES: Final[Mapping[str, tuple[str, str]]] = _read_states()

_KEYPAD: Final = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999"
)
_PATTERN = re.compile(r"\+?[*%]?[0-9A-Z]+[*%]?\$?")


def place_of(e164: str) -> tuple[str, str]:
    """Return city and state of a US number's area code, empty when not known."""
    return AREA_CODES.get(e164[2:5], ("", "")) if e164.startswith("+1") else ("", "")


def kind_of(e164: str) -> str:
    """Return ``toll free`` or ``local``, the words of the price list."""
    return "toll free" if e164[2:5] in TOLL_FREE else "local"


def matcher(pattern: str) -> Callable[[str], bool]:
    """Compile Twilio's *Contains* to a test of an E.164 number.

    Letters stand for the digits of the keypad, ``*`` for one digit, ``%`` for any run
    of digits, a leading ``+`` for the start and a trailing ``$`` for the end.

    Raises:
        RefusedError: 20001 for a pattern that Twilio does not take.
    """
    wanted = pattern.strip().upper()
    plain = len(re.sub(r"[*%+$]", "", wanted))
    wild = bool(re.search(r"[*%]", wanted))
    if (
        not 2 <= len(wanted) <= 16
        or not _PATTERN.fullmatch(wanted)
        or (wild and plain < 2)
    ):
        raise RefusedError(20001)
    regex = wanted.translate(_KEYPAD)
    start, regex = ("^1?", regex[1:]) if regex.startswith("+") else ("", regex)
    regex = regex.replace("*", r"\d").replace("%", r"\d*")
    found = re.compile(start + regex).search
    return lambda e164: found(e164[1:] if start else e164[2:]) is not None


@dataclass(frozen=True, slots=True)
class Search:
    """What a buyer looks for; empty means any."""

    kind: str = "local"
    area_code: str = ""
    contains: str = ""
    locality: str = ""
    region: str = ""

    def numbers(self, taken: Callable[[str], bool], limit: int) -> list[str]:
        """Return at most *limit* E.164 numbers for sale.

        Raises:
            RefusedError: 21451 for no area code, 20001 for no pattern.
        """
        if self.area_code and not re.fullmatch(r"[2-9]\d{2}", self.area_code):
            raise RefusedError(21451)
        fits = matcher(self.contains) if self.contains else None
        offers = (
            number
            for number in self._shelf()
            if (fits is None or fits(number)) and not taken(number)
        )
        return list(islice(offers, limit))

    def _shelf(self) -> Iterator[str]:
        """Walk all codes before the next line number, so that an answer has variety."""
        if self.kind == "local":
            codes = [code for code in AREA_CODES if self._here(code)]
            lines = range(150, 200)
        else:
            codes = [c for c in TOLL_FREE if self.area_code in {"", c}]
            lines = range(100, 200)
        for line in lines:
            for code in codes:
                yield f"+1{code}5550{line}"

    def _here(self, code: str) -> bool:
        city, state = AREA_CODES[code]
        return (
            self.area_code in {"", code}
            and self.locality.casefold() in {"", city.casefold()}
            and self.region.upper() in {"", state}
        )


def is_stocked(e164: str) -> bool:
    """Whether this number is one that the carrier sells at all."""
    local = e164[2:5] in AREA_CODES and re.fullmatch(r"\+1\d{3}55501[5-9]\d", e164)
    free = e164[2:5] in TOLL_FREE and re.fullmatch(r"\+1\d{3}55501\d\d", e164)
    return bool(local or free)
