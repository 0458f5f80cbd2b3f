"""Staff read the language they chose, visitors that of their browser, and no other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from sms_plugin.core.language import say
from sms_plugin.models import SmsAudit
from sms_plugin.web import links
from tests.web import pages
from tests.web.test_crud import add_messages

DEAD_LINK = "/sms/p/" + "0" * 22
ENGLISH, SPANISH = "Every text from and to this practice", "Todos los mensajes de este"


@pytest.fixture
def spanish(login):
    """Sign in as somebody who chose Spanish."""

    def sign_in(name: str):
        client = login(name)
        client.get("/lang/es")
        return client

    return sign_in


@pages.on_sqlite
def test_staff_who_chose_spanish_read_the_menu_and_the_labels_in_it(world, spanish):
    add_messages(world, world.enable(), 1, state="delivered")

    page = pages.soup(spanish("admin").get("/sms/messages/list/"))

    menu = {link.text.strip() for link in page.select(".navbar .dropdown-menu a")}
    heads = {cell.text.strip() for cell in page.select("main thead th")}
    assert {"Bandeja de mensajes", "Lotes", "Ajustes de SMS", "Plantillas"} <= menu
    assert {"Paciente", "Teléfono", "Estado"} <= heads
    assert page.select_one("main h1").text == "Mensajes"
    assert "Entregado" in page.select_one("main tbody").text
    assert page.select_one("main")["lang"] == "es"


@pages.on_sqlite
def test_moments_are_said_in_the_order_of_the_language(world, spanish):
    add_messages(world, world.enable(), 1)

    page = pages.soup(spanish("admin").get("/sms/messages/show/1"))

    day, month = page.select_one("main time").text.split()[:2]
    assert day.isdigit(), "the day stands before the month"
    assert not month.isdigit()


@pages.on_sqlite
def test_the_switcher_stands_in_the_menu_and_leads_back(world, spanish):
    world.enable()
    admin = spanish("admin")

    switches = pages.soup(admin.get("/sms/messages/list/")).select(".navbar a")

    assert "/lang/en" in {link["href"] for link in switches}
    admin.get("/lang/en")
    assert ENGLISH in admin.get("/sms/messages/list/").text


@pages.on_sqlite
def test_english_stays_what_everybody_reads_who_chose_nothing(world, login):
    world.enable()

    answer = login("admin").get(
        "/sms/messages/list/", headers={"Accept-Language": "es-MX,es;q=0.9"}
    )

    assert ENGLISH in answer.text
    assert pages.soup(answer).select_one("main")["lang"] == "en"


@pages.on_sqlite
def test_a_refusal_and_a_field_are_said_in_spanish(world, spanish):
    world.enable()
    admin = spanish("admin")

    answer = admin.get("/sms/numbers/search?kind=local&area_code=12&pattern=")

    assert answer.status_code == 422
    assert "Código de área" in pages.words(answer)
    assert "Un código de área tiene tres cifras" in pages.words(answer)


@pages.on_sqlite
def test_an_error_page_is_said_in_spanish_to_people_and_to_scripts(world, spanish):
    world.enable()
    admin = spanish("admin")

    page = admin.get("/sms/messages/show/999")
    script = admin.get("/sms/messages/show/999", headers={"Accept": "application/json"})

    assert page.status_code == script.status_code == 404
    assert "No hay nada en esta dirección" in pages.words(page)
    assert "Ir a Mensajes" in pages.words(page)
    assert script.json["error"] == "No hay nada en esta dirección"


@pages.on_sqlite
@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        ("es-US,es;q=0.9,en;q=0.8", "es", "Este enlace ya no funciona"),
        ("en-US,en;q=0.9,es;q=0.8", "en", "This link does not work any more"),
        ("fr", "en", "This link does not work any more"),
        ("", "en", "This link does not work any more"),
    ],
)
def test_a_visitor_reads_what_the_browser_asks_for(world, asked, code, said):
    answer = world.app.test_client().get(DEAD_LINK, headers={"Accept-Language": asked})

    page = pages.soup(answer)
    assert page.select_one("html")["lang"] == code
    assert page.select_one("h1").text == said
    assert "Set-Cookie" not in answer.headers, "nothing was looked up in a session"


@pages.on_sqlite
def test_a_patient_whose_link_fails_is_told_in_the_language_of_the_browser(
    app, monkeypatch
):
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)  # noqa: FBT003  (a setting)
    monkeypatch.setattr(links.links, "open_link", lambda *_, **__: 1 / 0)

    answer = app.test_client().get(DEAD_LINK, headers={"Accept-Language": "es"})

    page = pages.soup(answer)
    assert page.select_one("html")["lang"] == "es"
    assert "llame a la oficina" in page.select_one("main").text


def test_what_is_kept_is_english_and_is_said_where_it_is_shown(world, spanish):
    world.enable()
    job = world.job(1)
    admin = spanish("admin")
    [message] = world.messages(purpose="job")

    admin.post(
        f"/sms/jobs/{job}/reject",
        data={"why": "amount", "row": f"{message.id}.{message.content_hash}"},
    )

    [entry] = [row for row in world.rows(SmsAudit) if row.action == "job.reject"]
    assert "The amount is wrong" in entry.detail
    assert "Rechazó mensajes de un lote" in admin.get("/sms/audit/list/").text


@pages.on_sqlite
def test_outside_of_a_request_everything_is_english(world, spanish):
    world.enable()
    spanish("admin").get("/sms/messages/list/")

    with world.app.app_context():
        said = say("Nothing was changed.")

    assert said == "Nothing was changed."


@pages.on_sqlite
def test_one_users_language_is_never_anothers(world, login, spanish):
    world.enable()
    readers = [(spanish("admin"), SPANISH), (login("biller"), ENGLISH)] * 2

    def read(reader):
        client, said = reader
        return [said in client.get("/sms/messages/list/").text for _ in range(3)]

    one_after_another = [read(reader) for reader in readers]
    with ThreadPoolExecutor(2) as pool:
        at_once = list(pool.map(read, readers[:2]))

    assert all(map(all, one_after_another + at_once))
