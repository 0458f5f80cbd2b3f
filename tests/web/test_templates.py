from __future__ import annotations

import pytest
import sqlalchemy as sa

from sms_plugin.models import (
    SmsPatientPhone,
    SmsPhone,
    SmsPractice,
    SmsTemplate,
    SmsTemplateRevision,
)
from sms_plugin.services import templates, wording
from tests.web import pages

GOOD = (
    "{{ practice_name }}: {{ first_name }}, see {{ payment_link }} Reply STOP to end."
)


@pytest.fixture
def invoice(world):
    """The English invoice template of a practice that texts; gives its id."""
    practice_id = world.enable()
    return template_id(world, practice_id)


def template_id(world, practice_id, kind="invoice"):
    with world.session() as session:
        return session.scalars(
            sa.select(SmsTemplate.id).filter_by(
                practice_id=practice_id, kind=kind, language="en"
            )
        ).one()


def template(world, row_id):
    with world.session() as session:
        row = session.get(SmsTemplate, row_id)
        session.expunge_all()
        return row


def edit(client, row_id, body, **more):
    return client.post(f"/sms/templates/edit/{row_id}", data={"body": body} | more)


def test_every_kind_has_words_from_the_first_minute(invoice, login):
    text = pages.words(login("admin").get("/sms/templates/list/"))

    for kind in ("Invoice with autopay", "Reminder", "Payment plan", "Failed autopay"):
        assert kind in text
    assert "Spanish" in text


def test_a_new_wording_is_the_next_revision(world, invoice, login):
    client = login("admin")

    answer = edit(client, invoice, GOOD)

    assert answer.status_code == 302
    text = pages.words(client.get(answer.location))
    assert "Saved as revision 2." in text
    assert "Revision 1" in text
    assert "Admin Tester" in text
    assert template(world, invoice).body == GOOD


@pages.on_sqlite
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{{ 7*7 }}", "Line 1, column 1"),
        ("{{ config }}", "There is no variable config."),
        ("{{ ''.__class__ }}", "Line 1, column 1"),
        ("{% for x in y %}", "Line 1, column 1"),
        ("Hello {0.__class__}", "Line 1, column 7"),
        ("Hello %(x)s", "Line 1, column 7"),
        ("Hello\n${x}", "Line 2, column 1"),
        ("{{payment_link}} {{payment_link}}", "once only"),
        ("Hello {{ first_name", "never closed"),
        ("{{ practice_name }} Reply STOP", "payment_link }} is missing"),
        ("{{ practice_name }} {{ payment_link }}", "Say how to stop"),
        ("Hello! " + GOOD, "Begin with {{ practice_name }}"),
        (GOOD + " {{ amount_due }}", "Amounts are switched off"),
        (GOOD + "x" * 2000, "longer than 1600"),
        ("", "is missing"),
    ],
)
def test_a_wording_that_cannot_be_sent_is_refused_with_its_place(
    world, invoice, login, body, said
):
    before = template(world, invoice).body

    answer = edit(login("admin"), invoice, body)

    assert answer.status_code == 422
    assert said in pages.soup(answer).select_one("#body-error").text
    assert "49" not in pages.soup(answer).select_one("#body-error").text
    assert template(world, invoice).body == before


@pages.on_sqlite
def test_a_refused_wording_stays_in_the_editor(invoice, login):
    answer = edit(login("admin"), invoice, "my words {{ nothing }}")

    area = pages.soup(answer).select_one("textarea#body")
    assert "my words {{ nothing }}" in area.text
    assert area["aria-describedby"] == "body-error"


@pages.on_sqlite
def test_preview_shows_text_segments_and_price(invoice, login):
    answer = login("admin").post(
        f"/sms/templates/preview/{invoice}", data={"body": GOOD}
    )

    draft = answer.json
    assert draft["text"].startswith(
        "Acme Pharmacy: Alexandra, see http://portal.test/sms/p/"
    )
    assert (draft["segments"], draft["encoding"]) == (1, "GSM-7")
    assert draft["price"] == "$0.0120"
    assert draft["error"] == ""
    assert answer.headers["Cache-Control"] == "no-store"


@pages.on_sqlite
@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", ""),
        (" Zoë", "ë makes this 2 segments instead of 1: use e?"),
        (" 👨‍👩‍👧", "👨‍👩‍👧 makes this 2 segments instead of 1: leave it out?"),
        (
            " ë ✓ ë",
            "ë ✓ make this 2 segments instead of 1: use e for ë, leave ✓ out?",
        ),
        (" дядя", "д я leave 70 characters a segment, not 160."),
    ],
)
def test_preview_names_what_makes_a_text_dearer(invoice, login, more, said):
    answer = login("admin").post(
        f"/sms/templates/preview/{invoice}", data={"body": GOOD + more}
    )

    assert answer.json["dearer"] == said
    assert (answer.json["segments"] > 1) == bool(said)


def named(world, *names):
    """Patients of these names in the practice, each with a phone."""
    with world.session() as session:
        practice = session.scalars(
            sa.select(SmsPractice).filter_by(practice_ref="acme")
        ).one()
        for number, name in enumerate(names):
            e164 = f"+1212555{number + 120:04}"
            phone = SmsPhone(
                practice_id=practice.id, e164=e164, created_at=world.clock()
            )
            session.add(phone)
            session.flush()
            session.add(
                SmsPatientPhone(
                    practice_id=practice.id,
                    phone_id=phone.id,
                    patient_ref=f"n-{number}",
                    patient_name=name,
                    created_at=world.clock(),
                )
            )


def test_preview_tries_the_names_of_patients(world, invoice, login):
    named(world, "Ann Roe", "Zoë Roe", "\u200b")

    answer = login("admin").post(
        f"/sms/templates/preview/{invoice}", data={"body": GOOD}
    )

    assert answer.json["dearer"] == ""
    assert answer.json["names"] == (
        "Tried with the names of 3 patients: with 1 of them, Zoë Roe, it takes 2 "
        "segments. ë in the name leaves 70 characters a segment, not 160."
    )


@pages.on_sqlite
def test_preview_says_that_all_names_fit(world, invoice, login):
    named(world, "Ann Roe", "Bob Roe")
    page = login("admin").get(f"/sms/templates/edit/{invoice}")

    assert "names of 2 patients: it takes no more with any." in pages.words(page)


def test_preview_reads_as_it_would_for_a_patient(world, invoice, login):
    world.patient("ann", first="Ann", last="Roe")
    world.job_for("ann")
    client = login("admin")
    body = GOOD + " {{ invoice_number }}"

    page = pages.soup(client.get(f"/sms/templates/edit/{invoice}"))
    shown = client.post(
        f"/sms/templates/preview/{invoice}", data={"body": body, "patient": "ann"}
    ).json
    without_script = edit(client, invoice, body, preview="1", patient="ann")

    assert page.select_one("#sms-about option[value=ann]")
    assert shown["text"].startswith("Acme Pharmacy: Ann, see http://portal.test/sms/p/")
    assert shown["text"].endswith("Reply STOP to end. B")
    bubble = pages.soup(without_script).select_one(".sms-bubble").text
    assert bubble == shown["text"]
    assert pages.soup(without_script).select_one("#sms-about [selected]")


@pages.on_sqlite
def test_preview_offers_the_longest_name_first(world, invoice, login):
    named(world, "Ann Roe", "Bartholomew Featherstonehaugh", "Cyd Roe")

    page = pages.soup(login("admin").get(f"/sms/templates/edit/{invoice}"))

    assert [option.text for option in page.select("#sms-about option")] == [
        "A sample patient",
        "Longest name: Bartholomew Featherstonehaugh",
        "Cyd Roe",
        "Ann Roe",
    ]


@pages.on_sqlite
def test_preview_knows_no_patient_of_another_practice(world, invoice, login):
    world.enable("birch", "+13125550100")
    world.patient("theirs", first="Zelda", practice="birch")

    shown = (
        login("admin")
        .post(
            f"/sms/templates/preview/{invoice}",
            data={"body": GOOD, "patient": "theirs"},
        )
        .json
    )

    assert shown["text"].startswith("Acme Pharmacy: Alexandra,")


@pages.on_sqlite
def test_preview_says_that_a_patient_would_get_no_text(world, invoice, login):
    world.patient("ann", first="", last="Roe")

    shown = (
        login("admin")
        .post(
            f"/sms/templates/preview/{invoice}", data={"body": GOOD, "patient": "ann"}
        )
        .json
    )

    assert shown["text"] == ""
    assert shown["error"] == (
        "This patient would get no text. There is no value for {{ first_name }}."
    )


REFUSED = [
    ("see https://bit.ly/x1", "instead of https://bit.ly/x1: carriers block shortened"),
    ("see pay.example.net/x", "instead of pay.example.net/x, which leads elsewhere"),
    ("your debt", 'Take out "debt": carriers block words of debt'),
    ("su deuda", 'Take out "deuda": '),
    ("PAST  due", 'Take out "past due": '),
]


@pages.on_sqlite
@pytest.mark.parametrize(("words", "said"), REFUSED)
def test_what_carriers_refuse_cannot_be_saved(world, invoice, login, words, said):
    client = login("admin")

    answer = edit(client, invoice, f"{GOOD}\nAnd {words} now.")

    assert answer.status_code == 422
    error = pages.soup(answer).select_one("#body-error").text
    assert said in error
    assert f"Line 2, column {5 + words.find(said_at(words))}: " in error
    assert template(world, invoice).revision == 1
    draft = client.post(
        f"/sms/templates/preview/{invoice}", data={"body": f"{GOOD} {words}"}
    ).json
    assert said in draft["error"]
    assert draft["text"]


def said_at(words):
    """The part of a refused wording that is named."""
    return words if words == "PAST  due" else words.split()[-1]


@pages.on_sqlite
def test_all_that_is_wrong_is_named_at_once(invoice, login):
    answer = edit(login("admin"), invoice, "{{ first_name }}: your debt, bit.ly/x")

    error = pages.soup(answer).select_one("#body-error").text
    assert len(error.strip().split("\n")) == 5
    for said in ("debt", "bit.ly/x", "practice_name }} is missing", "how to stop"):
        assert said in error


def test_every_default_wording_can_be_saved():
    for (kind, _), body in wording.DEFAULTS.items():
        templates.check(kind, body, amounts=False, own_hosts=())


@pages.on_sqlite
def test_preview_names_the_place_of_an_error(invoice, login):
    answer = login("admin").post(
        f"/sms/templates/preview/{invoice}", data={"body": "Hello {{ frist_name }}"}
    )

    assert answer.json["position"] == 6
    assert "Did you mean {{ first_name }}?" in answer.json["error"]
    assert answer.json["text"] == ""


def test_preview_saves_nothing(world, invoice, login):
    client = login("admin")
    client.post(f"/sms/templates/preview/{invoice}", data={"body": GOOD})
    page = edit(client, invoice, GOOD, preview="1")

    assert page.status_code == 200
    assert "1 segment, GSM-7" in pages.words(page)
    assert template(world, invoice).revision == 1


def test_amounts_may_stand_where_the_practice_switched_them_on(world, invoice, login):
    with world.session() as session:
        for practice in session.scalars(sa.select(SmsPractice)):
            practice.amounts = True
    client = login("admin")

    page = client.get(f"/sms/templates/edit/{invoice}")
    assert pages.soup(page).select_one('[data-sms-insert="{{ amount_due }}"]')
    assert edit(client, invoice, GOOD + " {{ amount_due }}").status_code == 302


@pages.on_sqlite
def test_the_editor_offers_no_amounts_where_they_are_off(invoice, login):
    page = login("admin").get(f"/sms/templates/edit/{invoice}")

    inserts = [
        button["data-sms-insert"]
        for button in pages.soup(page).select(".sms-inserts *")
    ]
    assert "{{ first_name }}" in inserts
    assert "{{ amount_due }}" not in inserts


def test_restoring_brings_the_default_back_as_a_revision(world, invoice, login):
    default = template(world, invoice).body
    client = login("admin")
    edit(client, invoice, GOOD)

    answer = client.post(f"/sms/templates/restore/{invoice}", follow_redirects=True)

    assert "The default wording is back." in pages.words(answer)
    assert template(world, invoice).body == default
    with world.session() as session:
        bodies = session.scalars(
            sa.select(SmsTemplateRevision.body)
            .filter_by(template_id=invoice)
            .order_by(SmsTemplateRevision.number)
        ).all()
    assert bodies == [default, GOOD, default]


@pages.on_sqlite
def test_the_default_wording_has_nothing_to_restore(invoice, login):
    client = login("admin")
    before = pages.words(client.get(f"/sms/templates/show/{invoice}"))
    edit(client, invoice, GOOD)

    after = pages.words(client.get(f"/sms/templates/show/{invoice}"))

    assert "Restore the default wording" not in before
    assert "Restore the default wording" in after


def test_revisions_show_what_changed_word_by_word(invoice, login):
    client = login("admin")
    edit(client, invoice, GOOD)
    edit(client, invoice, GOOD.replace("see", "please read"))

    newest, second, first = pages.soup(
        client.get(f"/sms/templates/show/{invoice}")
    ).select(".sms-steps > li")

    assert [part.text for part in newest.select("del")] == ["[removed: see]"]
    assert [part.text for part in newest.select("ins")] == ["[added: please read]"]
    assert "{{ payment_link }} Reply STOP" in newest.text
    assert second.select("ins")
    assert second.select("del")
    assert not first.select("ins, del")


def test_an_older_wording_comes_back_as_a_new_revision(world, invoice, login):
    client = login("admin")
    edit(client, invoice, GOOD)
    edit(client, invoice, GOOD + " Thanks.")
    page = client.get(f"/sms/templates/show/{invoice}")
    button = pages.soup(page).select_one('form[action$="/2"]')
    assert not pages.soup(page).select('form[action$="/3"]')

    answer = client.post(button["action"], follow_redirects=True)

    assert "The wording of revision 2 is back." in pages.words(answer)
    assert (template(world, invoice).body, template(world, invoice).revision) == (
        GOOD,
        4,
    )
    assert client.post(f"/sms/templates/restore/{invoice}/9").status_code == 404


def test_an_older_wording_that_is_refused_now_comes_into_the_editor(
    world, invoice, login
):
    older = GOOD + " Your debt."
    with world.session() as session:
        session.execute(sa.update(SmsTemplateRevision).values(body=older))

    answer = login("admin").post(f"/sms/templates/restore/{invoice}/1")

    assert answer.status_code == 422
    page = pages.soup(answer)
    assert "debt" in page.select_one("#body-error").text
    assert older in page.select_one("textarea#body").text
    assert page.select_one("form[data-sms-editor]")["action"].endswith(
        f"/edit/{invoice}"
    )
    assert template(world, invoice).revision == 1


def test_a_wording_cannot_become_markup(invoice, login):
    client = login("admin")
    edit(client, invoice, GOOD + " <img src=x onerror=alert(1)>")

    for path in ("list/", f"show/{invoice}", f"edit/{invoice}"):
        page = client.get(f"/sms/templates/{path}")
        assert "<img src=x" not in page.text
        assert "&lt;img src=x" in page.text


def test_templates_of_another_practice_are_not_found(world, invoice, login):
    theirs = template_id(world, world.enable("birch", "+13125550100"))
    client = login("admin")

    for path in ("show", "edit"):
        assert client.get(f"/sms/templates/{path}/{theirs}").status_code == 404
    for path in ("edit", "preview", "restore"):
        answer = client.post(f"/sms/templates/{path}/{theirs}", data={"body": GOOD})
        assert answer.status_code == 404
    assert client.post(f"/sms/templates/restore/{theirs}/1").status_code == 404
    assert template(world, theirs).revision == 1


def test_a_biller_reads_templates_and_changes_none(world, invoice, login):
    client = login("biller")

    page = client.get(f"/sms/templates/show/{invoice}")
    assert page.status_code == 200
    assert "Restore" not in pages.words(page)
    assert "Edit" not in pages.words(client.get("/sms/templates/list/"))
    assert client.get(f"/sms/templates/edit/{invoice}").status_code == 403
    for path in ("edit", "preview", "restore"):
        answer = client.post(f"/sms/templates/{path}/{invoice}", data={"body": GOOD})
        assert answer.status_code == 403
    assert client.post(f"/sms/templates/restore/{invoice}/1").status_code == 403


@pages.on_sqlite
@pytest.mark.parametrize("path", ["preview/1", "restore/1", "restore/1/1"])
def test_templates_never_change_by_get(world, login, path):
    world.enable()

    assert login("admin").get(f"/sms/templates/{path}").status_code == 405


@pages.on_sqlite
@pytest.mark.parametrize("path", ["edit", "preview", "restore"])
def test_templates_are_refused_without_a_token(app, world, invoice, login, path):
    client = login("admin")
    with pages.csrf(app):
        client.get(f"/sms/templates/edit/{invoice}")
        answer = client.post(f"/sms/templates/{path}/{invoice}", data={"body": GOOD})

    assert answer.status_code == 400
    assert template(world, invoice).revision == 1
