"""The demo's own look into the database, beside the pages: for the final account."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

# What waits for nothing any more, or for a later hour only.
_AT_WORK = "('approved', 'submitting', 'accepted', 'sent', 'unknown')"


class Ledger:
    """Reads the plugin's tables; it is the demo's witness and changes nothing."""

    def __init__(self, database: Path) -> None:
        self._uri = f"file:{database}?mode=ro"

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with closing(sqlite3.connect(self._uri, uri=True, timeout=15)) as connection:
            return connection.execute(query, values).fetchall()

    def one(self, query: str, *values: Any) -> Any:
        """The first value of the first row, or None."""
        rows = self.rows(query, *values)
        return rows[0][0] if rows else None

    def practice_id(self, ref: str) -> int:
        """The plugin's id of a practice."""
        found: int = self.one("SELECT id FROM sms_practice WHERE practice_ref = ?", ref)
        return found

    def newest_job(self, *, prepared: bool = False) -> int:
        """The newest job's id, or the newest among the prepared ones; 0 for none."""
        found: int = self.one(
            "SELECT coalesce(max(id), 0) FROM sms_job "
            "WHERE prepared_at IS NOT NULL OR NOT ?",
            prepared,
        )
        return found

    def reasons(self, job_id: int) -> list[tuple[str, int]]:
        """Skipped rows of a job by reason."""
        return [
            (reason, count)
            for reason, count in self.rows(
                "SELECT reason, count(*) FROM sms_message "
                "WHERE job_id = ? AND state = 'skipped' "
                "GROUP BY reason ORDER BY 2 DESC",
                job_id,
            )
        ]

    def at_work(self) -> int:
        """Texts that are on their way; held ones are not."""
        found: int = self.one(
            f"SELECT count(*) FROM sms_message WHERE state IN {_AT_WORK} "  # noqa: S608  (a constant)
            "AND NOT (state = 'approved' AND hold IS NOT NULL)"
        )
        return found

    def phone_of(self, first_name: str, last_name: str) -> str:
        """The phone that a patient of the demo texts with."""
        found: str = self.one(
            "SELECT e164 FROM sms_patient_phone JOIN sms_phone p ON p.id = phone_id "
            "WHERE patient_name = ?",
            f"{first_name} {last_name}",
        )
        return found

    def state_to(self, phone: str) -> str | None:
        """How the last text to a phone stands."""
        found: str | None = self.one(
            "SELECT m.state FROM sms_message m JOIN sms_phone p ON p.id = m.phone_id "
            "WHERE p.e164 = ? AND m.purpose <> 'inbound' ORDER BY m.id DESC",
            phone,
        )
        return found

    def texts_with(self, phone: str) -> int:
        """How many texts a conversation holds, both ways."""
        found: int = self.one(
            "SELECT count(*) FROM sms_message m JOIN sms_phone p ON p.id = m.phone_id "
            "WHERE p.e164 = ?",
            phone,
        )
        return found

    def outgoing(self) -> dict[str, str]:
        """Gateway id to state of every text that went out."""
        return dict(
            self.rows(
                "SELECT sid, state FROM sms_message "
                "WHERE sid IS NOT NULL AND purpose <> 'inbound'"
            )
        )
