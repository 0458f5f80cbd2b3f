"""What the desk points out about a pending text, noted when a job is prepared.

A text's ``warnings`` are words with commas, such as ``rose:340,shared:2``: the balance
rose by so many percent, so many patients use the phone, the name looks wrong
(``name``), the text takes so many segments (``long:3``), its template changed after it
had been approved (``wording``). They change nothing about what goes out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from sms_plugin.core.odd_names import looks_odd
from sms_plugin.models import SmsMessage, in_state
from sms_plugin.services import preferences
from sms_plugin.services.database import among

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from sms_plugin.models import SmsJob

# Any of them at all, in a filter and a count.
ANY: Final = "any"
ROSE, SHARED, NAME, LONG = "rose", "shared", "name", "long"
WORDING: Final = "wording"
KINDS: Final = (ROSE, SHARED, NAME, LONG, WORDING)
# A balance rose when it grew by as much as both of these say: percent, millionths.
LEAST_PERCENT: Final = 50
LEAST_MICROS: Final = 20_000_000
# A text may take so many segments before that is pointed out.
MOST_SEGMENTS: Final = 2
# What a rise is said to be at most, in percent; from one cent it would be a long word.
_MOST_PERCENT: Final = 99_999


def noted(
    session: Session, job: SmsJob, rows: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """A batch of new message rows of a job with their ``warnings``; two queries."""
    waiting = [row for row in rows if row["state"] == "pending"]
    before = _balances(session, job, {row["patient_ref"] for row in waiting})
    shared = preferences.shared(
        session, job.practice_id, {row["phone_id"] for row in waiting}
    )
    return [
        row
        | {"warnings": None if row["state"] != "pending" else _of(row, before, shared)}
        for row in rows
    ]


def after_edit(warnings: str | None, segments: int) -> str | None:
    """What is pointed out of a text that now takes so many segments."""
    kept = [word for word in parts(warnings) if word[0] not in {LONG, WORDING}]
    return _joined([*kept, *_of_size(segments)])


def with_wording(warnings: Any) -> Any:
    """The expression of a text's warnings with the one that its template changed."""
    return sa.case(
        (warnings.is_(None), WORDING),
        (warnings.contains(WORDING), warnings),
        else_=warnings + f",{WORDING}",
    )


def parts(warnings: str | None) -> list[tuple[str, int]]:
    """The kinds of a text's warnings, each with its number; 0 where it has none."""
    found = [word.partition(":") for word in (warnings or "").split(",")]
    return [
        (kind, int(number) if number.isdecimal() else 0)
        for kind, _, number in found
        if kind in KINDS
    ]


def having(kind: str) -> sa.ColumnElement[bool]:
    """The condition that a text has a warning of a kind; an unknown kind means any."""
    if kind not in KINDS:
        return SmsMessage.warnings.is_not(None)
    # No kind is part of another's word; NULL has none.
    return sa.and_(SmsMessage.warnings.is_not(None), SmsMessage.warnings.contains(kind))


def counted(session: Session, job: SmsJob) -> dict[str, int]:
    """How many pending texts of a job have a warning (``ANY``), and of which kinds."""
    row = session.execute(
        sa.select(
            sa.func.count(),
            *(
                sa.func.coalesce(sa.func.sum(sa.case((having(kind), 1), else_=0)), 0)
                for kind in KINDS
            ),
        ).where(
            SmsMessage.job_id == job.id,
            # A sum, since SQLite would rather read all that the practice ever sent.
            SmsMessage.practice_id + 0 == job.practice_id,
            in_state("pending"),
            SmsMessage.warnings.is_not(None),
        )
    ).one()
    counts = dict(zip((ANY, *KINDS), map(int, row), strict=True))
    return {kind: count for kind, count in counts.items() if count}


def _of(
    row: Mapping[str, Any], before: Mapping[str, int], shared: Mapping[int, int]
) -> str | None:
    """What is pointed out of one new row."""
    found: list[tuple[str, int]] = []
    rise = _rise(before.get(row["patient_ref"]), row["balance_micros"])
    if rise:
        found.append((ROSE, rise))
    if row["phone_id"] in shared:
        found.append((SHARED, shared[row["phone_id"]]))
    if looks_odd(row["patient_name"]):
        found.append((NAME, 0))
    return _joined([*found, *_of_size(row["segments"])])


def _rise(before: int | None, now: int | None) -> int:
    """By how many percent a balance rose; 0 where it is not worth a word."""
    if not before or before < 0 or now is None or now - before < LEAST_MICROS:
        return 0
    percent = (now - before) * 100 // before
    return min(percent, _MOST_PERCENT) if percent >= LEAST_PERCENT else 0


def _of_size(segments: int) -> list[tuple[str, int]]:
    return [(LONG, segments)] if segments > MOST_SEGMENTS else []


def _joined(found: Sequence[tuple[str, int]]) -> str | None:
    words = [f"{kind}:{number}" if number else kind for kind, number in found]
    return ",".join(words) or None


def _balances(
    session: Session, job: SmsJob, patient_refs: set[str]
) -> Mapping[str, int]:
    """What patients owed by the last text of an earlier job, in millionths.

    A rejected text does not count: what it said may be why it was rejected.
    """
    if not patient_refs:
        return {}
    last = (
        sa.select(sa.func.max(SmsMessage.id))
        .where(
            SmsMessage.practice_id == job.practice_id,
            among(session, SmsMessage.patient_ref, patient_refs),
            SmsMessage.purpose == "job",
            SmsMessage.state.not_in(("skipped", "rejected")),
            SmsMessage.job_id < job.id,
        )
        .group_by(SmsMessage.patient_ref)
    )
    rows = session.execute(
        sa.select(SmsMessage.patient_ref, SmsMessage.balance_micros).where(
            SmsMessage.practice_id == job.practice_id,
            SmsMessage.id.in_(last),
        )
    )
    return {ref: balance for ref, balance in rows if balance is not None}
