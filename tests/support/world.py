"""Factories: a practice that may text, patients who agreed, a job that is ready."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sms_plugin.gateways.base import NumberOffer
from sms_plugin.models import (
    SmsAccount,
    SmsAttempt,
    SmsJob,
    SmsMessage,
    SmsNumber,
    SmsPatientPhone,
    SmsPractice,
)
from sms_plugin.services import approvals, intake, practices, preferences, writing
from sms_plugin.services.actors import Actor
from sms_plugin.worker import tasks
from tests.support import host
from tests.support.portal import PORTAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from flask import Flask
    from sqlalchemy.orm import Session
    from werkzeug.test import TestResponse

    from sms_plugin.extension import SmsPlugin
    from sms_plugin.gateways.memory import MemoryGateway

STAFF = Actor(1, "Ada Admin", "192.0.2.1")
NUMBER = "+12125550100"


class World:
    """One application and what tests put into it."""

    def __init__(self, app: Flask, clock: Callable[[], datetime]) -> None:
        self.app, self.clock, self.portal = app, clock, PORTAL
        self._phones, self._texts = 100, 0

    @property
    def plugin(self) -> SmsPlugin:
        """The plugin's tools."""
        return self.app.extensions["sms_plugin"]

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session of its own, committed at the end."""
        with self.app.app_context():
            session = self.app.appbuilder.session
            try:
                yield session
                session.commit()
            except BaseException:
                session.rollback()
                raise

    def let_go(self) -> None:
        """Close connections, which a fork must not share."""
        with self.app.app_context():
            session = self.app.appbuilder.session
            session.remove()
            session.get_bind().dispose()

    def gateway(self) -> MemoryGateway:
        """The gateway of the account that the configuration names."""
        with self.session() as session:
            account = session.scalars(
                sa.select(SmsAccount).filter_by(account_sid=host.ACCOUNT)
            ).one()
            return self.plugin.gateway_for(account)

    def enable(self, ref: str = "acme", number: str = NUMBER) -> int:
        """Let a practice text: allowed, switched on, with a verified number."""
        now = self.clock()
        with self.session() as session:
            practice = practices.by_ref(session, ref)
            practices.allow(session, practice, allowed=True, actor=STAFF, now=now)
            practices.enable(
                session,
                practice,
                accept_prices=True,
                settings=self.plugin.settings,
                actor=STAFF,
                now=now,
            )
            row = SmsNumber(
                practice_id=practice.id,
                account_id=practice.account_id,
                e164=number,
                sid="PN" + "0" * 32,
                state="owned",
                registration="verified",
                active=True,
                created_at=now,
            )
            session.add(row)
            session.flush()
            return practice.id

    def phone(self) -> str:
        """A fresh phone of the range for examples."""
        self._phones += 1
        assert self._phones < 200, "the range for examples is used up"
        return f"+12125550{self._phones}"

    def patient(
        self,
        patient_id: str,
        *,
        practice: str = "acme",
        phone: str | None = None,
        consent: bool = True,
        **more: Any,
    ) -> str:
        """A patient with a phone who agreed to texts; gives the phone."""
        phone = phone or self.phone()
        self.portal.add_patient(patient_id, practice=practice, phone=phone, **more)
        with self.session() as session:
            row = preferences.add_phone(
                session,
                practices.by_ref(session, practice),
                self.portal.all_patients[practice][patient_id],
                phone,
                now=self.clock(),
            )
            if consent:
                preferences.allow_delivery(
                    session,
                    row,
                    source="form",
                    wording="v1",
                    vault=self.plugin.vault,
                    actor=STAFF,
                    now=self.clock(),
                )
        return phone

    def job(
        self, count: int = 1, *, job_ref: str = "job-1", practice: str = "acme"
    ) -> int:
        """A prepared job with as many patients, each with a bill; gives its id."""
        rows = []
        for number in range(1, count + 1):
            patient = f"{job_ref}-p{number}"
            self.patient(patient, practice=practice)
            self.portal.add_bill(f"{patient}-b", patient, practice=practice)
            rows.append((patient, f"{patient}-b"))
        self.portal.add_job(job_ref, rows, practice=practice)
        return self.prepare(job_ref, practice=practice)

    def job_for(
        self,
        patient: str,
        bill: str = "b",
        *,
        practice: str = "acme",
    ) -> int:
        """A prepared job with one new bill of a known patient; gives its id."""
        self.portal.add_bill(bill, patient, practice=practice)
        self.portal.add_job(f"job-of-{bill}", [(patient, bill)], practice=practice)
        return self.prepare(f"job-of-{bill}", practice=practice)

    def submit(self, job_ref: str, *, practice: str = "acme") -> int:
        """Hand a job of the portal over; gives its id."""
        with self.session() as session:
            return intake.submit(
                session, practice, job_ref, port=self.portal, now=self.clock()
            ).id

    def prepare_batch(self, job_id: int, *, batch: int = 2) -> bool:
        """Prepare a few rows of a job; says whether there is more to do."""
        with self.session() as session:
            return intake.prepare(
                session,
                job_id,
                port=self.portal,
                settings=self.plugin.settings,
                now=self.clock(),
                batch=batch,
            )

    def prepare(self, job_ref: str, *, practice: str = "acme") -> int:
        """Hand a job of the portal over and prepare it."""
        job_id = self.submit(job_ref, practice=practice)
        with self.app.app_context():
            tasks.prepare(job_id)
        return job_id

    def approve(self, job_id: int, *ids: int) -> approvals.Approval:
        """Approve all texts of a job, or some."""
        with self.session() as session:
            job = session.get(SmsJob, job_id)
            practice = session.get(SmsPractice, job.practice_id)
            chosen = approvals.Chosen(ids=ids, everything=not ids)
            return approvals.approve(
                session,
                practice,
                job,
                chosen,
                settings=self.plugin.settings,
                actor=STAFF,
                now=self.clock(),
            )

    def drain(self) -> None:
        """Send what is due, in this process."""
        with self.app.app_context():
            tasks.drain()

    def messages(self, **where: Any) -> list[SmsMessage]:
        """Messages by the values of columns, in order of their ids, detached."""
        with self.session() as session:
            rows = session.scalars(
                sa.select(SmsMessage).filter_by(**where).order_by(SmsMessage.id)
            ).all()
            session.expunge_all()
            return list(rows)

    def rows(self, mapped: type[Any], **where: Any) -> list[Any]:
        """Rows of any table by the values of columns, by id, detached."""
        with self.session() as session:
            found = session.scalars(
                sa.select(mapped).filter_by(**where).order_by(mapped.id)
            ).all()
            session.expunge_all()
            return list(found)

    def alter(self, mapped: type[Any], values: dict[str, Any], **where: Any) -> int:
        """Change rows behind everybody's back; gives how many."""
        with self.session() as session:
            return session.execute(
                sa.update(mapped).filter_by(**where).values(**values)
            ).rowcount

    def sent_job(self, count: int = 1, **more: Any) -> list[SmsMessage]:
        """A job that was prepared, approved and sent; gives its texts."""
        job_id = self.job(count, **more)
        self.approve(job_id)
        self.drain()
        return self.messages(job_id=job_id)

    def reply(self, patient: str, body: str, *, nonce: str = "1") -> int:
        """Staff write to a patient in the inbox; gives the text's id."""
        with self.session() as session:
            owned = session.scalars(
                sa.select(SmsPatientPhone).filter_by(patient_ref=patient)
            ).one()
            practice = session.get(SmsPractice, owned.practice_id)
            now = self.clock()
            return writing.reply(
                session,
                practice,
                writing.start(session, practice, owned.id, now=now),
                body,
                nonce=nonce,
                patient_ref=patient,
                settings=self.plugin.settings,
                actor=STAFF,
                now=now,
            ).id

    def hook(self, path: str, params: dict[str, str], **headers: str) -> TestResponse:
        """Bring a webhook, signed as the gateway signs the configured address."""
        signature = self.gateway().sign(host.PUBLIC_URL + path, params)
        return self.app.test_client().post(
            path, data=params, headers={"X-Twilio-Signature": signature} | headers
        )

    def receive(
        self, sender: str, body: str, *, sid: str = "", to: str = NUMBER
    ) -> TestResponse:
        """A patient writes to a practice's number."""
        self._texts += 1
        params = {
            "AccountSid": host.ACCOUNT,
            "MessageSid": sid or f"MM{self._texts:032d}",
            "From": sender,
            "To": to,
            "Body": body,
        }
        return self.hook("/sms/hooks/inbound", params)

    def report(
        self, message: SmsMessage, word: str, *, sid: str = "", code: int | None = None
    ) -> TestResponse:
        """The gateway reports a status word of a text, to its last attempt."""
        params = {
            "AccountSid": host.ACCOUNT,
            "MessageSid": sid or message.sid or "SM" + "f" * 32,
            "MessageStatus": word,
        }
        if code is not None:
            params["ErrorCode"] = str(code)
        token = self.rows(SmsAttempt, message_id=message.id)[-1].token
        return self.hook(f"/sms/hooks/status/{token}", params)

    def offer(self, e164: str) -> NumberOffer:
        """A number for sale."""
        return NumberOffer(e164, "local", "New York", "NY", monthly_price_micros=1)
