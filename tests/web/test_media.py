"""Pictures in the Text Inbox: how they show, who sees them, how they are handed out."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from sms_plugin.models import SmsAudit, SmsMedia, SmsPractice
from sms_plugin.services.erasure import ERASED
from sms_plugin.worker import fetching
from tests.support.pictures import PDF, SID, announce, media_sid, picture, url
from tests.web.reading import (
    bodies,
    counted_queries,
    on_both,
    soup,
    text_in,
    words,
)

FILE, PREVIEW = "/sms/inbox/media/1", "/sms/inbox/media/1/preview"
JPEG = picture(size=(1600, 400))


@pytest.fixture(params=["sqlite"])
def database(request):
    """See ``on_both``."""
    return request.param


@pytest.fixture
def ann(world):
    """A patient who may write; her phone."""
    world.enable()
    return world.patient("ann", first="Ann", last="Example")


def send(world, phone, *contents, body="", sid=SID):
    """A patient sends files, and the beat fetches them."""
    ids = [media_sid(number) for number in range(1, len(contents) + 1)]
    world.gateway().media[sid] = dict(zip(ids, contents, strict=True))
    announce(world, phone, *(url(sid, key) for key in ids), body=body, sid=sid)
    fetching.fetch_media(world.app)


def page(client, path="/sms/inbox/1"):
    answer = client.get(path)
    assert answer.status_code == 200
    return soup(answer)


@on_both
def test_a_picture_shows_in_the_thread_and_leads_to_the_file(world, ann, login):
    send(world, ann, JPEG, body="My card")

    shown = page(login("frontdesk"))

    assert bodies(shown) == ["My card"]
    [link] = shown.select("#sms-texts .sms-files a")
    assert link["href"] == FILE
    assert link.img["src"] == PREVIEW
    assert link.img["alt"] == "Picture from the patient"


@pytest.mark.parametrize(
    ("contents", "said"),
    [((JPEG,), "Picture"), ((PDF,), "File"), ((PDF, JPEG), "Picture")],
    ids=["picture", "file", "both"],
)
def test_a_picture_without_words_is_told_in_words(world, ann, login, contents, said):
    send(world, ann, *contents)

    shown = page(login("frontdesk"))

    assert bodies(shown) == [said]
    row = shown.select_one(".sms-convs li")
    assert words(row.select_one(".sms-conv-preview")) == said
    assert "Needs answer" in words(row)
    assert world.messages(purpose="inbound")[0].body == ""


def test_a_text_without_words_and_pictures_says_nothing(world, ann, login):
    announce(world, ann)

    assert bodies(page(login("frontdesk"))) == [""]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "Not there any more"),
        (b"MZ", "Not taken: neither a picture nor a PDF file"),
        (JPEG + b"x" * 6_000_000, "Not taken: too large"),
    ],
    ids=["gone", "kind", "too large"],
)
def test_what_is_not_there_says_why(world, ann, login, content, said):
    world.gateway().media[SID] = {media_sid(1): content} if content else {}
    announce(world, ann, url())
    client = login("frontdesk")

    before = words(page(client).select_one(".sms-files"))
    fetching.fetch_media(world.app)

    assert before == "Being fetched"
    assert words(page(client).select_one(".sms-files")) == said
    assert client.get(FILE).status_code == client.get(PREVIEW).status_code == 404


def test_a_strange_address_is_told_in_words(world, ann, login):
    announce(world, ann, "http://169.254.169.254/")

    shown = page(login("frontdesk"))

    assert words(shown.select_one(".sms-files")) == (
        "Not taken: not kept by the texting service"
    )
    assert "169.254" not in str(shown)


def test_an_open_page_hears_that_a_picture_came(world, ann, login, clock):
    world.gateway().media[SID] = {media_sid(1): JPEG}
    announce(world, ann, url())
    client = login("frontdesk")
    query = {"conversation": 1}
    first = client.get("/sms/inbox/updates", query_string=query).json
    clock.move(seconds=5)

    fetching.fetch_media(world.app)
    query["pulse"] = first["pulse"]
    told = client.get("/sms/inbox/updates", query_string=query)

    assert 'data-states="waiting"' in first["texts"]
    assert 'data-states="ready"' in told.json["texts"]
    assert "<img" in told.json["texts"]


@on_both
def test_a_file_is_handed_out_as_a_download_and_that_is_written_down(world, ann, login):
    send(world, ann, JPEG)

    answer = login("frontdesk").get(FILE)

    assert answer.data == JPEG
    headers = answer.headers
    assert headers["Content-Type"] == "image/jpeg"
    assert headers["Content-Disposition"] == "attachment; filename=sms-1.jpg"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    [entry] = world.rows(SmsAudit, action="inbox.media")
    assert (entry.object_id, entry.user_name) == (1, "Frontdesk Tester")
    assert entry.practice_id == 1


def test_a_preview_is_a_small_picture_made_anew(world, ann, login):
    send(world, ann, picture(size=(1600, 400), comment=b"hidden words"))

    answer = login("frontdesk").get(PREVIEW)

    assert Image.open(io.BytesIO(answer.data)).size == (800, 200)
    assert b"hidden" not in answer.data
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Content-Disposition" not in answer.headers


@pytest.mark.parametrize(
    "content",
    [PDF, b"\xff\xd8\xff broken", b"\x89PNG\r\n\x1a\n" + b"\0" * 40],
    ids=["pdf", "broken", "empty"],
)
def test_what_has_no_preview_can_be_downloaded_all_the_same(world, ann, login, content):
    send(world, ann, content)
    client = login("frontdesk")

    assert client.get(PREVIEW).status_code == 404
    assert client.get(FILE).data == content


def test_a_file_that_is_no_picture_shows_as_a_link(world, ann, login):
    send(world, ann, PDF)

    [link] = page(login("frontdesk")).select(".sms-files a")

    assert words(link) == "File from the patient (PDF)"
    assert link.img is None


def test_a_viewer_may_look_and_a_visitor_is_sent_to_log_in(world, ann, login, app):
    send(world, ann, JPEG)
    viewer = login("viewer")

    assert viewer.get(PREVIEW).status_code == viewer.get(FILE).status_code == 200
    for path in (FILE, PREVIEW):
        answer = app.test_client().get(path)
        assert answer.status_code == 302
        assert "/login/" in answer.location
    assert [row.user_name for row in world.rows(SmsAudit, action="inbox.media")] == [
        "Viewer Tester"
    ]


def test_an_operator_sees_no_picture(world, ann, login):
    send(world, ann, JPEG)
    client = login("operator")

    assert client.get(FILE).status_code == client.get(PREVIEW).status_code == 403
    assert world.rows(SmsAudit, action="inbox.media") == []


@on_both
def test_another_practices_picture_is_not_found(world, ann, login):
    send(world, ann, JPEG)
    world.enable("birch", "+13125550100")
    client = login("birch")

    assert client.get("/sms/inbox/").status_code == 200
    assert client.get(FILE).status_code == client.get(PREVIEW).status_code == 404
    assert world.rows(SmsAudit, action="inbox.media") == []


@pytest.mark.parametrize("name", ["support", "nobody", "birch"])
def test_without_a_practice_that_texts_there_is_no_picture(world, ann, login, name):
    send(world, ann, JPEG)
    client = login(name)

    assert client.get(FILE).status_code == client.get(PREVIEW).status_code == 404


def test_switched_off_there_is_no_picture(world, ann, login):
    send(world, ann, JPEG)
    client = login("frontdesk")
    with world.session() as session:
        session.get(SmsPractice, 1).enabled = False

    assert client.get(FILE).status_code == client.get(PREVIEW).status_code == 404


@on_both
@pytest.mark.parametrize("number", [0, 999, 2**63 - 1, 2**63, 10**30])
def test_unknown_keys_are_not_found(world, ann, login, number):
    client = login("frontdesk")

    for path in (f"/sms/inbox/media/{number}", f"/sms/inbox/media/{number}/preview"):
        assert client.get(path).status_code == 404


def test_nothing_is_changed_by_a_post(world, ann, login):
    send(world, ann, JPEG)
    client = login("frontdesk")

    assert client.post(FILE).status_code == client.post(PREVIEW).status_code == 405


@on_both
def test_the_page_takes_the_same_few_queries_however_many_pictures(
    world, ann, login, app
):
    client = login("frontdesk")
    send(world, ann, JPEG)
    # The first reading in an hour is written down.
    client.get("/sms/inbox/1")
    with counted_queries(app) as few:
        client.get("/sms/inbox/1")
    for number in range(2, 8):
        sid = f"MM{number:032x}"
        send(world, ann, JPEG, PDF, sid=sid)
        other = world.patient(f"p{number}", first="Pat")
        send(world, other, JPEG, sid=f"SM{number:032x}")
    with counted_queries(app) as many:
        client.get("/sms/inbox/1")

    assert len(many) == len(few)
    assert not [one for one in many if "sms_media.content " in one]


def test_an_erased_text_shows_no_picture(world, ann, login):
    text_in(world, "+12125550190", "Hello")
    send(world, ann, JPEG, body="My card")
    client = login("frontdesk")
    from sms_plugin import forget_patient

    with world.app.test_request_context():
        forget_patient("acme", "ann")

    assert world.rows(SmsMedia) == []
    shown = page(client, "/sms/inbox/2")
    assert bodies(shown) == [ERASED]
    assert shown.select(".sms-files") == []
    assert client.get(FILE).status_code == 404
