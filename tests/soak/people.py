"""What people do in a soak: staff decide and write, patients answer, phones fail."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.errors import SmsError
from sms_plugin.models import (
    SmsConversation,
    SmsJob,
    SmsMessage,
    SmsPatientPhone,
    SmsPractice,
)
from sms_plugin.services import (
    approvals,
    intake,
    job_holds,
    job_life,
    practices,
    reconcile,
    resend,
    writing,
)
from tests.soak.town import PLACES
from tests.support.world import STAFF

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from tests.soak.stage import Stage
    from tests.soak.watch import Watch

STOPS = ("STOP", "stop", "Unsubscribe", "please stop texting me", "Stop please.")
WORDS = ("Thanks!", "Who is this?", "I will pay on Friday.", "¿Cuánto debo?", "HELP")
CONDITIONS = ("landline", "unreachable", "filtered", "silent", "slow")
# With so many texts due to go out nobody approves more, and with so many to approve
# nobody hands a job over, which would put those before it out of date.
BUSY, PLENTY = 120, 60


class People:
    """Acts of people by lot; ``did`` counts them, ``wrote`` holds staff's replies."""

    def __init__(self, stage: Stage, watch: Watch) -> None:
        self._stage, self._rng, self._world = stage, stage.rng, stage.world
        self._watch = watch
        self.did: Counter[str] = Counter()
        self.wrote: set[int] = set()
        self.stopped: set[tuple[str, str]] = set()
        self._acts: tuple[tuple[str, Callable[[], object], float], ...] = (
            ("job handed over", self.hand_over, 3),
            ("decision at the desk", self.decide, 8),
            ("change after the approval", self.change_mind, 1.5),
            ("reply of staff", self.reply, 8),
            ("text of a patient", self.write, 5),
            ("STOP of a patient", self.stop, 1.2),
            ("START of a patient", self.start, 0.6),
            ("phone with a condition", self.condition, 0.6),
            ("bill paid", self.pay, 1),
            ("practice switched off", self.switch_off, 0.3),
            ("practice switched on", self.switch_on, 0.8),
            ("practice resumed", self.resume, 0.8),
            ("decision about an unknown outcome", self.settle_one, 1.5),
        )

    def act(self) -> None:
        """Somebody does something; what the plugin refuses is no error."""
        what, act, _ = self._rng.choices(
            self._acts, [weight for *_, weight in self._acts]
        )[0]
        try:
            act()
        except SmsError:
            self.did["refused in words"] += 1
        except sa.exc.DBAPIError:
            # A deadlock's victim; in a browser this is an error page, and one tries
            # again.
            self.did["error pages"] += 1
        else:
            self.did[what] += 1

    def hand_over(self) -> None:
        """The host hands a job over, once or twice."""
        left = [ref for ref, jobs in self._stage.jobs.items() if jobs]
        with self._world.session() as session:
            if not left or self._count(session, "pending") > PLENTY:
                return
        ref = self._rng.choice(left)
        name = self._stage.jobs[ref].pop()
        for _ in range(self._rng.choice((1, 1, 2))):
            with self._world.session() as session:
                job = intake.submit(
                    session, ref, name, port=self._world.portal, now=self._now()
                )
                job_id = job.id if job is not None else None
                if job is not None and job_holds.is_held(job):
                    job_life.release(session, job, actor=STAFF, now=self._now())
            if job_id is None:
                self._stage.jobs[ref].insert(0, name)
                return
            self._world.plugin.prepare(job_id)

    def decide(self) -> None:
        """Staff look at texts of a job and approve, change or reject them."""
        with self._world.session() as session:
            if self._count(session, "approved", due_by=self._now()) > BUSY:
                return
            job_id = self._rng.choice(
                session.scalars(
                    sa.select(SmsMessage.job_id)
                    .where(SmsMessage.state == "pending")
                    .distinct()
                    .order_by(SmsMessage.job_id)
                    .limit(5)
                ).all()
                or [None]
            )
            if job_id is None:
                return
            job = session.get(SmsJob, job_id)
            self._at_the_desk(session, job)
        self._world.plugin.wake()

    def change_mind(self) -> None:
        """Staff change a text that is approved, which must be approved anew then."""
        with self._world.session() as session:
            message = session.scalars(
                sa.select(SmsMessage)
                .where(SmsMessage.state == "approved", SmsMessage.purpose == "job")
                .order_by(SmsMessage.id.desc())
                .limit(1)
            ).first()
            if message is not None:
                self._edit(session, message)

    def reply(self) -> None:
        """Staff write to a patient; a double click is one text."""
        with self._world.session() as session:
            practice = self._a_practice(session)
            owned = self._rng.choice(
                session.scalars(
                    sa.select(SmsPatientPhone.id)
                    .where(SmsPatientPhone.practice_id == practice.id)
                    .order_by(SmsPatientPhone.id)
                ).all()
            )
            row = writing.start(session, practice, owned, now=self._now())
            session.commit()
            nonce = f"{self._rng.getrandbits(64):016x}"
            for _ in range(self._rng.choice((1, 1, 1, 2))):
                text = self._reply(session, practice, row, nonce)
                session.commit()
                self.wrote.add(text)
        self._world.plugin.wake()

    def write(self) -> None:
        """A patient writes."""
        self._text_in(*self._a_phone(), self._rng.choice(WORDS))

    def stop(self) -> None:
        """A patient wants no more texts, in a keyword or in words of their own."""
        phone = self._a_phone()
        self.stopped.add(phone)
        self._text_in(*phone, self._rng.choice(STOPS))

    def start(self) -> None:
        """A patient who said stop wants texts again."""
        if self.stopped:
            self._text_in(*self._rng.choice(sorted(self.stopped)), "START")

    def condition(self) -> None:
        """A phone is switched off, found to be a landline, or works again."""
        phone, _ = self._a_phone()
        told = self._rng.choice((*CONDITIONS, "normal", "normal"))
        self._stage.carrier.post(
            "/simulator/conditions", {"number": phone, "condition": told}
        )

    def pay(self) -> None:
        """A patient pays a bill that may be waiting to be texted about."""
        portal = self._world.portal
        ref = self._rng.choice(sorted(portal.all_bills))
        portal.pay(self._rng.choice(sorted(portal.all_bills[ref])))

    def switch_off(self) -> None:
        """A practice admin switches texting off."""
        with self._world.session() as session:
            practice = self._a_practice(session)
            practice_id, was_on = practice.id, practice.enabled
            practices.disable(session, practice, actor=STAFF, now=self._now())
        if was_on:
            self._watch.switched_off(practice_id)

    def switch_on(self) -> None:
        """Practices that are off are switched on again."""
        with self._world.session() as session:
            for practice in session.scalars(
                sa.select(SmsPractice).where(~SmsPractice.enabled, SmsPractice.allowed)
            ):
                self._watch.switching_on(practice.id)
                practices.enable(
                    session,
                    practice,
                    accept_prices=True,
                    settings=self._world.plugin.settings,
                    actor=STAFF,
                    now=self._now(),
                )
        self._world.plugin.wake()

    def resume(self) -> None:
        """Staff let a practice send again that an error had stopped."""
        with self._world.session() as session:
            for practice in session.scalars(
                sa.select(SmsPractice).where(SmsPractice.stopped.is_not(None))
            ):
                practices.resume(session, practice, actor=STAFF, now=self._now())
        self._world.plugin.wake()

    def settle_one(self) -> None:
        """A person decides about a text whose outcome nobody could learn."""
        with self._world.session() as session:
            message_id = session.scalars(
                sa.select(SmsMessage.id)
                .where(SmsMessage.state == "review")
                .order_by(SmsMessage.id)
                .limit(1)
            ).first()
        if message_id is None:
            return
        if self._rng.random() < 0.5:
            self._stage.crew.errand(lambda: self._send_again(message_id))
            return
        with self._world.session() as session:
            message = session.get(SmsMessage, message_id)
            reconcile.decide(
                session,
                message.practice,
                message_id,
                send_again=False,
                actor=STAFF,
                now=self._now(),
            )

    def _send_again(self, message_id: int) -> None:
        plugin = self._world.plugin
        with self._world.session() as session:
            resend.after_looking(
                session,
                session.get(SmsMessage, message_id).practice,
                message_id,
                gateway_for=plugin.gateway_for,
                vault=plugin.vault,
                settings=plugin.settings,
                actor=STAFF,
                now=self._now(),
            )
        plugin.wake()

    def _at_the_desk(self, session: Session, job: SmsJob) -> None:
        pending = session.scalars(
            sa.select(SmsMessage.id)
            .where(SmsMessage.job_id == job.id, SmsMessage.state == "pending")
            .order_by(SmsMessage.id)
        ).all()
        if not pending:
            return
        chosen = self._rng.sample(pending, self._rng.randint(1, len(pending)))
        common = {"actor": STAFF, "now": self._now()}
        if self._rng.random() < 0.15:
            approvals.reject(
                session,
                job.practice,
                job,
                approvals.Chosen(ids=chosen),
                why="timing",
                **common,
            )
            return
        if self._rng.random() < 0.3:
            self._edit(session, session.get(SmsMessage, chosen[0]))
        whole = self._rng.random() < 0.5
        approvals.approve(
            session,
            job.practice,
            job,
            approvals.Chosen(everything=True)
            if whole
            else approvals.Chosen(ids=chosen),
            settings=self._world.plugin.settings,
            **common,
        )

    def _edit(self, session: Session, message: SmsMessage) -> None:
        approvals.edit(
            session,
            message.practice,
            message.id,
            f"{message.body} Thank you.",
            seen=message.content_hash,
            settings=self._world.plugin.settings,
            actor=STAFF,
            now=self._now(),
        )

    def _reply(
        self, session: Session, practice: SmsPractice, row: SmsConversation, nonce: str
    ) -> int:
        return writing.reply(
            session,
            practice,
            row,
            f"Your question {nonce} is answered.",
            nonce=nonce,
            settings=self._world.plugin.settings,
            actor=STAFF,
            now=self._now(),
        ).id

    def _text_in(self, phone: str, number: str, body: str) -> None:
        self._stage.carrier.post(
            "/simulator/texts", {"from": phone, "to": number, "body": body}
        )

    def _a_phone(self) -> tuple[str, str]:
        """A patient's phone and the number of the practice."""
        place = self._rng.choice(PLACES)
        return self._rng.choice(self._stage.phones[place.practice.id]), place.number

    def _a_practice(self, session: Session) -> SmsPractice:
        ref = self._rng.choice(PLACES).practice.id
        practice = practices.by_ref(session, ref)
        assert practice is not None
        return practice

    def _now(self) -> datetime:
        return self._stage.clock()

    def _count(
        self, session: Session, state: str, *, due_by: datetime | None = None
    ) -> int:
        query = sa.select(sa.func.count()).where(SmsMessage.state == state)
        if due_by is not None:
            query = query.where(SmsMessage.due_at <= due_by)
        return session.scalar(query) or 0
