"""What must not be said, wherever staff write: templates, the desk and the inbox."""

# Look-alike letters are what is tested.
# ruff: noqa: RUF001
from __future__ import annotations

import pytest

from sms_plugin.models import SmsAudit, SmsPractice
from tests.web.reading import Talk, on_both, soup, words
from tests.web.test_templates import GOOD, template_id

STRANGE = [
    ("https://bit.ly/x1", "shortened"),
    ("bit.ly/x1", "shortened"),
    ("https://pоrtal.test/p", "leads elsewhere"),
    ("https://portal.test.evil.example/p", "leads elsewhere"),
    ("https://192.0.2.7/p", "leads elsewhere"),
    ("192.0.2.7/p", "leads elsewhere"),
    ("http://portal.test/p", "https"),
    ("javascript://portal.test", "leads elsewhere"),
]
DISCLOSED = [
    ("your debt", "debt collection"),
    ("su deuda", "debt collection"),
    ("about your treatment", 'Take out "treatment"'),
    ("su receta", 'Take out "receta"'),
    ("your Rx is ready", 'Take out "rx"'),
    ("you owe $12.34", "Take out $12.34: amounts are switched off"),
    ("debe 20 dólares", "Take out 20 dólares: amounts"),
]


@pytest.fixture(params=["sqlite"])
def database(request):
    """See ``on_both``."""
    return request.param


class Edited:
    """One text at the approval desk, and the biller who changes it."""

    def __init__(self, world, client, job_id):
        self.world, self.client = world, client
        self.url = f"/sms/jobs/{job_id}/texts/1"
        self.before = world.messages(job_id=job_id)[0].body

    def to(self, body):
        seen = soup(self.client.get(self.url)).select_one("[name=seen]")["value"]
        return self.client.post(self.url, data={"seen": seen, "body": body})

    def body(self):
        return self.world.messages()[0].body


@pytest.fixture
def text(world, login):
    """A pending text."""
    world.enable()
    return Edited(world, login("biller"), world.job(1))


def said(answer):
    """Why something was refused."""
    return " ".join(node.get_text(" ") for node in soup(answer).select("[role=alert]"))


@pytest.mark.parametrize(("part", "why"), STRANGE + DISCLOSED)
def test_a_template_with_it_cannot_be_saved(world, login, part, why):
    row_id = template_id(world, world.enable())

    answer = login("admin").post(
        f"/sms/templates/edit/{row_id}", data={"body": f"{GOOD} {part}"}
    )

    assert answer.status_code == 422
    assert why in said(answer)


@pytest.mark.parametrize(("part", "why"), STRANGE + DISCLOSED)
def test_a_text_of_a_job_cannot_be_changed_to_it(text, part, why):
    draft = f"{text.before} And {part}"

    answer = text.to(draft)

    assert answer.status_code == 400
    assert why in said(answer)
    assert text.body() == text.before
    assert draft in soup(answer).select_one("#sms-body").text


def test_all_that_is_wrong_with_an_edit_is_named_at_once(text):
    answer = text.to("Your debt is at bit.ly/x")

    for why in ("debt collection", "shortened", "Acme Pharmacy", "how to stop", "once"):
        assert why in said(answer)


def test_a_text_must_go_on_saying_first_who_writes(text):
    answer = text.to("Hello! " + text.before)

    assert answer.status_code == 400
    assert "Begin with Acme Pharmacy" in said(answer)


@on_both
def test_names_are_no_flaw_in_an_edit(world, login):
    world.enable("birch", "+13125550100")
    world.patient("tia", first="Tia", last="Therapy", practice="birch")
    text = Edited(world, login("birch"), world.job_for("tia", practice="birch"))

    assert text.to(text.before + " Thank you, Tia Therapy.").status_code == 302
    assert text.body().startswith("Birch Therapy: Hi Tia,")
    refused = text.to(text.before + " Your therapy awaits.")
    assert 'Take out "therapy"' in said(refused)


def test_amounts_pass_where_the_practice_allows_them(text):
    text.world.alter(SmsPractice, {"amounts": True})

    assert text.to(text.before + " You owe $12.34.").status_code == 302


NAMES = [
    ("{{ payment_link }}", "{{ payment_link }}"),
    ("[payment link]", "(payment link)"),
    ('=HYPERLINK("x")', '=HYPERLINK("x")'),
    ("Ann\nReply YES", "Ann Reply YES"),
    ("A" * 5000, "A" * 40),
    ("\u202eAnn\u202c\u200f", "Ann"),
]


@pytest.mark.parametrize(("first", "shown"), NAMES)
@on_both
def test_a_hostile_name_is_one_short_line_of_letters(world, login, first, shown):
    world.enable()
    world.patient("odd", first=first)
    job_id = world.job_for("odd")

    page = soup(login("biller").get(f"/sms/jobs/{job_id}"))

    body = page.select_one(".sms-text .sms-body").text
    assert body.startswith(f"Acme Pharmacy: Hi {shown}, you have a new statement.")
    assert body.count("[payment link]") == 1
    assert "\n" not in body.strip()


@pytest.fixture
def talk(world, login):
    """A patient who wrote, and the front desk at the inbox."""
    world.enable()
    return Talk(world, login("frontdesk"))


@pytest.mark.parametrize(("part", "why"), STRANGE)
def test_a_reply_with_a_strange_link_is_refused_and_kept(talk, part, why):
    answer = talk.reply(f"See {part} please")

    assert answer.status_code == 400
    assert why in said(answer)
    assert part.split("/")[0] in said(answer)
    assert soup(answer).select_one("#sms-body").text == f"See {part} please"
    assert not talk.replies()


def test_a_reply_cannot_hold_the_mark_of_a_link(talk):
    answer = talk.reply("Pay here: [Payment link]")

    assert answer.status_code == 400
    assert "Take out [payment link]" in said(answer)
    assert not talk.replies()


def test_a_reply_may_hold_our_own_link_amounts_and_words_of_care(talk):
    body = "You owe $12.34 for the treatment: https://portal.test/help, a@example.org"

    assert talk.reply(body).status_code == 302
    assert talk.replies()[0].body == body


@on_both
def test_doubtful_words_of_a_reply_go_out_on_the_second_click(talk):
    answer = talk.reply("It is no debt.")

    assert answer.status_code == 409
    assert 'it says "debt", as debt collectors do' in said(answer)
    assert not talk.replies()
    page = soup(answer)
    button = page.find("button", string="Send it all the same")
    nonce = page.select_one("#sms-composer [name=nonce]")["value"]
    assert page.select_one("#sms-body").text == "It is no debt."

    again = talk.reply(
        "It is no debt.", nonce=nonce, **{button["name"]: button["value"]}
    )

    assert again.status_code == 302
    assert [row.body for row in talk.replies()] == ["It is no debt."]
    [deed] = talk.world.rows(SmsAudit, action="inbox.reply")
    assert deed.detail == "confirmed: debt"


def test_other_doubtful_words_are_asked_about_again(talk):
    answer = talk.reply("Your debt is past due.", sure_of="debt")

    assert answer.status_code == 409
    assert '"past due"' in said(answer)
    assert not talk.replies()


def test_the_inbox_without_doubt_offers_no_second_button(talk):
    assert "all the same" not in words(talk.page())
