"""What tests of pages share: reading them, and texts that patients send."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup

from sms_plugin.models import SmsAccount, SmsConversation, SmsPhone
from sms_plugin.services import receiving

# Most pages do not care which database is below them; what leans on it runs on both.
on_both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
NONCE = "a-nonce-of-this-page"
OUR_NUMBER = "+12125550100"
# Markup, a formula, overrides of the direction, piled marks: as patients may send them.
ODD_BODIES = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=HYPERLINK(1)",
    "abc\u202edef\u202c",
    "z\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308algo",
    "\U0001f600" * 1600,
    "{{ 7 * 7 }}",
    "x" * 4000,
)
_sids = itertools.count(1)


def soup(answer):
    """The page of an answer."""
    return BeautifulSoup(answer.text, "html.parser")


def words(node):
    """The words of a node, with single spaces."""
    return " ".join(node.get_text(" ").split())


def text_in(world, phone, body, *, number=OUR_NUMBER):
    """A patient texts the practice; gives the id of the conversation."""
    with world.session() as session:
        account_id = session.scalars(sa.select(SmsAccount.id)).one()
        assert receiving.take_text(
            session,
            account_id,
            sid=f"SMa{next(_sids):031x}",
            sender=phone,
            recipient=number,
            body=body,
            settings=world.plugin.settings,
            vault=world.plugin.vault,
            now=world.clock(),
        )
        return session.scalars(
            sa.select(SmsConversation.id)
            .join(SmsPhone, SmsPhone.id == SmsConversation.phone_id)
            .where(SmsPhone.e164 == phone)
            .order_by(SmsConversation.id.desc())
        ).first()


def conversation(world, row_id):
    """A conversation as it stands, detached."""
    with world.session() as session:
        row = session.get(SmsConversation, row_id)
        session.expunge_all()
        return row


def at_once(*calls):
    """What the calls give when they run at the same time."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


@contextmanager
def counted_queries(app):
    """The statements that the application runs meanwhile."""
    found = []
    with app.app_context():
        engine = app.appbuilder.session.get_bind()

    def note(_connection, _cursor, statement, *_):
        found.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


class Talk:
    """One conversation in a browser."""

    def __init__(self, world, client):
        self.world, self.client = world, client
        self.phone = world.patient("ann", first="Ann", last="Example")
        self.id = text_in(world, self.phone, "Can I pay in two parts?")
        self.url = f"/sms/inbox/{self.id}"

    def page(self, url=None):
        return soup(self.client.get(url or self.url))

    def reply(self, body, **form):
        form = {"nonce": NONCE} | form
        return self.client.post(f"{self.url}/reply", data={"body": body} | form)

    def updates(self, pulse="", **query):
        """What an open page is told; *pulse* is what it was told before."""
        query = {"conversation": self.id} | query
        headers = {"X-SMS-Pulse": pulse}
        return self.client.get(
            "/sms/inbox/updates", query_string=query, headers=headers
        )

    def replies(self):
        return self.world.messages(purpose="reply")


def names(page):
    """Whom the conversations of a page are with."""
    return [words(name) for name in page.select(".sms-conv-name")]


def bodies(page):
    """What the texts of a page say."""
    return [node.text for node in page.select("#sms-texts .sms-body")]
