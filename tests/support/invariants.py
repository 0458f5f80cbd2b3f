"""What must hold after every fault.

I1 nothing is lost, I2 nothing is doubled, I3 nothing goes to a phone after its STOP,
I4 what came in is stored once, I5 nothing of a patient is in logs or in Redis.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sms_plugin.models import SmsAttempt, SmsMessage, SmsSuppression, SmsTask

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import redis

    from tests.support.world import World

# Every patient of a stage is called so; their phones are all of the range for examples.
NAME, SURNAME = "Zyxwinda", "Quokkason"
CANARIES = re.compile(rf"{NAME}|{SURNAME}|\d{{3}}55501\d\d|55501\d\d\b", re.IGNORECASE)
FINAL = {"delivered", "undelivered", "failed", "unconfirmed", "expired", "withdrawn"}
# The gateway has a text in one of these for certain.
TAKEN = {"accepted", "sent", "delivered", "undelivered"}


def check(
    world: World,
    record: dict[str, Any],
    *,
    logs: Iterable[Path] = (),
    redis: redis.Redis | None = None,
) -> None:
    """See that all invariants hold, by the carrier's record."""
    nothing_is_lost(world, record)
    nothing_is_doubled(world, record)
    nothing_follows_a_stop(world, record)
    inbound_is_stored_once(world, record)
    nothing_of_a_patient_is_told(logs, redis)


def nothing_is_lost(world: World, record: dict[str, Any]) -> None:
    """I1: each approved text is final, at the carrier, due at a time, or in review."""
    taken = message_ids(world, record)
    asked = {
        task.message_id
        for task in world.rows(SmsTask, kind="unknown_outcome")
        if task.done_at is None
    }
    for text in world.messages():
        if text.purpose == "inbound" or text.approved_hash is None:
            continue
        where = f"text {text.id} is {text.state}"
        if text.state in TAKEN:
            assert text.id in taken, f"{where}, and the carrier never had it"
            assert text.sid in taken[text.id], f"{where}, by the id of another"
            continue
        assert text.id not in taken or text.state in FINAL, (
            f"{where}, and the carrier has it"
        )
        if text.state == "approved":
            assert text.due_at is not None, f"{where}, and due at no time"
        elif text.state == "review":
            assert text.id in asked, f"{where}, and nobody is asked"
        else:
            assert text.state in FINAL, where


def nothing_is_doubled(world: World, record: dict[str, Any]) -> None:
    """I2: the carrier accepted at most one request for each text."""
    taken = message_ids(world, record)
    assert {text for text, sids in taken.items() if len(sids) > 1} == set()


def nothing_follows_a_stop(world: World, record: dict[str, Any]) -> None:
    """I3: no text that was claimed after a phone's STOP was accepted."""
    accepted = {_token(text) for text in record["accepted"]}
    with world.session() as session:
        late = session.execute(
            sa.select(SmsAttempt.token, SmsAttempt.message_id)
            .join(SmsMessage, SmsMessage.id == SmsAttempt.message_id)
            .join(SmsSuppression, SmsSuppression.phone_id == SmsMessage.phone_id)
            .where(
                SmsAttempt.started_at > SmsSuppression.created_at,
                SmsSuppression.lifted_at.is_(None),
            )
        ).all()
    assert [message for token, message in late if token in accepted] == []


def inbound_is_stored_once(world: World, record: dict[str, Any]) -> None:
    """I4: each text that a patient wrote is stored once."""
    stored = Counter(text.sid for text in world.messages(purpose="inbound"))
    wrote = {text["sid"] for text in record["inbound"]}
    assert wrote - set(stored) == set()
    assert {sid for sid, count in stored.items() if count > 1} == set()


def nothing_of_a_patient_is_told(
    logs: Iterable[Path], redis: redis.Redis | None
) -> None:
    """I5: no name and no phone of a patient is in a log, in Redis, or in a URL."""
    for file in logs:
        told = [line for line in file.read_text().splitlines() if CANARIES.search(line)]
        assert told == [], f"{file.name} tells"
    if redis is not None:
        assert [value for value in in_redis(redis) if CANARIES.search(value)] == []
        redis.close()


def message_ids(world: World, record: dict[str, Any]) -> dict[int, list[str]]:
    """The carrier's ids of accepted requests, by the message they were for.

    A request is known by the token of its attempt, which its callback's address holds.
    """
    with world.session() as session:
        rows = session.execute(sa.select(SmsAttempt.token, SmsAttempt.message_id))
        by_token = {row[0]: row[1] for row in rows}
    found: dict[int, list[str]] = {}
    for text in record["accepted"]:
        found.setdefault(by_token[_token(text)], []).append(text["sid"])
    return found


def in_redis(connection: redis.Redis) -> list[str]:
    """Every key and value, compressed ones also in the open."""
    found: list[bytes] = []
    for key in connection.scan_iter():
        found.append(key)
        kind = connection.type(key).decode()
        values = {
            "string": lambda k: [connection.get(k)],
            "list": lambda k: connection.lrange(k, 0, -1),
            "set": connection.smembers,
            "zset": lambda k: connection.zrange(k, 0, -1),
            "hash": lambda k: [
                x for pair in connection.hgetall(k).items() for x in pair
            ],
            "stream": lambda k: [repr(connection.xrange(k)).encode()],
            # It went away meanwhile.
            "none": lambda _: [],
        }[kind](key)
        found.extend(value for value in values if value is not None)
    for value in list(found):
        try:
            found.append(zlib.decompress(value))
        except zlib.error:
            continue
    return [value.decode(errors="replace") for value in found]


def _token(text: dict[str, Any]) -> str:
    return str(text["status_callback"]).rsplit("/", 1)[1]
