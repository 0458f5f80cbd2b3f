"""The account of a round: the database, the carrier, and whether they agree."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from host_app.demo.carrier import Carrier
    from host_app.demo.ledger import Ledger
    from host_app.demo.play import Round

# The carrier's words that must be ours, too; a text on a silent phone stays "sent".
_SAME = {word: word for word in ("sent", "delivered", "undelivered", "failed")}


def account(played: Round) -> tuple[str, list[str]]:
    """The table of what happened, and every disagreement in words."""
    ledger, carrier = played.ledger, played.carrier
    rows = [
        ("Rows of the October file's job", _count(ledger, f"job_id = {played.job_id}")),
        *(
            (f"  skipped: {_words(reason)}", count)
            for reason, count in ledger.reasons(played.job_id)
        ),
        (
            "Texts of jobs approved",
            _count(ledger, "approved_at IS NOT NULL AND job_id > 0"),
        ),
        ("  delivered", _count(ledger, "state = 'delivered' AND job_id > 0")),
        (
            "  failed at the carrier",
            _count(ledger, "state IN ('undelivered', 'failed')"),
        ),
        ("  held for a later hour", _count(ledger, "state = 'approved'")),
        ("Texts of jobs that wait for approval", _count(ledger, "state = 'pending'")),
        ("Texts of patients", _count(ledger, "purpose = 'inbound'")),
        ("Answers of staff", _count(ledger, "purpose = 'reply'")),
        *played.facts,
        ("Texts to that phone after the STOP", played.more_after_stop()),
        ("Texts that the carrier accepted", len(carrier.record()["accepted"])),
        ("Texts that the database says went out", len(ledger.outgoing())),
    ]
    width = max(len(label) for label, _ in rows)
    table = "\n".join(f"  {label:<{width}}  {value:>6}" for label, value in rows)
    return table, _disagreements(played, ledger, carrier)


def _disagreements(played: Round, ledger: Ledger, carrier: Carrier) -> list[str]:
    record = carrier.record()
    ours, theirs = ledger.outgoing(), {t["sid"]: t for t in record["accepted"]}
    found = [
        f"The carrier has a text that we do not know: {sid}"
        for sid in theirs.keys() - ours.keys()
    ]
    found += [
        f"We count a text as sent that the carrier does not have: {sid}"
        for sid in ours.keys() - theirs.keys()
    ]
    found += [
        f"{sid}: the carrier says {text['status']}, we say {ours[sid]}"
        for sid, text in theirs.items()
        if sid in ours and _SAME.get(text["status"]) != ours[sid]
    ]
    tokens = Counter(text["status_callback"] for text in record["accepted"])
    found += [f"Sent twice: {url}" for url, count in tokens.items() if count > 1]
    bad = [row for row in record["callbacks"] if not 200 <= (row["answer"] or 0) < 300]
    found += [f"A webhook was answered with {row['answer']}" for row in bad]
    if played.more_after_stop():
        found.append("A text went to a phone that had said STOP.")
    found += [f"{label}: {value}" for label, value in played.facts if value in "NO0"]
    if not _count(ledger, "state IN ('undelivered', 'failed')"):
        found.append("No text failed at the carrier, and one should have.")
    return found


def _count(ledger: Ledger, where: str) -> int:
    found: int = ledger.one(f"SELECT count(*) FROM sms_message WHERE {where}")  # noqa: S608  (constants of this module)
    return found


def _words(reason: str) -> str:
    return reason.replace("_", " ")
