"""How a first version usually sends: RQ, one job a text, the official SDK."""

from __future__ import annotations

import os
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from benchmarks.texts import BODY
from tests.support.host import ACCOUNT, TOKEN

TABLE = sa.Table(
    "naive_message",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("state", sa.String(10)),
    sa.Column("sid", sa.String(40)),
)


class Here(TwilioHttpClient):
    """The SDK's own client, pointed at the stub."""

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """Send to the stub in place of the service."""
        url = url.replace("https://api.twilio.com", os.environ["NAIVE_URL"])
        return super().request(method, url, *args, **kwargs)


def prepare(database: Any, url: str, count: int) -> None:
    """Make the rows that the jobs send."""
    os.environ["NAIVE_DATABASE"] = (
        database
        if isinstance(database, str)
        else database.render_as_string(hide_password=False)
    )
    os.environ["NAIVE_URL"] = url
    engine = sa.create_engine(os.environ["NAIVE_DATABASE"])
    TABLE.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(TABLE.delete())
        rows = [{"id": row, "state": "queued"} for row in range(1, count + 1)]
        connection.execute(TABLE.insert(), rows)
    engine.dispose()


def send(row: int) -> None:
    """Send one text and store its id."""
    engine = sa.create_engine(os.environ["NAIVE_DATABASE"])
    client = Client(ACCOUNT, TOKEN, http_client=Here(timeout=10))
    message = client.messages.create(
        to=BODY["To"],
        from_=BODY["From"],
        body=BODY["Body"],
        status_callback=BODY["StatusCallback"],
    )
    with Session(engine) as session:
        session.execute(
            TABLE.update()
            .where(TABLE.c.id == row)
            .values(state="sent", sid=message.sid)
        )
        session.commit()
    engine.dispose()
