"""Numbers that are not ready: one being registered, one that no practice has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host_app.seed_data import STEPS

if TYPE_CHECKING:
    from host_app.demo.play import Round

# Where the unassigned number's texts go now, and why the carriers refused it.
ELSEWHERE = "https://reminders.example.com/texts"
OLD_NAME, OLD_AREA = "Old reminder line", "510"
REFUSED = (30883, "message_samples")


def play(played: Round) -> None:
    """Leave both for whoever looks: the practice's admin, and support."""
    played.say("One number waits for its registration; another one has no practice.")
    _being_registered(played)
    number = played.carrier.own(OLD_AREA, OLD_NAME, ELSEWHERE)
    played.carrier.register(number, "failed", *REFUSED)


def _being_registered(played: Round) -> None:
    """Stepping Stones buys a toll-free number, and the carriers still look at it."""
    ledger, admin = played.ledger, played.staff("floater")
    admin.open("/sms/settings/")
    admin.submit("/switch", {"practice_id": str(ledger.practice_id(STEPS))})
    admin.open("/sms/numbers/search?kind=toll_free")
    admin.submit("/sms/numbers/confirm")
    admin.submit("/sms/numbers/buy")
    number_id, number = ledger.rows(
        "SELECT id, e164 FROM sms_number ORDER BY id DESC LIMIT 1"
    )[0]
    played.carrier.register(number, "pending")
    admin.open(f"/sms/numbers/show/{number_id}")
    admin.submit(f"/sms/numbers/action/ask/{number_id}")
    pending = ledger.one(
        "SELECT count(*) FROM sms_number WHERE registration = 'pending'"
    )
    played.facts.append(("Numbers that the carriers still look at", str(pending)))
