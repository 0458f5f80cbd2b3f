"""Two who meet on a phone or a code, and what waits when a phone or a patient goes."""

from __future__ import annotations

import sqlalchemy as sa

import sms_plugin
from sms_plugin.errors import SmsError
from sms_plugin.models import (
    SmsCode,
    SmsConsent,
    SmsImport,
    SmsMessage,
    SmsPatientPhone,
    SmsPhone,
)
from sms_plugin.services import (
    consents,
    patient_phones,
    phone_adding,
    practices,
    verification,
)
from sms_plugin.services.patient_phones import Deed, Wish
from tests.support.parallel import at_once, failures
from tests.support.world import STAFF

OTHER = "+12125550177"


def deed(world):
    return Deed(world.plugin.vault, STAFF, world.clock())


def owned(session, patient="p1"):
    return session.scalars(
        sa.select(SmsPatientPhone).filter_by(patient_ref=patient)
    ).one()


def send_code(world, patient="p1"):
    with world.session() as session:
        row = owned(session, patient)
        return verification.send_code(
            session,
            practices.by_ref(session, "acme"),
            row.phone,
            patient_ref=patient,
            settings=world.plugin.settings,
            vault=world.plugin.vault,
            actor=STAFF,
            now=world.clock(),
        ).id


def type_code(world, typed="000000"):
    with world.session() as session:
        phone = owned(session).phone
        return verification.check_code(
            session,
            phone.practice_id,
            phone,
            typed,
            vault=world.plugin.vault,
            now=world.clock(),
        )


def remove(world):
    with world.session() as session:
        return patient_phones.remove(session, owned(session), deed(world))


def unexpected(results):
    """Failures that say nothing to whoever clicked."""
    return [one for one in failures(results) if not isinstance(one, SmsError)]


def test_a_code_that_waited_too_long_is_never_sent(world, clock):
    world.enable()
    world.patient("p1", consent=False)
    send_code(world)
    clock.move(minutes=10)

    world.drain()

    [text] = world.messages(purpose="code")
    assert (text.state, text.reason) == ("withdrawn", "code_expired")
    assert world.gateway().sent == []


def test_a_code_is_given_up_by_the_gateway_when_it_ends(world, clock):
    world.enable()
    world.patient("p1", consent=False)
    send_code(world)
    clock.move(minutes=4)

    world.drain()

    assert world.gateway().sent[-1].validity_seconds == 6 * 60


def test_of_two_codes_that_wait_the_newer_alone_is_sent(world, clock):
    world.enable()
    world.patient("p1", consent=False)
    send_code(world)
    clock.move(minutes=1)
    send_code(world)

    world.drain()

    assert [row.state for row in world.messages(purpose="code")] == [
        "withdrawn",
        "accepted",
    ]


def test_typing_a_code_while_another_is_sent_ends_well(world, clock):
    world.enable()
    world.patient("p1", consent=False)
    send_code(world)
    clock.move(minutes=1)

    results = at_once(
        lambda: type_code(world),
        lambda: send_code(world),
        lambda: type_code(world),
    )

    assert unexpected(results) == []
    assert len(world.rows(SmsCode)) == 2


def test_patients_at_once_get_no_more_codes_than_the_practice_may_send(world):
    world.enable()
    most = verification.PER_PRACTICE
    for number in range(most + 2):
        world.patient(f"p{number}", consent=False)
    for number in range(most - 1):
        send_code(world, f"p{number}")

    at_once(*[lambda n=n: send_code(world, f"p{n}") for n in range(most - 1, most + 2)])

    assert len(world.rows(SmsCode)) == most


def test_removing_a_phone_withdraws_what_waits_for_it(world):
    world.enable()
    phone = world.patient("p1")
    world.patient("p2", phone=phone)
    for patient in ("p1", "p2"):
        world.job_for(patient, f"{patient}-bill")
    world.reply("p1", "Please call us.")

    remove(world)

    states = {
        (row.patient_ref, row.purpose): (row.state, row.reason)
        for row in world.messages()
    }
    assert states == {
        ("p1", "job"): ("withdrawn", "phone_changed"),
        ("p1", "reply"): ("withdrawn", "phone_changed"),
        ("p2", "job"): ("pending", None),
    }
    world.drain()
    assert world.gateway().sent == []


def test_of_two_who_remove_a_phone_one_is_told_and_the_ledger_says_it_once(world):
    world.enable()
    world.patient("p1")

    results = at_once(lambda: remove(world), lambda: remove(world))

    assert len(failures(results)) == 1
    events = [row.event for row in world.rows(SmsConsent)]
    assert events == ["granted", "revoked"]


def test_of_two_who_add_the_same_phone_at_once_nobody_fails(world):
    world.enable()
    world.portal.add_patient("p1")
    patient = world.portal.all_patients["acme"]["p1"]

    def add():
        with world.session() as session:
            practice = practices.by_ref(session, "acme")
            patient_phones.add(session, practice, patient, Wish(OTHER), deed(world))

    assert unexpected(at_once(add, add, add)) == []
    assert len(world.rows(SmsPatientPhone)) == len(world.rows(SmsPhone)) == 1


def test_two_imports_of_the_same_phones_at_once_add_each_once(world):
    practice_id = world.enable()
    rows = (
        '[{"place": "%d", "patient": "p%d", "name": "", "e164": "+121255501%02d", '
        '"label": "", "source": "", "date": ""}]'
    )
    with world.session() as session:
        for _ in range(2):
            session.add(
                SmsImport(
                    practice_id=practice_id,
                    origin="file",
                    rows=rows % (1, 1, 77),
                    created_at=world.clock(),
                )
            )
    ids = [row.id for row in world.rows(SmsImport)]

    def add(import_id):
        with world.session() as session:
            phone_adding.add_batch(
                session,
                practice_id,
                import_id,
                attested=False,
                vault=world.plugin.vault,
                actor=STAFF,
                now=world.clock(),
            )

    results = at_once(*[lambda key=key: add(key) for key in ids])

    assert failures(results) == []
    assert len(world.rows(SmsPhone)) == len(world.rows(SmsPatientPhone)) == 1


def test_what_waits_for_the_phone_of_a_forgotten_patient_is_withdrawn(world):
    world.enable()
    world.patient("p1")
    text_id = world.reply("p1", "Please call us.")
    # A conversation may be about nobody in particular.
    world.alter(SmsMessage, {"patient_ref": ""}, id=text_id)

    with world.app.test_request_context():
        sms_plugin.forget_patient("acme", "p1")

    [text] = world.messages(id=text_id)
    assert text.state == "withdrawn"


def test_a_stop_ends_every_kind_of_text_that_waits(world):
    world.enable()
    world.patient("p1")
    send_code(world)
    world.reply("p1", "Please call us.")
    with world.session() as session:
        phone = consents.lock_phone(session, owned(session).phone_id)
        consents.suppress(
            session,
            phone,
            source="keyword",
            vault=world.plugin.vault,
            now=world.clock(),
        )

    world.drain()

    assert {row.state for row in world.messages()} == {"withdrawn"}
    assert world.gateway().sent == []
