from __future__ import annotations

import hashlib

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sms_plugin.models import SmsConsent, SmsPatientPhone, SmsPhone, SmsSuppression
from sms_plugin.services import agreements, consents, ledger
from tests.support.world import STAFF

SHARED = "+12125550150"
DEEDS = st.one_of(
    st.tuples(
        st.sampled_from(["grant", "revoke", "kind off", "kind on"]),
        st.sampled_from(["ann", "bob"]),
    ),
    st.tuples(
        st.sampled_from(["suppress", "lift"]),
        st.sampled_from(["keyword", "gateway", "link", "portal", "staff"]),
    ),
)


@pytest.fixture
def practice_id(world):
    """A practice with two patients on one phone."""
    made = world.enable()
    for patient in ("ann", "bob"):
        world.patient(patient, phone=SHARED, consent=False)
    return made


def do(world, session, what, whom):
    """One deed through the services."""
    vault, now = world.plugin.vault, world.clock()
    phone = consents.lock_phone(session, session.scalar(sa.select(SmsPhone.id)))
    if what in {"suppress", "lift"}:
        more = {"vault": vault, "actor": STAFF, "now": now}
        if what == "suppress":
            consents.suppress(session, phone, source=whom, **more)
        else:
            consents.lift(session, phone, sources=[whom], **more)
        return
    row = session.scalars(sa.select(SmsPatientPhone).filter_by(patient_ref=whom)).one()
    more = {"source": "form", "vault": vault, "actor": STAFF, "now": now}
    if what in {"grant", "revoke"}:
        consents.set_consent(session, row, granted=what == "grant", **more)
    else:
        event = "revoked" if what == "kind off" else "granted"
        consents.record(
            session, phone, event, patient_ref=whom, scope="reminder", **more
        )


def check(world, practice_id, **more):
    with world.session() as session:
        return ledger.check_derived(
            session, practice_id, vault=world.plugin.vault, **more
        )


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(deeds=st.lists(DEEDS, max_size=12))
def test_rows_and_ledger_say_the_same_after_any_story(world, practice_id, deeds):
    # Each story goes on from where the last one ended, which is a story as well.
    with world.session() as session:
        for what, whom in deeds:
            do(world, session, what, whom)

    assert check(world, practice_id) == ([], None)
    with world.session() as session:
        phone = session.scalars(sa.select(SmsPhone)).one()
        for row in session.scalars(sa.select(SmsPatientPhone)):
            state = ledger.state(
                session, practice_id, row.patient_ref, phone, world.plugin.vault
            )
            assert state.consent == row.consent
            held = consents.suppressed(session, [phone.id])
            assert bool(state.suppressed) == bool(held)


@pytest.mark.parametrize(
    ("mapped", "values"),
    [
        (SmsPatientPhone, {"consent": "none"}),
        (SmsSuppression, {"lifted_at": sa.func.current_timestamp()}),
    ],
)
def test_a_row_that_was_changed_behind_the_ledger_is_found(
    world, practice_id, mapped, values
):
    with world.session() as session:
        do(world, session, "grant", "ann")
        do(world, session, "suppress", "keyword")
        session.flush()
        session.execute(sa.update(mapped).values(**values))

    found, _ = check(world, practice_id)

    assert len(found) == 1
    assert (found[0].patient_phone_id is None) == (mapped is SmsSuppression)


def test_the_comparison_goes_on_from_batch_to_batch(world, practice_id):
    for number in range(3):
        world.patient(f"more-{number}")
    world.alter(SmsPatientPhone, {"consent": "none"})

    found, last = [], 0
    while last is not None:
        part, last = check(world, practice_id, after=last, limit=2)
        found += part

    assert len(found) == 3


def entries(world, practice_id, **more):
    with world.session() as session:
        return ledger.entries(session, practice_id, vault=world.plugin.vault, **more)


def test_a_patients_entries_hold_the_stop_of_their_phone_and_nobody_elses(
    world, practice_id
):
    with world.session() as session:
        do(world, session, "grant", "ann")
        do(world, session, "grant", "bob")
        do(world, session, "suppress", "keyword")
    world.patient("cleo")

    found = entries(world, practice_id, patient_ref="ann")

    assert [(row.event, row.patient_ref) for row in found] == [
        ("suppressed", ""),
        ("granted", "ann"),
    ]
    assert found[1].who == "Ada Admin"
    assert found[1].ip == "192.0.2.1"


def test_entries_are_paged_by_key_and_stay_in_their_practice(world, practice_id):
    with world.session() as session:
        for _ in range(3):
            do(world, session, "grant", "ann")
            do(world, session, "revoke", "ann")
    other = world.enable("birch", number="+12125550199")
    pages, before = [], None
    while page := entries(
        world, practice_id, patient_ref="ann", limit=4, before=before
    ):
        pages.append(len(page))
        before = page[-1].id

    assert pages == [4, 2]
    phone_id = world.rows(SmsPhone)[0].id
    assert len(entries(world, practice_id, phone_id=phone_id)) == 6
    assert entries(world, other, phone_id=phone_id) == []
    assert entries(world, other, patient_ref="ann") == []


def test_the_words_that_were_agreed_to_are_kept_beside_the_entry(world, practice_id):
    with world.session() as session:
        row = session.scalars(
            sa.select(SmsPatientPhone).filter_by(patient_ref="ann")
        ).one()
        consents.set_consent(
            session,
            row,
            granted=True,
            source="verbal",
            wording=agreements.STAFF,
            vault=world.plugin.vault,
            actor=STAFF,
            now=world.clock(),
        )

    [entry] = entries(world, practice_id, patient_ref="ann")

    assert entry.evidence == agreements.SENTENCES[agreements.STAFF]
    assert world.rows(SmsConsent)[0].wording == agreements.STAFF


def test_a_sentence_of_consent_never_changes_under_its_name():
    """A new wording takes a new name: entries of the ledger point at the old one."""
    known = {
        name: hashlib.sha256(words.encode()).hexdigest()[:12]
        for name, words in agreements.SENTENCES.items()
    }

    assert known == {
        "staff-1": "2491deff0c35",
        "import-1": "8b9b5e43d829",
        "portal-1": "b96a3e651852",
    }
