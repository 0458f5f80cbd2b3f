"""The page on which a patient checks whether a text is from the provider."""

from __future__ import annotations

import pytest

from sms_plugin.models import SmsAudit, SmsLink, SmsPractice
from sms_plugin.services import guesses, provenance
from tests.web.pages import is_login, on_sqlite, soup, words

YES = "Yes. Acme Pharmacy sent this text."
NO = "We do not know this link."
OWN = frozenset({"portal.test", "go.test"})


@pytest.fixture
def sent(world):
    """A text of a job that went out, as the patient reads it."""
    world.enable()
    world.sent_job()
    return world.gateway().sent[0].body


@pytest.fixture
def visitor(world):
    """Somebody who is not signed in."""
    return world.app.test_client()


def token(text):
    return text.split("/sms/p/")[1][:22]


def ask(visitor, typed, **more):
    page = visitor.post("/sms/verify", data={"code": typed, **more})
    return " ".join(soup(page).select_one("main").get_text(" ").split())


def test_a_patient_learns_who_sent_a_text_and_nothing_else(world, sent, visitor):
    code = token(sent)
    [link] = world.rows(SmsLink)

    for typed in (
        f"http://portal.test/sms/p/{code}",
        sent,
        code[:8],
        code,
        f" {code[:4]} {code[4:8]}\n",
    ):
        said = ask(visitor, typed)
        assert YES in said
        assert link.patient_ref not in said
        assert "Ann" not in said
    assert world.rows(SmsLink)[0].clicks == 0
    # Nothing that a thief of the table could try in place of the code itself.
    assert link.code_hash
    assert code[:8] not in link.code_hash


@on_sqlite
def test_a_forged_link_is_not_vouched_for_even_with_a_token_of_ours(sent, visitor):
    code = token(sent)

    for typed in (
        f"https://portal.test.evil.example/sms/p/{code}",
        f"https://evil.example/sms/p/{code} http://portal.test/sms/p/{code}",
        f"http://portal.test@evil.example/sms/p/{code}",
    ):
        assert NO in ask(visitor, typed)


@on_sqlite
@pytest.mark.parametrize(
    "typed",
    ["", "0" * 8, "a" * 22, "short", "x" * 9, "\0" * 8, "é" * 8, "'--", "9" * 9999],
)
def test_what_nobody_knows_is_one_answer(sent, visitor, typed):
    assert ask(visitor, typed) == ask(visitor, "Zz00Zz00")
    assert NO in ask(visitor, typed)


@on_sqlite
def test_a_link_that_was_taken_back_vouches_for_nothing(world, sent, visitor, clock):
    world.alter(SmsLink, {"revoked_at": clock()})

    assert NO in ask(visitor, token(sent))


@on_sqlite
def test_it_answers_while_texting_is_off_and_after_the_links_time(
    world, sent, visitor, clock
):
    world.alter(SmsPractice, {"enabled": False}, practice_ref="acme")
    clock.move(days=300)

    assert YES in ask(visitor, token(sent))


@on_sqlite
def test_whoever_guesses_has_to_wait(sent, visitor):
    for _ in range(guesses.MOST):
        visitor.post("/sms/verify", data={"code": "Zz00Zz00"})

    late = visitor.post("/sms/verify", data={"code": token(sent)})

    assert late.status_code == 429
    assert YES not in late.text
    assert visitor.get("/sms/verify").status_code == 429


@on_sqlite
def test_the_page_is_kept_by_nobody_and_speaks_spanish(sent, visitor):
    page = visitor.get("/sms/verify", headers={"Accept-Language": "es"})

    assert page.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in page.headers
    assert "¿Este mensaje es de su proveedor?" in page.text
    assert "<script" not in page.text
    assert "Acme Pharmacy envió" in ask(visitor, token(sent), lang="es")


@on_sqlite
def test_csrf_protection_of_the_host_does_not_stand_in_the_way(
    world, sent, visitor, monkeypatch
):
    monkeypatch.setitem(world.app.config, "WTF_CSRF_ENABLED", value=True)

    assert YES in ask(visitor, token(sent))


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("http://go.test/sms/c/abcdefgh12", "abcdefgh"),
        ("ABCD-efgh", "ABCDefgh"),
        (
            "Acme: pay http://portal.test/sms/p/abcdefghijklmnopqrstuv Reply STOP",
            "abcdefgh",
        ),
        ("http://portal.test/", ""),
        ("abcdefgh/", ""),
    ],
)
def test_the_code_in_what_somebody_typed(typed, code):
    assert provenance.code_in(typed, OWN) == code


# Staff take a link back.


def revoke(client, message_id=1):
    return client.post(f"/sms/messages/action/revoke_links/{message_id}")


def test_staff_make_a_payment_link_stop_working(world, sent, visitor, login):
    biller = login("biller")
    [text] = world.messages(purpose="job")
    show = f"/sms/messages/show/{text.id}"
    assert "Make the payment link stop working" in biller.get(show).text

    said = biller.post(
        f"/sms/messages/action/revoke_links/{text.id}", follow_redirects=True
    )

    assert "does not work any more" in words(said)
    assert "Make the payment link stop working" not in said.text
    assert visitor.get(f"/sms/p/{token(sent)}").status_code == 404
    assert "no payment link that works" in words(
        biller.post(
            f"/sms/messages/action/revoke_links/{text.id}", follow_redirects=True
        )
    )
    [entry] = world.rows(SmsAudit, action="links.revoke")
    assert (entry.object_id, entry.user_name) == (text.id, "Biller Tester")


@on_sqlite
@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("birch", 404)])
def test_others_take_no_link_back(world, sent, visitor, login, who, status):
    world.enable("birch", number="+13125550100")
    client = login(who)
    [text] = world.messages(purpose="job")

    assert revoke(client, text.id).status_code == status
    assert is_login(revoke(world.app.test_client(), text.id))
    assert "stop working" not in client.get(f"/sms/messages/show/{text.id}").text
    assert visitor.get(f"/sms/p/{token(sent)}").status_code == 302


@on_sqlite
def test_links_begin_with_a_domain_of_their_own(world, visitor, monkeypatch):
    monkeypatch.setitem(world.plugin.settings.values, "SMS_LINK_URL", "https://go.test")
    world.enable()
    world.sent_job()
    text = world.gateway().sent[0].body

    assert "https://go.test/sms/p/" in text
    # The payment page is the portal's own, at its own address.
    opened = visitor.get(f"/sms/p/{token(text)}")
    assert opened.location == "http://portal.test/pay/acme/job-1-p1/job-1-p1-b"
    assert YES in ask(visitor, f"https://go.test/sms/p/{token(text)}")
