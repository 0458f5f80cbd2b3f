"""The alarm that wakes the workers when a pause is over."""

from __future__ import annotations

import threading

from sms_plugin.worker.alarm import Alarm


def test_it_rings_once_when_its_time_has_come():
    rung = threading.Event()

    Alarm(rung.set).set(0)

    assert rung.wait(20)


def test_who_sets_it_again_changes_its_mind():
    rung = threading.Event()
    alarm = Alarm(rung.set)
    alarm.set(3600)
    first = alarm._timer

    alarm.set(0)

    assert rung.wait(20)
    first.join(20)
    assert not first.is_alive()


def test_one_that_was_cleared_does_not_ring():
    rung = threading.Event()
    alarm = Alarm(rung.set)
    alarm.set(3600)
    timer = alarm._timer

    alarm.clear()
    alarm.clear()

    timer.join(20)
    assert not timer.is_alive()
    assert not rung.is_set()
