"""The round: from a statement file to texts, a payment, an answer and a STOP."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from host_app.demo.browser import Browser, sign_in
from host_app.demo.settings import DemoError
from host_app.seed import DEMO_PASSWORD
from host_app.seed_data import HARBOR

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from host_app.demo.carrier import Carrier
    from host_app.demo.ledger import Ledger
    from host_app.demo.parts import Supervisor
    from host_app.demo.settings import Demo

SAMPLES = Path(__file__).parents[1] / "samples"
STATEMENT = "statement-october.csv"
# The date in the sample files, which is past sooner or later.
SAMPLE_DUE, DUE_IN = b"2026-11-15", timedelta(days=21)
LINK = re.compile(r"http://\S+/sms/p/\w+")
CARD = {"number": "4242 4242 4242 4242", "expires": "12/30", "code": "123"}

PAYER = ("Olivia", "Open", "H1001")
ASKER = ("Lena", "Letter", "H1024")
STOPPER = ("Steve", "Stop", "H1031")
# How phones behave at the carrier, by the patient whose phone it is.
CONDITIONS = {
    ("Landon", "Landline"): "landline",
    ("Uma", "Unreachable"): "unreachable",
    ("Phil", "Filtered"): "filtered",
}

QUESTION = "Is this the bill for September? My insurance should have paid."
ANSWER = "Yes, September. Your insurance paid its part; this is the rest."


@dataclass
class Round:
    """One round and what is to be remembered of it."""

    demo: Demo
    supervisor: Supervisor
    ledger: Ledger
    carrier: Carrier
    past: Flask
    say: Callable[[str], None]
    job_id: int = 0
    texts_before_stop: int = 0
    facts: list[tuple[str, str]] = field(default_factory=list)
    browsers: dict[str, Browser] = field(default_factory=dict)
    due_on: date = field(default_factory=lambda: datetime.now(UTC).date() + DUE_IN)

    def play(self) -> None:
        """Play the whole round; each step is seen in the database or at the carrier."""
        for who, condition in CONDITIONS.items():
            self.carrier.set_condition(self.phone(who), condition)
        self.say("A biller uploads a statement file.")
        self.job_id = self.upload("biller", STATEMENT)
        self._approve(self.staff("biller"))
        self.wait("the texts to arrive", lambda: self.ledger.at_work() == 0)
        self._pay()
        self._ask_and_answer()
        self._stop()
        self.wait("the last texts to arrive", lambda: self.ledger.at_work() == 0)

    def staff(self, username: str) -> Browser:
        """The browser of a user, who signs in once."""
        if username not in self.browsers:
            self.browsers[username] = sign_in(self.demo.url, username, DEMO_PASSWORD)
        return self.browsers[username]

    def upload(
        self,
        username: str,
        file_name: str,
        practice: str = HARBOR,
        *,
        is_held: bool = False,
    ) -> int:
        """Upload one of the sample files; return the job once its texts are there.

        One that is held waits for a person's word, and has none.
        """
        before = self.ledger.newest_job()
        file = SAMPLES / file_name
        browser = self.staff(username)
        browser.open("/portal/jobs/upload")
        content = file.read_bytes().replace(SAMPLE_DUE, f"{self.due_on}".encode())
        files = {"file": (file_name, content)}
        browser.submit("/upload", {"practice": practice}, files)
        self.wait(
            f"the texts of {file_name} to be prepared",
            lambda: self.ledger.newest_job(prepared=not is_held) > before,
        )
        return self.ledger.newest_job()

    def _approve(self, biller: Browser) -> None:
        self.say("The biller reads the pending texts and approves them.")
        biller.open(f"/sms/jobs/{self.job_id}")
        biller.submit("/confirm", {"approve": "all"})
        biller.submit("/approve")
        biller.submit("/send")

    def _pay(self) -> None:
        first, _, account = PAYER
        self.say(f"{first} taps the link in her text and pays.")
        [text] = self.carrier.texts_to(self.phone(PAYER))
        link = LINK.search(text["body"])
        if link is None:
            raise DemoError("The text of the patient who pays holds no link.")
        self.pay_bill(PAYER, link.group())
        paid = self.ledger.one(
            "SELECT count(*) FROM portal_payment p JOIN portal_patient a "
            "ON a.id = p.patient_id WHERE a.account_number = ?",
            account,
        )
        self.facts.append((f"{first} paid through her link", str(paid)))

    def pay_bill(self, who: tuple[str, str, str], address: str) -> None:
        """A patient opens a bill, says who he is, and pays it."""
        first, last, account = who
        patient = Browser(self.demo.url, first)
        patient.open(address)
        patient.submit("/", {"last_name": last, "account_number": account})
        patient.submit("/", CARD)

    def _ask_and_answer(self) -> None:
        first, last, _ = ASKER
        phone = self.phone(ASKER)
        before = len(self.carrier.texts_to(phone))
        self.say(f"{first} writes back with a question, and the front desk answers.")
        self.carrier.write(phone, self.number(), QUESTION)
        conversation = "SELECT id FROM sms_conversation WHERE title = ? AND unread > 0"
        title = f"{first} {last}"
        self.wait(
            "the question to reach the inbox",
            lambda: self.ledger.one(conversation, title) is not None,
        )
        desk = self.staff("frontdesk")
        desk.open(f"/sms/inbox/{self.ledger.one(conversation, title)}")
        desk.submit("/reply", {"body": ANSWER})
        self.wait(
            "the answer to reach the phone",
            lambda: len(self.carrier.texts_to(phone)) > before,
        )
        answered = self.carrier.texts_to(phone)[-1]["body"] == ANSWER
        self.facts.append((f"{first} asked and was answered", _yes(answered)))

    def _stop(self) -> None:
        first, last, _ = STOPPER
        phone = self.phone(STOPPER)
        self.say(f"{first} replies STOP; nothing more may reach that phone.")
        self.texts_before_stop = len(self.carrier.texts_to(phone))
        self.carrier.write(phone, self.number(), "STOP")
        stopped = (
            "SELECT count(*) FROM sms_suppression s JOIN sms_phone p "
            "ON p.id = s.phone_id WHERE p.e164 = ? AND lifted_at IS NULL"
        )
        self.wait("the STOP to be heard", lambda: self.ledger.one(stopped, phone) == 1)
        desk = self.staff("frontdesk")
        row = self.ledger.one(
            "SELECT id FROM sms_conversation WHERE title = ?", f"{first} {last}"
        )
        page = desk.open(f"/sms/inbox/{row}")
        is_locked = "This phone opted out" in page
        self.facts.append(
            (f"{first} said STOP: the composer is locked", _yes(is_locked))
        )

    def more_after_stop(self) -> int:
        """Texts that reached the patient after the STOP; there must be none."""
        phone = self.phone(STOPPER)
        return len(self.carrier.texts_to(phone)) - self.texts_before_stop

    def phone(self, who: tuple[str, ...]) -> str:
        """The phone that a patient texts with."""
        return self.ledger.phone_of(who[0], who[1])

    def number(self) -> str:
        """The number of Harbor Light Pharmacy."""
        found: str = self.ledger.one(
            "SELECT e164 FROM sms_number JOIN sms_practice p ON p.id = practice_id "
            "WHERE active AND p.practice_ref = ?",
            HARBOR,
        )
        return found

    def wait(self, what: str, is_done: Callable[[], bool]) -> None:
        """Wait until something holds, while all parts live."""
        self.supervisor.wait_for(what, is_done)


def _yes(is_so: bool) -> str:  # noqa: FBT001  (it only words a truth)
    return "yes" if is_so else "NO"
