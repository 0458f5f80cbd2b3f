"""The handsets in a browser: what a person sees, writes and sets."""

from __future__ import annotations

import pytest
import requests
from bs4 import BeautifulSoup

from sms_plugin.simulator.pages import linked
from tests.simulator.doubles import NUMBER, PATIENT


@pytest.fixture
def browse(twin):
    with requests.Session() as session:

        def request(path, method="GET", **options):
            return session.request(method, twin.url + path, timeout=5, **options)

        yield request


@pytest.fixture
def page(browse):
    def read(path="/"):
        answer = browse(path)
        assert answer.status_code == 200
        return BeautifulSoup(answer.text, "html.parser")

    return read


def threads(page):
    return {
        phone.h2.text.strip(): [body.text for body in phone.select(".thread .body")]
        for phone in page.select(".phone")
    }


def test_an_empty_carrier_says_what_will_happen(page):
    assert "They appear here by themselves" in page().text


def test_each_phone_shows_its_texts_latest_phone_first(page, send, twin):
    send("Your statement is ready")
    twin.text_in("+14155550133", NUMBER, "Who is this?")
    twin.wait_idle()

    assert list(threads(page()).items()) == [
        ("(415) 555-0133", ["Who is this?"]),
        ("(415) 555-0132", ["Your statement is ready"]),
    ]


def test_markup_in_a_text_stays_text_and_its_direction_is_isolated(page, twin):
    twin.text_in(PATIENT, NUMBER, "<b onclick=x>שלום</b> \u202ehttp")

    body = page().select_one(".thread .body")

    assert body.find("b") is None
    assert body.bdi["dir"] == "auto"
    assert "<b onclick=x>" in body.text


@pytest.mark.parametrize(
    ("body", "hrefs"),
    [
        ("Pay at https://x.example/p?a=1&b=2.", ["https://x.example/p?a=1&b=2"]),
        (
            "(http://x.example/a) http://y.example",
            ["http://x.example/a", "http://y.example"],
        ),
        ("javascript:alert(1) ftp://x.example", []),
        ('https://x.example/"><script>', ["https://x.example/"]),
    ],
)
def test_links_are_tappable_and_nothing_else_is(body, hrefs):
    soup = BeautifulSoup(linked(body), "html.parser")

    assert [link["href"] for link in soup.find_all("a")] == hrefs
    assert soup.find("script") is None
    assert soup.text == body
    assert all(link["rel"] == ["noopener", "noreferrer"] for link in soup.find_all("a"))


def test_writing_back_from_a_phone_reaches_the_number(browse, page, send, twin):
    send("Hello")
    twin.wait_idle()
    form = page().select_one(".phone form.write")
    data = {field["name"]: field["value"] for field in form.select("input")}
    data |= {"to": form.select_one("option[selected]")["value"], "body": "Hi\r\nthere"}

    answer = browse(form["action"], "POST", data=data, allow_redirects=False)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert twin.carrier.texts[-1].body == "Hi\nthere"
    assert twin.carrier.texts[-1].recipient == NUMBER


def test_the_stop_button_sends_stop_though_something_is_typed(browse, page, send, twin):
    send("Hello")
    form = page(f"/phones/{PATIENT}").select_one("form.write")
    button = form.select_one("button.stop")
    data = [(field["name"], field["value"]) for field in form.select("input")]
    data += [("to", NUMBER), ("body", "half a sen"), (button["name"], button["value"])]

    answer = browse(form["action"], "POST", data=data, allow_redirects=False)

    assert answer.headers["Location"] == f"/phones/%2B{PATIENT[1:]}"
    assert twin.carrier.is_blocked(NUMBER, PATIENT)


def test_a_conversation_can_start_from_any_phone(browse, twin):
    answer = browse(
        "/simulator/texts",
        "POST",
        json={"from": "(808) 555-0101", "to": NUMBER, "body": "Aloha"},
    )

    assert answer.json() == {"sid": twin.carrier.texts[0].sid}
    assert twin.carrier.texts[0].sender == "+18085550101"


@pytest.mark.parametrize(
    ("path", "data", "words"),
    [
        ("texts", {"from": "x", "to": NUMBER, "body": "a"}, "not a phone number"),
        ("texts", {"from": PATIENT, "to": "+14155550199", "body": "a"}, "Nobody owns"),
        ("texts", {"from": PATIENT, "to": NUMBER, "body": "  "}, "Write something"),
        ("conditions", {"number": PATIENT, "condition": "lost"}, "no such condition"),
        ("conditions", {"condition": "normal"}, "not a phone number"),
        ("mode", {"mode": "lost"}, "no such mode"),
        ("mode", {"mode": "slow", "seconds": "x"}, "no such mode"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(browse, path, data, words):
    answer = browse(f"/simulator/{path}", "POST", data=data)

    assert answer.status_code == 400
    assert words in answer.text


def test_the_knobs_of_a_phone_and_of_the_carrier(browse, page, twin):
    browse(
        "/simulator/conditions",
        "POST",
        data={"number": PATIENT, "condition": "landline"},
    )
    browse("/simulator/mode", "POST", data={"mode": "throttling", "seconds": "7"})

    shown = page()
    assert shown.select_one(".condition").text == "is a landline"
    assert shown.select_one("[name=mode] [selected]")["value"] == "throttling"
    assert twin.carrier.faults.mode_seconds == 7


def test_a_text_that_did_not_arrive_says_why(page, send, twin):
    twin.carrier.set_condition(PATIENT, "unreachable")
    send("Hello")
    twin.wait_idle()

    item = page().select_one(".thread li")
    assert "lost" in item["class"]
    assert "undelivered (30003)" in item.text


def test_phones_can_be_found_by_their_digits(page, twin):
    for n in range(130, 140):
        twin.text_in(f"+14155550{n}", NUMBER, "Hello")

    assert list(threads(page("/?q=555-0137"))) == ["(415) 555-0137"]
    assert "No phone has these digits" in page("/?q=999").text


def test_many_phones_are_cut_and_the_rest_is_counted(page, twin):
    for n in range(100, 130):
        twin.carrier.handset(f"+14155550{n}")

    assert len(threads(page())) == 24
    assert "6 more phones are not shown" in page().text


def test_looking_at_an_unknown_phone_does_not_make_it_known(browse, page, twin):
    assert list(threads(page("/phones/+14155550177"))) == ["(415) 555-0177"]
    assert twin.carrier.handsets == {}
    assert browse("/phones/nobody").status_code == 400


def test_the_record_page_shows_texts_refusals_and_calls(page, send, twin):
    sid = send("Hello & goodbye", status_callback="https://example.com/s").sid
    twin.wait_idle()
    twin.text_in(PATIENT, NUMBER, "STOP")
    with pytest.raises(Exception, match="STOP"):
        send()

    words = page("/simulator/record").text

    assert sid in words
    assert "Hello & goodbye" in words
    assert "21610" in words
    assert "only loopback URLs" in words


def test_the_record_is_json_too(browse, send, twin):
    sid = send("Hello").sid
    twin.wait_idle()

    told = browse("/simulator/record.json").json()

    assert told == twin.record()
    assert told["accepted"][0]["sid"] == sid


def test_the_version_grows_with_every_change(browse, send, twin):
    def version():
        return browse("/simulator/version.json").json()["version"]

    first = version()
    assert version() == first
    send()
    twin.wait_idle()
    assert version() > first


def test_a_reset_forgets_texts_but_not_numbers(browse, page, send, twin):
    send()
    twin.wait_idle()
    browse("/simulator/reset", "POST", json={})

    assert threads(page()) == {}
    assert twin.record()["accepted"] == []
    assert send().status == "queued"


@pytest.mark.parametrize(
    "path",
    ["/", f"/phones/{PATIENT}", "/simulator/phones", "/simulator/record"],
)
def test_pages_work_under_a_strict_policy(browse, page, twin, path):
    twin.text_in(PATIENT, NUMBER, "Hello")
    headers = browse(path).headers

    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    soup = page(path)
    assert soup.select("style, [style], script:not([src])") == []
    handlers = [
        name for tag in soup.select("*") for name in tag.attrs if name[:2] == "on"
    ]
    assert handlers == []


def test_every_field_has_a_label_and_ids_are_unique(page, twin):
    twin.text_in(PATIENT, NUMBER, "Hello")
    twin.text_in("+14155550133", NUMBER, "Hello")
    soup = page()

    ids = [tag["id"] for tag in soup.select("[id]")]
    assert len(ids) == len(set(ids))
    labelled = {label["for"] for label in soup.select("label[for]")}
    for field in soup.select("input:not([type=hidden]), select, textarea"):
        assert field.find_parent("label") or field["id"] in labelled


@pytest.mark.parametrize("name", ["simulator.css", "simulator.js"])
def test_assets_are_served_with_their_type(browse, name):
    answer = browse(f"/simulator/static/{name}")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/")
    assert browse("/simulator/static/../server.py").status_code == 404
    assert browse("/simulator/static/%2e%2e%2fserver.py").status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "https://example.com"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 200),
    ],
)
@pytest.mark.parametrize("path", ["texts", "conditions", "mode", "faults", "reset"])
def test_another_site_cannot_post_here(browse, path, headers, status):
    data = {"from": PATIENT, "to": NUMBER, "body": "a", "number": PATIENT}
    data |= {"condition": "normal"}
    if path in {"faults", "mode"}:
        data = {"mode": "normal"}

    answer = browse(f"/simulator/{path}", "POST", json=data, headers=headers)

    assert answer.status_code == status


def test_another_host_name_cannot_reach_the_pages(browse):
    answer = browse("/simulator/record.json", headers={"Host": "evil.example"})

    assert answer.status_code == 403


@pytest.mark.parametrize("body", [b"{", b"[]", b"7"])
def test_a_body_that_is_no_json_object(browse, body):
    answer = browse(
        "/simulator/texts",
        "POST",
        data=body,
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 400
