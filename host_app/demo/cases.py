"""The rest of the cases of docs/demo.md, which nothing but playing them makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host_app.demo import lines, talks
from host_app.demo.browser import Browser
from host_app.seed import DEMO_PASSWORD
from host_app.seed_bills import steady_id
from host_app.seed_data import STEPS

if TYPE_CHECKING:
    from host_app.demo.play import Round

PAID_MEANWHILE = (
    ("Pam", "Paid-Meanwhile", "H1046"),
    ("Pat", "Paid-Meanwhile", "H1047"),
)
APPROVED, REJECTED = "Pam Paid-Meanwhile", "Rita Rejected"
LEAVER = ("Paige", "paige@example.com")


def play(played: Round) -> None:
    """Play everything; the round comes first."""
    played.say("More jobs: nobody to text, twice the same file, five times the usual.")
    played.upload("biller", "statement-nobody-textable.csv")
    played.upload("biller", "statement-october.csv", is_held=True)
    played.upload("floater", "statement-five-times.csv", STEPS)
    job_id = played.upload("biller", "statement-paid-meanwhile.csv")
    played.say("Two patients pay while their texts wait; the biller rejects a third.")
    for who in PAID_MEANWHILE:
        played.pay_bill(who, f"/patient/pay/{steady_id(f'INV-{who[2]}')}")
    _decide(played, job_id)
    _text_plans(played)
    _stop_in_the_portal(played)
    lines.play(played)
    talks.play(played)


def _decide(played: Round, job_id: int) -> None:
    """Approve one text, which is withdrawn because its bill is paid; reject another."""
    biller = played.staff("biller")
    biller.open(f"/sms/jobs/{job_id}?search={APPROVED.replace(' ', '+')}")
    biller.submit("/confirm", {"approve": "all"})
    biller.submit("/approve")
    biller.submit("/send")
    biller.open(f"/sms/jobs/{job_id}?search={REJECTED.replace(' ', '+')}")
    biller.submit("/confirm", {"reject": "all"})
    biller.submit("/reject", {"why": "timing"})


def _text_plans(played: Round) -> None:
    """The instalments that are due soon or late become a job, which waits."""
    played.say("A biller has the payment plans texted that are due soon or late.")
    before = played.ledger.newest_job()
    biller = played.staff("biller")
    biller.open("/portal/plans/list/")
    biller.submit("/portal/plans/text")
    played.wait(
        "the texts about payment plans to be prepared",
        lambda: played.ledger.newest_job(prepared=True) > before,
    )


def _stop_in_the_portal(played: Round) -> None:
    """A patient ends her texts on her own page of the patient portal."""
    name, email = LEAVER
    played.say(f"{name} stops her texts in the patient portal.")
    patient = Browser(played.demo.url, name)
    patient.open("/patient/login")
    patient.submit("", {"email": email, "password": DEMO_PASSWORD})
    patient.open("/patient/preferences")
    patient.submit("/sms/mine", holding=("deed", "stop"))
    stopped = played.ledger.one(
        "SELECT count(*) FROM sms_suppression WHERE source = 'portal'"
    )
    played.facts.append((f"{name} stopped her texts in the portal", str(stopped)))
