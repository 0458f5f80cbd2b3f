"""Pages in the themes and frames that hosts have."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

import sms_plugin.web
from tests.web import pages
from tests.web.test_crud import add_messages

STATIC = Path(sms_plugin.web.__file__).parent / "static" / "sms_plugin"
PAGES = ("settings/", "messages/list/", "phones/show/1", "inbox/", "jobs/")


@pytest.fixture
def theme(app, monkeypatch):
    """Choose one of Flask-AppBuilder's themes."""
    return lambda name: monkeypatch.setitem(app.config, "APP_THEME", name)


@pytest.fixture
def third_party(app, monkeypatch):
    """A host with a frame of its own."""
    monkeypatch.setattr(app.appbuilder, "base_template", "third_party/main.html")


def is_dark(answer):
    """Whether the server made the page dark."""
    return "sms-dark" in pages.soup(answer).select_one("main")["class"]


@pages.on_sqlite
@pytest.mark.parametrize(
    ("name", "dark"),
    [("", False), ("flatly.css", False), ("darkly.css", True), ("cyborg.css", True)],
)
def test_a_page_is_dark_where_the_theme_is(world, login, theme, name, dark):
    world.enable()
    client = login("viewer")
    theme(name)

    for path in ("messages/list/", "messages/show/999"):
        answer = client.get(f"/sms/{path}")
        assert is_dark(answer) is dark
        skip = pages.soup(answer).select_one("a.sms-skip")
        assert ("sms-dark" in skip["class"]) is dark


@pages.on_sqlite
def test_themes_that_the_server_does_not_know_are_measured_before_the_page_shows(
    world, login
):
    world.enable()

    page = pages.soup(login("viewer").get("/sms/messages/list/"))

    first = page.select_one("main > *")
    assert first.name == "script"
    assert first["src"].endswith("/skin.js")
    assert "defer" not in first.attrs
    assert first["nonce"] is not None


@pages.on_sqlite
def test_the_first_stop_of_the_tab_key_leads_to_the_page(world, login):
    world.enable()

    page = pages.soup(login("viewer").get("/sms/messages/list/"))

    skip = page.select_one("a.sms-skip")
    assert skip in page.select("a[href]")[:3]
    assert page.select_one(skip["href"]).name == "main"
    assert page.select_one("main")["tabindex"] == "-1"


@pages.on_sqlite
class TestThirdPartyFrame:
    def test_every_page_brings_its_sheets_words_and_scripts(
        self, world, login, third_party
    ):
        world.enable()
        world.patient("p1")
        client = login("admin")

        for path in PAGES:
            answer = client.get(f"/sms/{path}")
            page = pages.soup(answer)
            sheets = [link["href"] for link in page.select("head link[rel=stylesheet]")]
            assert answer.status_code == 200, path
            assert sheets[0].endswith("third-party.css"), path
            for name in ("skin.css", "sms.css"):
                assert any(sheet.endswith(f"/{name}") for sheet in sheets), path
            assert page.select_one(".tp-content main h1"), path
            assert page.select_one(".tp-frame footer"), path
            assert not page.select(".navbar"), path
            assert pages.unsafe_parts(answer) == [], path

    def test_scripts_of_a_page_are_loaded(self, world, login, third_party):
        world.enable()
        world.patient("p1")

        page = pages.soup(login("admin").get("/sms/templates/edit/1"))

        scripts = [script.get("src", "") for script in page.select("script")]
        assert any(src.endswith("/templates.js") for src in scripts)

    def test_messages_of_the_last_step_show_once(self, world, login, third_party):
        practice_id = world.enable()

        answer = login("admin").post(
            "/sms/settings/off",
            data={"practice_id": practice_id},
            follow_redirects=True,
        )

        alerts = pages.soup(answer).select(".alert")
        assert len(alerts) == 1
        assert alerts[0].find_parent(class_="sms-messages")

    def test_an_error_stands_in_it_too(self, world, login, third_party):
        world.enable()

        answer = login("viewer").get("/sms/messages/show/999")

        assert answer.status_code == 404
        assert pages.soup(answer).select_one(".tp-content main h1")


@pages.on_sqlite
class TestTimes:
    def shown(self, world, login, **span):
        practice_id = world.enable()
        at = world.clock() - timedelta(**span)
        add_messages(world, practice_id, 1, created_at=at)
        cell = pages.soup(login("viewer").get("/sms/messages/list/")).select_one(
            'td[data-label="Made"]'
        )
        return cell, at

    @pytest.mark.parametrize(
        ("span", "distance"),
        [
            ({"seconds": 5}, "just now"),
            ({"minutes": 3}, "3 min ago"),
            ({"hours": 5}, "5 h ago"),
            ({"hours": 30}, ""),
            ({"hours": -2}, "in 2 h"),
        ],
    )
    def test_what_is_recent_is_also_said_by_its_distance(
        self, world, login, span, distance
    ):
        cell, _ = self.shown(world, login, **span)

        ago = cell.select_one(".sms-ago")
        assert (ago.text if ago else "") == distance

    def test_a_time_is_by_the_clock_of_the_practice_and_exact_for_machines(
        self, world, login
    ):
        cell, at = self.shown(world, login)

        time = cell.select_one("time")
        assert time.text == "Nov 25, 2026, 10:00 AM EST"
        assert time["datetime"] == at.isoformat(timespec="seconds")
        assert time["title"] == "Wednesday, Nov 25, 2026, 10:00:00 EST"


def test_links_that_are_gone_have_their_sheet(app):
    page = app.test_client().get("/sms/p/nothing")

    sheet = pages.soup(page).select_one("link[rel=stylesheet]")["href"]
    with app.test_client().get(sheet) as answer:
        assert answer.status_code == 200


def luminance(colour: str) -> float:
    """Relative luminance of a colour such as #1f2933."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """How well a colour is read on another, by WCAG."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def palette(*selectors: str) -> dict[str, str]:
    """The variables of the sheet for light, or for light and then dark."""
    sheet = (STATIC / "skin.css").read_text()
    found = {}
    for selector in selectors:
        block = sheet.split(f":where({selector}) {{", 1)[1].split("}", 1)[0]
        for line in block.splitlines():
            name, _, value = line.strip().rstrip(";").partition(": ")
            if name.startswith("--sms-"):
                found[name.removeprefix("--sms-")] = value
    return found


LIGHT = ".sms-page, .sms-messages, .sms-skip"


@pytest.mark.parametrize(
    ("selectors", "grounds"),
    [
        ((LIGHT,), ("#ffffff", "#f6f8fa", "#fcfcfc")),
        # Cyborg, darkly, slate, solar; each bare, and under a card.
        (
            (LIGHT, ".sms-dark"),
            ("#060606", "#222222", "#272b30", "#002b36", "#2f2f2f", "#353a3e"),
        ),
    ],
)
def test_every_word_can_be_read_in_light_and_in_dark(selectors, grounds):
    colours = palette(*selectors)

    for tone in ("ok", "wait", "bad", "info", "off"):
        assert contrast(colours[tone], colours[f"{tone}-paper"]) >= 4.5, tone
    for name in ("ink", "soft", "accent", "bad"):
        for ground in grounds:
            assert contrast(colours[name], ground) >= 4.5, (name, ground)
    for ground in grounds:
        assert contrast(colours["edge"], ground) >= 3, ground
    for name in ("button", "danger"):
        assert contrast(colours["on-button"], colours[name]) >= 4.5, name
