"""The portal's theme: chosen by a setting, and dark where it is dark."""

from __future__ import annotations

from pathlib import Path

import flask_appbuilder
import pytest

from host_app import config
from tests.host_app.helpers import make_portal

SHEETS = Path(flask_appbuilder.__file__).parent / "static/appbuilder/css/themes"


@pytest.mark.parametrize("word", ["darkly", "darkly.css", " Darkly "])
def test_a_theme_is_chosen_by_its_name(word):
    assert config.read({"PORTAL_THEME": word})["APP_THEME"] == "darkly.css"


def test_without_the_setting_pages_look_as_before():
    assert config.read({})["APP_THEME"] == ""


@pytest.mark.parametrize("word", ["dark", "../secret", "darkly.css.css"])
def test_an_unknown_theme_stops_the_start_and_names_those_that_are(word):
    with pytest.raises(ValueError, match=r"PORTAL_THEME must be .* one of .*yeti"):
        config.read({"PORTAL_THEME": word})


def test_the_themes_offered_are_those_that_flask_appbuilder_brings():
    offered = {*config.DARK_THEMES, *config.LIGHT_THEMES}

    assert offered == {sheet.stem for sheet in SHEETS.glob("*.css")}


@pytest.mark.parametrize(
    ("theme", "dark"), [("", False), ("flatly.css", False), ("cyborg.css", True)]
)
def test_the_portal_knows_whether_its_theme_is_dark(tmp_path, clock, theme, dark):
    portal = make_portal(f"sqlite:///{tmp_path / 'p.db'}", clock, APP_THEME=theme)

    assert portal.config["PORTAL_IS_DARK"] is dark


@pytest.mark.parametrize("dark", [False, True])
def test_pages_of_the_staff_are_dark_with_the_theme(portal, staff, monkeypatch, dark):
    monkeypatch.setitem(portal.config, "PORTAL_IS_DARK", dark)

    page = staff("biller").get("/").page

    assert ("p-dark" in page.select_one("main.portal")["class"]) is dark
