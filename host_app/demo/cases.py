"""The rest of the cases of docs/demo.md, which nothing but playing them makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host_app.demo import talks
from host_app.seed_bills import steady_id
from host_app.seed_data import STEPS

if TYPE_CHECKING:
    from host_app.demo.play import Round

PAID_MEANWHILE = (
    ("Pam", "Paid-Meanwhile", "H1046"),
    ("Pat", "Paid-Meanwhile", "H1047"),
)
APPROVED, REJECTED = "Pam Paid-Meanwhile", "Rita Rejected"


def play(played: Round) -> None:
    """Play everything; the round comes first."""
    played.say("More jobs: nobody to text, twice the same file, five times the usual.")
    played.upload("biller", "statement-nobody-textable.csv")
    played.upload("biller", "statement-october.csv")
    played.upload("floater", "statement-five-times.csv", STEPS)
    job_id = played.upload("biller", "statement-paid-meanwhile.csv")
    played.say("Two patients pay while their texts wait; the biller rejects a third.")
    for who in PAID_MEANWHILE:
        played.pay_bill(who, f"/patient/pay/{steady_id(f'INV-{who[2]}')}")
    _decide(played, job_id)
    talks.play(played)


def _decide(played: Round, job_id: int) -> None:
    """Approve one text, which is withdrawn because its bill is paid; reject another."""
    biller = played.staff("biller")
    biller.open(f"/sms/jobs/{job_id}?search={APPROVED.replace(' ', '+')}")
    biller.submit("/confirm", {"approve": "all"})
    biller.submit("/approve")
    biller.open(f"/sms/jobs/{job_id}?search={REJECTED.replace(' ', '+')}")
    biller.submit("/confirm", {"reject": "all"})
    biller.submit("/reject", {"why": "timing"})
