"""The account at the end: what the carrier has, beside what the database says.

Every check reads the two records anew and trusts no rule of the sending path, but the
calendar of ``core.schedule``, which has tests of its own.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sms_plugin.core import keywords, phones, schedule
from sms_plugin.core.keywords import Intent
from sms_plugin.core.states import FINAL
from sms_plugin.core.templating import LINK_MARK
from sms_plugin.models import (
    SmsAttempt,
    SmsAudit,
    SmsConsent,
    SmsMessage,
    SmsNumber,
    SmsPhone,
    SmsPractice,
    SmsSuppression,
)
from tests.soak.stage import LEASE
from tests.soak.town import PLACES

if TYPE_CHECKING:
    from tests.soak.people import People
    from tests.soak.stage import Stage
    from tests.soak.watch import Watch

AT_THE_CARRIER = {
    "accepted", "sent", "delivered", "undelivered", "failed", "unconfirmed",
}  # fmt: skip
LAST_WORDS = {"delivered", "undelivered"}


@dataclass
class Reckoning:
    """Finds what must not be; ``wrong`` holds message ids by the rule they broke."""

    stage: Stage
    people: People
    watch: Watch
    record: dict[str, Any]
    wrong: dict[str, list[Any]] = field(default_factory=dict)

    def run(self) -> dict[str, list[Any]]:
        """Check every rule."""
        for rule, check in (
            ("lost", self.lost),
            ("doubled", self.doubled),
            ("texts after suppression", self.after_suppression),
            ("texts outside the window", self.outside_window),
            ("texts while the practice was off", self.while_off),
            ("texts that nobody approved as they went out", self.unapproved),
            ("states that the carrier contradicts", self.untrue),
            ("inbound texts not stored once", self.inbound),
            ("STOPs not in force", self.stops),
            ("records that could be rewritten", self.rewritten),
        ):
            self.wrong[rule] = sorted(set(check()))
        return self.wrong

    def lost(self) -> list[int]:
        """Approved texts that are neither final nor held until a time."""
        missing = self.people.wrote - set(self.messages)
        waits = [
            m.id
            for m in self.messages.values()
            if m.approved_at is not None
            and m.state not in FINAL
            and not self._is_waiting(m)
        ]
        return [*missing, *waits]

    def doubled(self) -> list[int]:
        """Texts that the carrier took more often than a person asked for."""
        asked = Counter(self._rows(SmsAudit.object_id, action="message.resend"))
        once = Counter(text["token"] for text in self.accepted)
        return [
            *(m for m, times in self.taken.items() if times > 1 + asked[m]),
            *(self.message_of[token] for token, n in once.items() if n > 1),
        ]

    def after_suppression(self) -> list[int]:
        """Texts claimed while their phone was suppressed, or that came after a STOP.

        A text that was being submitted when the STOP arrived may come after it: one.
        """
        claimed = [
            row.message_id
            for row in self.attempts
            if any(
                self._leased_at(row) in span
                for span in self.suppressed[self.messages[row.message_id].phone_id]
            )
        ]
        return claimed + self._accepted_after_stops()

    def outside_window(self) -> list[int]:
        """Job texts and notices claimed at an hour that is none for their patient."""
        found = []
        for row in self.attempts:
            message = self.messages[row.message_id]
            if message.purpose == "reply":
                continue
            if not schedule.is_open(
                row.started_at, schedule.Window(), self._zones(message)
            ):
                found.append(message.id)
        return found

    def while_off(self) -> list[int]:
        """Texts claimed while their practice was switched off."""
        return [
            row.message_id
            for row in self.attempts
            if any(
                self._leased_at(row) in span
                for span in self.watch.off.get(row.practice_id, [])
            )
        ]

    def unapproved(self) -> list[int]:
        """Texts that the carrier took, and that nobody approved in those very words."""
        found = [
            m.id
            for m in self.messages.values()
            if self.taken[m.id]
            and (m.approved_at is None or m.approved_hash != m.content_hash)
        ]
        for text in self.accepted:
            message = self.messages[self.message_of[text["token"]]]
            pattern = re.escape(message.body).replace(re.escape(LINK_MARK), r"\S+")
            to = self.phones[message.phone_id].e164
            if not re.fullmatch(pattern, text["body"]) or text["to"] != to:
                found.append(message.id)
        return found

    def untrue(self) -> list[int]:
        """Texts whose state is not what the carrier knows of them."""
        last_word = {text["sid"]: text["status"] for text in self.accepted}
        found = []
        for message in self.messages.values():
            state, sid = message.state, message.sid
            if message.purpose == "inbound":
                continue
            words = {state, last_word.get(sid)}
            if (message.id in self.taken and state not in AT_THE_CARRIER) or (
                len(words) > 1 and words & LAST_WORDS
            ):
                found.append(message.id)
        return found

    def inbound(self) -> list[str]:
        """Texts of patients that are not stored exactly once."""
        stored = Counter(
            m.sid for m in self.messages.values() if m.purpose == "inbound"
        )
        written = [text["sid"] for text in self.record["inbound"]]
        return [sid for sid in {*written, *stored} if stored[sid] != written.count(sid)]

    def stops(self) -> list[str]:
        """Phones that said STOP last, and that are not suppressed."""
        in_force = set(self._rows(SmsSuppression.phone_id, lifted_at=None))
        said: dict[tuple[str, str], Intent] = {}
        for text in self.record["inbound"]:
            intent = keywords.classify(text["body"])
            if intent in {Intent.OPT_OUT, Intent.OPT_IN}:
                said[text["to"], text["from"]] = intent
        return [
            f"phone {phone.id}"
            for phone in self.phones.values()
            if said.get((self.number_of[phone.practice_id], phone.e164))
            is Intent.OPT_OUT
            and phone.id not in in_force
        ]

    def rewritten(self) -> list[str]:
        """The ledger and the audit log, if the database lets them be changed."""
        found = []
        for table in (SmsConsent, SmsAudit):
            with self.stage.world.session() as session:
                try:
                    session.execute(sa.update(table).values(id=table.id))
                    found.append(table.__tablename__)
                except sa.exc.DBAPIError:
                    pass
                finally:
                    session.rollback()
        return found

    def history(self, message_id: int) -> list[str]:
        """All that is known of a text, without words and numbers of patients."""
        if message_id not in self.messages:
            return [f"text {message_id}: no such row"]
        m = self.messages[message_id]
        lines = [
            f"text {m.id}: {m.purpose} {m.state} reason={m.reason} hold={m.hold}",
            f"  due={m.due_at} approved={m.approved_at} submitted={m.submitted_at}",
            f"  changed={m.changed_at} tries={m.tries} zones={m.zones}",
        ]
        lines += [
            f"  attempt {a.id}: {a.verdict} code={a.code} http={a.http_status} "
            f"{a.detail!r} started={a.started_at} ended={a.ended_at} "
            f"leased={self._leased_at(a):.3f} "
            f"taken={sum(t['token'] == a.token for t in self.accepted)}"
            for a in self.attempts
            if a.message_id == m.id
        ]
        lines += [
            f"  carrier: {t['status']} {t['history']}"
            for t in self.accepted
            if self.message_of[t["token"]] == m.id
        ]
        lines += [
            f"  suppressed from {span.begins:.3f} to {span.ends:.3f}"
            for span in self.suppressed[m.phone_id]
        ]
        return lines

    @cached_property
    def messages(self) -> dict[int, SmsMessage]:
        """Every message by its id."""
        return {row.id: row for row in self.stage.world.rows(SmsMessage)}

    @cached_property
    def attempts(self) -> list[SmsAttempt]:
        """Every attempt in order."""
        return self.stage.world.rows(SmsAttempt)

    @cached_property
    def phones(self) -> dict[int, SmsPhone]:
        """Every phone by its id."""
        return {row.id: row for row in self.stage.world.rows(SmsPhone)}

    @cached_property
    def number_of(self) -> dict[int, str]:
        """The number that each practice texts from."""
        return {row.practice_id: row.e164 for row in self.stage.world.rows(SmsNumber)}

    @cached_property
    def message_of(self) -> dict[str, int]:
        """Message ids by their attempts' tokens."""
        return {row.token: row.message_id for row in self.attempts}

    @cached_property
    def accepted(self) -> list[dict[str, Any]]:
        """What the carrier took, each with the token of its attempt."""
        return [
            {**text, "token": text["status_callback"].rsplit("/", 1)[1]}
            for text in self.record["accepted"]
        ]

    @cached_property
    def taken(self) -> Counter[int]:
        """How often the carrier took each text."""
        return Counter(self.message_of[text["token"]] for text in self.accepted)

    @cached_property
    def suppressed(self) -> dict[int | None, list[Any]]:
        """When each phone was surely suppressed."""
        spans = defaultdict(list)
        for phone_id, span in self.watch.suppressed.values():
            spans[phone_id].append(span)
        return spans

    @cached_property
    def ref_of(self) -> dict[int, str]:
        """The host's name of each practice."""
        return {r.id: r.practice_ref for r in self.stage.world.rows(SmsPractice)}

    def _accepted_after_stops(self) -> list[int]:
        """Texts of which two or more came after one STOP whose webhook was answered."""
        answered = {
            row["sid"]: row["texts"]
            for row in reversed(self.record["callbacks"])
            if row["kind"] != "status" and row["answer"] == 200
        }
        sent = defaultdict(list)
        for text in self.accepted:
            sent[text["from"], text["to"]].append(text)
        starts = defaultdict(list)
        for text in self.record["inbound"]:
            if keywords.classify(text["body"]) is Intent.OPT_IN:
                starts[text["to"], text["from"]].append(text["serial"])
        found = []
        for stop in self.record["inbound"]:
            pair = stop["to"], stop["from"]
            if keywords.classify(stop["body"]) is not Intent.OPT_OUT:
                continue
            begins = answered.get(stop["sid"], float("inf"))
            ends = min((s for s in starts[pair] if s > stop["serial"]), default=1e12)
            after = [t for t in sent[pair] if begins <= t["serial"] < ends]
            found += [self.message_of[text["token"]] for text in after[1:]]
        return found

    def _zones(self, message: SmsMessage) -> tuple[str, ...]:
        """Where the patient may be, by what the town knows of them."""
        ref = self.ref_of[message.practice_id]
        patient = self.stage.world.portal.all_patients[ref][message.patient_ref]
        return schedule.zones_for(
            known=patient.timezone,
            state=patient.state,
            phone_zones=phones.zones(self.phones[message.phone_id].e164),
            fallback=next(
                place.practice.timezone for place in PLACES if place.practice.id == ref
            ),
        )

    def _is_waiting(self, message: SmsMessage) -> bool:
        return message.state == "review" or (
            message.state == "approved"
            and message.due_at is not None
            and message.due_at > self.stage.clock()
        )

    def _leased_at(self, attempt: SmsAttempt) -> float:
        return attempt.lease_until.timestamp() - LEASE

    def _rows(self, wanted: Any, **where: Any) -> list[Any]:
        with self.stage.world.session() as session:
            return list(session.scalars(sa.select(wanted).filter_by(**where)))
