"""Which way the databases take to a conversation, which decides at a million texts.

SQLite has no statistics: the way is the same with the few rows of a test. PostgreSQL
would read a small table as a whole, so it is kept from that.
"""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from sms_plugin.models import SmsConversation
from sms_plugin.services import inbox, pulse, searching
from tests.support.marks import on_postgresql, on_sqlite
from tests.web.reading import text_in


@pytest.fixture
def talks(world):
    """Two patients who wrote twice."""
    world.enable()
    for name in ("ann", "bob"):
        phone = world.patient(name, first=name.title())
        for words in ("Good morning", "Can I pay in two parts?"):
            text_in(world, phone, words)
    return world


def ways(world, read):
    """How the database reads what *read* asks of its session, in its own words."""
    asked = []

    def note(_connection, _cursor, statement, given, *_):
        if statement.startswith("SELECT"):
            asked.append((statement, given))

    with world.session() as session:
        engine = session.get_bind()
        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            read(session, session.scalars(sa.select(SmsConversation)).first())
        finally:
            sa.event.remove(engine, "before_cursor_execute", note)
        connection = session.connection()
        explain = "EXPLAIN QUERY PLAN "
        if engine.dialect.name == "postgresql":
            explain = "EXPLAIN "
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_sort = off")
        plans = (
            connection.exec_driver_sql(explain + one, given) for one, given in asked[1:]
        )
        return [" ".join(str(row[-1]) for row in plan) for plan in plans]


@on_sqlite
@pytest.mark.parametrize(
    "read",
    [
        inbox.thread,
        lambda session, row: inbox.thread(session, row, before=2),
        lambda session, row: pulse.read(
            session.connection(), row.practice_id, [row.id]
        ),
    ],
    ids=["thread", "older texts", "pulse"],
)
def test_texts_of_a_conversation_are_found_by_its_phone(talks, read):
    texts = [way for way in ways(talks, read) if "sms_message" in way]

    assert len(texts) == 1
    assert "ix_sms_message_phone_id_id" in texts[0]
    assert "TEMP B-TREE" not in texts[0]


def test_a_page_of_the_list_begins_at_its_place(talks):
    [way] = ways(
        talks,
        lambda session, row: inbox.conversations(
            session, row.practice_id, before=(row.last_at, row.id)
        ),
    )

    assert "ix_sms_conversation_practice_id_last_at_id" in way
    # In the way to the first row of the page, and not among what is left out then.
    reached = "practice_id=? AND last_at<?" in way
    assert reached or re.search(r"Index Cond: ((?!Filter).)*ROW\(last_at, id\) <", way)


@on_sqlite
def test_a_search_reads_what_was_found_and_no_more(talks):
    found = ways(talks, lambda session, row: searching.find(session, 1, "parts"))

    names, texts, rows = found[-3:]
    assert "sms_conversation USING INTEGER PRIMARY KEY" in names
    assert "sms_message USING INTEGER PRIMARY KEY" in texts
    assert "uq_sms_conversation" in rows or "autoindex_sms_conversation" in rows


@on_postgresql
def test_a_search_walks_back_what_people_wrote(talks):
    found = ways(talks, lambda session, row: searching.find(session, 1, "parts"))

    assert any("Backward using ix_sms_message_written" in way for way in found)
