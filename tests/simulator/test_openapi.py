"""Every answer fits the schema in Twilio's own OpenAPI description."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests
from jsonschema.validators import validator_for
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from tests.simulator.doubles import ACCOUNT, NUMBER, PATIENT, TOKEN

CONTRACT = Path(__file__).parents[1] / "contracts" / "twilio_sms_subset.json"
BASE = "/2010-04-01/Accounts/{AccountSid}"


@pytest.fixture(scope="module")
def contract():
    return json.loads(CONTRACT.read_text())


@pytest.fixture
def check(contract):
    """Validate an answer against the schema of a path, strictly."""
    registry = Registry().with_resource(
        "urn:twilio", Resource.from_contents(contract, default_specification=DRAFT4)
    )

    def closed(schema):
        """Return the schema with no room for fields that Twilio does not have."""
        return {**schema, "additionalProperties": False}

    for schema in contract["components"]["schemas"].values():
        if schema.get("type") == "object":
            schema.update(closed(schema))

    def validate(answer, path, method, key=None):
        operation = contract["paths"][path][method]
        (schema,) = (
            content["schema"]
            for content in operation["responses"][str(answer.status_code)][
                "content"
            ].values()
        )
        text = json.dumps(schema).replace('"#/', '"urn:twilio#/')
        validator = OAS30Validator(
            closed(json.loads(text)) if "properties" in schema else json.loads(text),
            registry=registry,
            format_checker=oas30_format_checker,
        )
        errors = [error.message for error in validator.iter_errors(answer.json())]
        assert errors == []
        if key:
            assert answer.json()[key]

    return validate


@pytest.fixture
def ask(twin):
    with requests.Session() as session:
        session.auth = (ACCOUNT, TOKEN)

        def request(method, path, **options):
            url = twin.url + path.replace("{AccountSid}", ACCOUNT)
            return session.request(method, url, timeout=5, **options)

        yield request


def test_the_contract_is_one_the_validator_reads(contract):
    assert contract["openapi"].startswith("3.0")
    assert validator_for(contract, default=OAS30Validator)
    assert len(contract["paths"]) == 17


def test_messages_fit(ask, check, twin):
    path = f"{BASE}/Messages.json"
    twin.carrier.set_condition(PATIENT, "landline")
    form = {"To": PATIENT, "From": NUMBER, "Body": "Hello"}

    created = ask("POST", path, data=form)
    twin.wait_idle()
    twin.text_in(PATIENT, NUMBER, "STOP")

    check(created, path, "post")
    check(ask("GET", path, params={"PageSize": 2}), path, "get", "messages")
    sid = created.json()["sid"]
    fetched = ask("GET", f"{BASE}/Messages/{sid}.json")
    check(fetched, f"{BASE}/Messages/{{Sid}}.json", "get")
    assert fetched.json()["error_code"] == 30006


def test_numbers_fit(ask, check):
    path = f"{BASE}/IncomingPhoneNumbers.json"
    one = f"{BASE}/IncomingPhoneNumbers/{{Sid}}.json"
    bought = ask("POST", path, data={"PhoneNumber": "+15035550177"})

    check(bought, path, "post")
    check(ask("GET", path), path, "get", "incoming_phone_numbers")
    own = one.replace("{Sid}", bought.json()["sid"])
    check(ask("GET", own), one, "get")
    check(ask("POST", own, data={"SmsUrl": "http://127.0.0.1/x"}), one, "post")
    released = ask("DELETE", own)
    assert (released.status_code, released.content) == (204, b"")


@pytest.mark.parametrize("kind", ["Local", "TollFree"])
def test_numbers_for_sale_fit(ask, check, kind):
    path = f"{BASE}/AvailablePhoneNumbers/{{CountryCode}}/{kind}.json"

    check(
        ask("GET", path.replace("{CountryCode}", "US")),
        path,
        "get",
        "available_phone_numbers",
    )


def test_the_account_fits(ask, check):
    check(ask("GET", f"{BASE}.json"), "/2010-04-01/Accounts/{Sid}.json", "get")
    check(ask("GET", f"{BASE}/Balance.json"), f"{BASE}/Balance.json", "get")


def test_an_error_has_twilios_four_fields_and_headers(ask):
    answer = ask("POST", f"{BASE}/Messages.json", data={"From": NUMBER})

    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "message", "more_info", "status"}
    assert answer.json()["more_info"].endswith("/21604")
    assert answer.headers["Twilio-Request-Id"].startswith("RQ")


def test_dates_are_rfc_2822(ask):
    form = {"To": PATIENT, "From": NUMBER, "Body": "Hello"}
    created = ask("POST", f"{BASE}/Messages.json", data=form).json()["date_created"]

    assert created.endswith(" +0000")
    assert created[3:5] == ", "


def test_a_list_names_its_pages_by_path(ask, twin):
    for n in range(3):
        twin.text_in(PATIENT, NUMBER, f"text {n}")

    page = ask("GET", f"{BASE}/Messages.json", params={"PageSize": 2, "To": NUMBER})

    body = page.json()
    assert (body["page"], body["page_size"], body["start"], body["end"]) == (0, 2, 0, 1)
    assert body["next_page_uri"].startswith(f"/2010-04-01/Accounts/{ACCOUNT}/Messages")
    assert "To=%2B14155550160" in body["next_page_uri"]
    assert ask("GET", body["next_page_uri"]).json()["next_page_uri"] is None
