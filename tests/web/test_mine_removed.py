"""A patient decides about a phone at the moment when staff remove it."""

from __future__ import annotations

import threading

import pytest

from sms_plugin.models import SmsConsent, SmsPatientPhone, SmsSuppression
from sms_plugin.port import SignedInPatient
from sms_plugin.services import own_phones, patient_phones
from sms_plugin.services.patient_phones import Deed
from tests.support.world import STAFF
from tests.web import pages

HERE = "/my-preferences"


@pytest.fixture
def ann(world):
    """Ann is signed in, with a phone that she agreed to."""
    world.enable()
    world.patient("ann", first="Ann", last="Archer")
    world.portal.signed = [SignedInPatient("acme", "ann")]
    return world.app.test_client()


@pytest.fixture
def removed_meanwhile(world, monkeypatch):
    """Staff remove the phone after the patient's request has found it."""

    def remove():
        with world.session() as session:
            [row] = session.query(SmsPatientPhone)
            deed = Deed(world.plugin.vault, STAFF, world.clock())
            patient_phones.remove(session, row, deed)

    def first(real):
        def run(session, *rest):
            monkeypatch.undo()
            staff = threading.Thread(target=remove)
            staff.start()
            staff.join()
            return real(session, *rest)

        return run

    for name in ("begin_write", "lock_row"):
        monkeypatch.setattr(own_phones, name, first(getattr(own_phones, name)))


def send(world, client, deed, **more):
    [row] = world.rows(SmsPatientPhone)
    data = {"practice": "acme", "patient": "ann", "back": HERE, "deed": deed}
    data["row"] = row.id
    answer = client.post("/sms/mine", data=data | more)
    assert answer.status_code == 303
    return pages.words(client.get(HERE))


@pytest.mark.parametrize(
    ("deed", "more"), [("agree", {"agreed": "yes"}), ("rename", {"label": "mobile"})]
)
def test_who_agrees_or_renames_is_told_in_words(
    world, ann, removed_meanwhile, deed, more
):
    page = send(world, ann, deed, **more)

    assert "The phone was removed a moment ago. Nothing was changed." in page
    assert world.rows(SmsPatientPhone) == []
    assert world.rows(SmsConsent)[-1].event == "revoked"


def test_a_stop_is_in_force_all_the_same(world, ann, removed_meanwhile):
    page = send(world, ann, "stop")

    assert "All texts to this phone are stopped." in page
    assert [row.source for row in world.rows(SmsSuppression)] == ["portal"]
