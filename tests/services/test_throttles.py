"""What may be done only so often is counted where all processes see it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sms_plugin.errors import LimitError
from sms_plugin.models import SmsCounter
from sms_plugin.services import throttles
from tests.support.parallel import at_once

MINUTE = timedelta(minutes=1)


def take(world, name="search:1", most=2):
    with world.session() as session:
        throttles.take(
            session,
            name,
            most=most,
            span=MINUTE,
            refusal="Wait a minute.",
            now=world.clock(),
        )


def test_it_is_refused_until_the_span_is_over(world, clock):
    take(world)
    clock.move(seconds=30)
    take(world)
    with pytest.raises(LimitError, match="Wait a minute"):
        take(world)

    clock.move(seconds=30)
    take(world)
    take(world)
    with pytest.raises(LimitError):
        take(world)


def test_each_is_counted_for_itself(world):
    take(world, "search:1", most=1)
    take(world, "search:2", most=1)

    assert [row.count for row in world.rows(SmsCounter)] == [1, 1]


def test_of_many_at_once_only_as_many_go_through(world):
    results = at_once(*[lambda: take(world, most=2)] * 4)

    assert sum(isinstance(result, LimitError) for result in results) == 2
    assert results.count(None) == 2
