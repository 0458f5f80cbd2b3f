"""What patients write in the demo, and what the front desk answers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from host_app.demo import yesterday

if TYPE_CHECKING:
    from host_app.demo.play import Round

LOLA = ("Lola", "Longtalk")
WREN = ("Wren", "Wrongnumber")
WES = ("Wes", "Waiting")
SID = ("Sid", "Silent")
FRIDA = ("Frida", "Failed")
URSULA = ("Ursula", "Unknown")
LOU = ("Lou", "Latefee")
UNA = "+14155550134"
# A phone that no account has.
STRANGER = "+14155550199"

MONTHS = ("January", "February", "March", "April", "May", "June")
# A conversation of sixty texts: ten about each month.
ASKED = (
    "Now about {}, please.",
    "I have the bill here and went through it line by line.",
    "There is a visit that I do not remember.",
    "I was at my sister's that week, as I told you on the phone.",
    "Or was it the delivery?",
    "If it was the delivery, then the date is wrong.",
    "Was that before or after the change of my insurance?",
    "It must have been before, I think.",
    "And is the amount still right then?",
)
ANSWER = "Thank you. It was the delivery, and the amount of {} is right."


def play(played: Round) -> None:
    """Play every conversation; each text is seen to arrive."""
    played.say("Patients and a stranger write; one talks sixty texts long.")
    yesterday.write(
        played, WES, "Can I pay half now and half in two weeks? Please let me know."
    )
    played.carrier.write(
        played.phone(WREN), played.number(), "Wrong number, I am not Wren."
    )
    played.carrier.write(
        STRANGER,
        played.number(),
        "Hello, do you take new patients in December?",
        picture=True,
    )
    # Two that only a person can answer: they stand in SMS > To do.
    played.carrier.write(
        played.phone(LOU),
        played.number(),
        "Please stop these late fees, I paid last week.",
    )
    played.carrier.write(UNA, played.number(), "START")
    _long_talk(played)
    played.say("Texts that the carrier keeps silent about, refuses, or swallows.")
    _odd_ends(played)


def _long_talk(played: Round) -> None:
    phone, desk = played.phone(LOLA), played.staff("frontdesk")
    number = played.number()
    for place, month in enumerate(MONTHS):
        for words in ASKED:
            played.carrier.write(phone, number, words.format(month))
        wanted = place * (len(ASKED) + 1) + len(ASKED)
        played.wait(
            "Lola's texts to arrive",
            partial(_has, played, phone, wanted),
        )
        if not place:
            open_conversation(played, LOLA)
        desk.submit("/reply", {"body": ANSWER.format(month)})
    played.facts.append(
        ("Texts in Lola's conversation", str(played.ledger.texts_with(phone)))
    )


def _has(played: Round, phone: str, wanted: int) -> bool:
    return played.ledger.texts_with(phone) >= wanted


def _odd_ends(played: Round) -> None:
    """Leave one text sent for ever, one failed, and one of unknown outcome."""
    played.wait("the answers to arrive", lambda: played.ledger.at_work() == 0)
    played.carrier.set_condition(played.phone(SID), "silent")
    _text(played, SID, "sent")
    played.carrier.set_fault(
        kind="error", accepts=False, status=400, code=21614, times=1
    )
    _text(played, FRIDA, "failed")
    played.carrier.set_fault(kind="reset", accepts=False, times=1)
    _text(played, URSULA, "unknown")


def _text(played: Round, who: tuple[str, str], state: str) -> None:
    """Write to a patient of one's own accord, and see how the text ends."""
    phone = played.phone(who)
    open_conversation(played, who)
    body = f"Good morning {who[0]}, please call our office when you have a minute."
    played.staff("frontdesk").submit("/reply", {"body": body})
    played.wait(
        f"the text to {who[0]} to be {state}",
        lambda: played.ledger.state_to(phone) == state,
    )


def open_conversation(played: Round, who: tuple[str, str]) -> None:
    """The front desk finds a patient and opens the conversation."""
    desk = played.staff("frontdesk")
    desk.open(f"/sms/inbox/new?search={'+'.join(who)}")
    desk.submit("/start")
