"""The filters above a list: they find, they stay, and they lead back."""

from __future__ import annotations

import pytest

from tests.web import pages
from tests.web.test_crud import add_messages


@pytest.fixture
def two_patients(world):
    """Maya agreed to texts, Noor did not."""
    world.enable()
    world.patient("p1", first="Maya")
    world.patient("p2", first="Noor", consent=False)


def column(answer, label):
    """What a column of the list says, row by row."""
    cells = pages.soup(answer).select(f'.sms-table td[data-label="{label}"]')
    return [" ".join(cell.get_text(" ").split()) for cell in cells]


def fields(answer):
    """The fields of the filters, by their labels."""
    page = pages.soup(answer)
    return {
        label.text: page.find(id=label["for"])
        for label in page.select(".sms-search label")
    }


def test_every_column_that_can_be_searched_is_one_field(two_patients, login):
    answer = login("admin").get("/sms/phones/list/")

    shown = fields(answer)
    assert list(shown) == [
        "Patient", "Phone", "Consent of the patient", "Texts",
    ]  # fmt: skip
    assert shown["Patient"].name == "input"
    assert [option.text for option in shown["Texts"].select("option")] == [
        "All", "On", "Off",
    ]  # fmt: skip


def test_an_answer_finds_and_stays_in_its_field(two_patients, login):
    client = login("admin")
    name = fields(client.get("/sms/phones/list/"))["Patient"]["name"]

    answer = client.get("/sms/phones/list/", query_string={name: " noor "})

    assert column(answer, "Patient") == ["Noor Example"]
    assert fields(answer)["Patient"]["value"] == " noor "
    assert pages.soup(answer).find("a", string="Clear")["href"] == "/sms/phones/list/"


@pytest.mark.parametrize(("value", "found"), [("y", "Maya"), ("n", "Noor")])
def test_a_switch_is_searched_by_its_words(two_patients, login, value, found):
    client = login("admin")
    name = fields(client.get("/sms/phones/list/"))["Texts"]["name"]

    answer = client.get("/sms/phones/list/", query_string={name: value})

    assert column(answer, "Patient") == [f"{found} Example"]


@pages.on_sqlite
def test_an_empty_answer_is_no_filter(two_patients, login):
    client = login("admin")
    names = [
        field["name"] for field in fields(client.get("/sms/phones/list/")).values()
    ]

    answer = client.get("/sms/phones/list/", query_string=dict.fromkeys(names, ""))

    assert len(column(answer, "Patient")) == 2
    assert not pages.soup(answer).find("a", string="Clear")


@pages.on_sqlite
def test_a_filter_of_an_address_that_no_field_shows_is_named_and_kept(
    two_patients, login
):
    answer = login("admin").get("/sms/phones/list/?_flt_0_patient_name=Ma")

    form = pages.soup(answer).select_one(".sms-search")
    assert column(answer, "Patient") == ["Maya Example"]
    assert form.select_one("input[name=_flt_0_patient_name]")["value"] == "Ma"
    assert "Patient: Starts with Ma" in " ".join(form.get_text(" ").split())


@pages.on_sqlite
def test_a_search_that_finds_nothing_can_be_cleared(two_patients, login):
    answer = login("admin").get("/sms/phones/list/?_flt_2_patient_name=Zoe")

    assert "Nothing matches" in pages.words(answer)
    assert pages.soup(answer).find("a", string="Clear")


@pages.on_sqlite
def test_an_empty_list_offers_no_filters(world, login):
    world.enable()

    answer = login("admin").get("/sms/phones/list/")

    assert not fields(answer)
    assert "No patient has a phone" in pages.words(answer)


@pytest.mark.parametrize("value", ["a\0b", "x" * 201])
def test_what_no_database_can_search_is_not_found(two_patients, login, value):
    answer = login("admin").get(
        "/sms/phones/list/", query_string={"_flt_2_patient_name": value}
    )

    assert answer.status_code == 404


@pages.on_sqlite
def test_a_search_keeps_the_order_and_begins_on_the_first_page(two_patients, login):
    view = "SmsPatientPhonesView"
    order = {f"_oc_{view}": "patient_name", f"_od_{view}": "asc"}

    answer = login("admin").get(
        "/sms/phones/list/", query_string=order | {f"page_{view}": "0"}
    )

    hidden = pages.soup(answer).select(".sms-search input[type=hidden]")
    assert {field["name"]: field["value"] for field in hidden} == order


@pages.on_sqlite
class TestTheWayBack:
    def test_a_row_leads_back_to_the_same_filters_and_page(self, world, login):
        add_messages(world, world.enable(), 60, state="failed")
        client = login("viewer")
        older = pages.soup(client.get("/sms/messages/list/?_flt_3_state=failed"))
        address = older.select_one("a[rel=next]")["href"]
        row = pages.soup(client.get(address)).select_one(".sms-row-actions a")["href"]

        back = pages.soup(client.get(row)).find("a", string="Messages")["href"]

        assert back == address

    def test_an_action_leads_back_to_it_too(self, world, login):
        add_messages(world, world.enable(), 1, state="review")
        client = login("biller")
        address = "/sms/messages/list/?_flt_3_state=review"
        client.get(address)

        answer = client.post("/sms/messages/action/leave/1")

        assert answer.status_code == 302
        assert answer.location == address

    def test_another_list_is_not_mistaken_for_it(self, world, login):
        world.enable()
        world.patient("p1")
        client = login("admin")
        client.get("/sms/messages/list/?_flt_3_state=failed")

        page = pages.soup(client.get("/sms/phones/show/1"))

        assert page.find("a", string="Patient phones")["href"] == "/sms/phones/list/"

    def test_pages_of_a_counted_list_keep_its_filters(self, world, login):
        world.enable()
        for number in range(30):
            world.patient(f"p{number}", phone=f"+121255501{number:02}")

        answer = login("admin").get("/sms/phones/list/?_flt_3_consent=granted")

        following = pages.soup(answer).select_one("a[rel=next]")["href"]
        assert "_flt_3_consent=granted" in following
        assert "30 in all, page 1 of 2" in pages.words(answer)

    def test_a_page_behind_the_last_one_says_so(self, world, login):
        world.enable()
        world.patient("p1")

        answer = login("admin").get("/sms/phones/list/?page_SmsPatientPhonesView=7")

        assert "This page is empty" in pages.words(answer)
