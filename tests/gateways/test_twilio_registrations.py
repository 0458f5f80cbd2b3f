"""What the carriers know of a number, as Twilio's client tells it."""

from __future__ import annotations

import pytest

from sms_plugin.core import registrations as words
from sms_plugin.errors import GatewayError, Retry
from sms_plugin.gateways.base import Registration, Service
from tests.gateways import carrier as answers

NUMBER, TOLL_FREE = "+14155550142", "+18335550142"
SID, GROUP = "PN" + "1" * 32, "MG" + "1" * 32
OPT_IN = "How patients agree to be texted is not shown well enough."
WEBSITE = "The website cannot be reached or does not fit."
CAMPAIGN, BRAND = "QE" + "1" * 32, "BN" + "1" * 32


def page(key, *rows):
    return answers.replies({key: list(rows), "meta": {"key": key}})


def campaign(status, **fields):
    return page(
        "compliance",
        {
            "sid": CAMPAIGN,
            "brand_registration_sid": BRAND,
            "campaign_status": status,
        }
        | fields,
    )


def brand(status, **fields):
    return answers.replies({"sid": BRAND, "status": status} | fields)


def verification(status, **fields):
    return page("verifications", {"sid": "HH1", "status": status} | fields)


def local(gateway):
    return gateway.registration_of(NUMBER, SID, service_sid=GROUP)


def test_services_are_told_with_their_numbers(gateway, carrier):
    record = {
        "sid": GROUP,
        "inbound_request_url": None,
        "use_inbound_webhook_on_number": False,
    }
    carrier.script.extend(
        [
            page("services", record, record | {"sid": "odd"}),
            page("phone_numbers", {"sid": SID, "phone_number": NUMBER}),
        ]
    )

    assert gateway.services() == [
        Service(GROUP, "", heeds_numbers=False, numbers=frozenset({NUMBER}))
    ]
    assert [call.path for call in carrier.calls] == [
        "/v1/Services",
        f"/v1/Services/{GROUP}/PhoneNumbers",
    ]


def test_a_service_is_told_to_heed_its_numbers(gateway, carrier):
    carrier.script.append(answers.replies({"sid": GROUP}))

    gateway.configure_service(GROUP)

    [call] = carrier.calls
    assert (call.method, call.path) == ("POST", f"/v1/Services/{GROUP}")
    assert call.form == [("UseInboundWebhookOnNumber", "true")]


@pytest.mark.parametrize(
    ("campaigns", "brands", "expected"),
    [
        (
            campaign("VERIFIED"),
            brand("APPROVED"),
            Registration("verified", "", CAMPAIGN),
        ),
        (
            campaign("VERIFIED"),
            brand("IN_REVIEW"),
            Registration("verified", "", CAMPAIGN),
        ),
        (
            campaign("IN_PROGRESS"),
            brand("APPROVED"),
            Registration("pending", words.CAMPAIGN_PENDING, CAMPAIGN),
        ),
        (
            campaign("IN_PROGRESS"),
            brand("PENDING"),
            Registration("pending", words.BRAND_PENDING, BRAND),
        ),
        (
            campaign("VERIFIED"),
            brand("SUSPENDED"),
            Registration("failed", words.BRAND_SUSPENDED, BRAND),
        ),
        (
            campaign("VERIFIED", brand_registration_sid=None),
            None,
            Registration("verified", "", CAMPAIGN),
        ),
        (page("compliance"), None, Registration("none", words.NO_CAMPAIGN)),
        (campaign("LASER"), None, None),
    ],
)
def test_a_local_number_is_registered_by_its_campaign_and_brand(
    gateway, carrier, campaigns, brands, expected
):
    carrier.script.extend(answer for answer in (campaigns, brands) if answer)

    assert local(gateway) == expected
    paths = [call.path for call in carrier.calls]
    assert paths[0] == f"/v1/Services/{GROUP}/Compliance/Usa2p"
    assert paths[1:] == ([f"/v1/a2p/BrandRegistrations/{BRAND}"] if brands else [])


def test_why_a_campaign_was_refused_is_said_in_our_words(gateway, carrier):
    errors = [
        {
            "error_code": 30909,
            "fields": ["MESSAGE_FLOW"],
            "description": "Words of the gateway that nobody sees.",
        },
        {"error_code": 30883, "fields": []},
        {"error_code": 39999, "fields": ["SOMETHING"]},
        "odd",
    ]
    carrier.script.append(campaign("FAILED", errors=errors))

    said = local(gateway)

    assert said.state == "failed"
    assert said.note == (
        "The carriers refused the campaign. How patients agree to be texted is not "
        "shown well enough. What the texts say is not allowed. The gateway's error "
        "code is 39999."
    )


def test_a_brand_that_was_refused_names_what_does_not_fit(gateway, carrier):
    errors = [{"code": 30794, "fields": ["business_registration_number"]}]
    carrier.script.extend([campaign("IN_PROGRESS"), brand("FAILED", errors=errors)])

    assert local(gateway).note == (
        "The practice's brand was refused. The tax number does not fit the legal name."
    )


def test_a_local_number_without_a_service_is_known_without_a_call(gateway, carrier):
    said = gateway.registration_of(NUMBER, SID)

    assert said == Registration("none", words.NO_CAMPAIGN)
    assert carrier.calls == []


@pytest.mark.parametrize(
    ("answer", "state", "note"),
    [
        (verification("TWILIO_APPROVED"), "verified", ""),
        (verification("IN_REVIEW"), "pending", words.VERIFICATION_PENDING),
        (verification("PENDING_REVIEW"), "pending", words.VERIFICATION_PENDING),
        (
            verification(
                "TWILIO_REJECTED",
                edit_allowed=True,
                rejection_reasons=[{"code": 30551, "reason": "whatever"}],
            ),
            "failed",
            f"{words.VERIFICATION_REFUSED} {OPT_IN} {words.MAY_EDIT}",
        ),
        (
            verification("TWILIO_REJECTED", rejection_reason="Website is down."),
            "failed",
            f"{words.VERIFICATION_REFUSED} {WEBSITE}",
        ),
        (page("verifications"), "none", words.NO_VERIFICATION),
    ],
)
def test_a_toll_free_number_is_registered_by_its_verification(
    gateway, carrier, answer, state, note
):
    carrier.script.append(answer)

    said = gateway.registration_of(TOLL_FREE, SID, service_sid=GROUP)

    assert (said.state, said.note) == (state, note)
    [call] = carrier.calls
    assert call.path == "/v1/Tollfree/Verifications"
    assert ("TollfreePhoneNumberSid", SID) in call.query


def test_of_several_verifications_the_best_counts(gateway, carrier):
    rows = [
        {"sid": f"HH{n}", "status": status}
        for n, status in enumerate(("TWILIO_REJECTED", "TWILIO_APPROVED", "LASER"))
    ]
    carrier.script.append(page("verifications", *rows))

    assert gateway.registration_of(TOLL_FREE, SID).state == "verified"


def test_a_word_that_is_new_is_logged_once(gateway, carrier, caplog):
    carrier.otherwise = campaign("MASER")

    assert [local(gateway) for _ in range(2)] == [None, None]
    assert caplog.text.count("MASER") == 1


@pytest.mark.parametrize(
    ("answer", "retry"),
    [
        (answers.refuses(403, 20403), Retry.NEVER),
        (answers.refuses(429, 20429), Retry.LATER),
    ],
)
def test_a_gateway_that_does_not_tell_is_an_error(gateway, carrier, answer, retry):
    carrier.otherwise = answer

    for call in (lambda: local(gateway), gateway.services):
        with pytest.raises(GatewayError) as error:
            call()
        assert error.value.retry is retry


@pytest.mark.parametrize("sid", ["", "PN1", f"{SID}/../x"])
def test_an_id_that_is_none_is_not_asked_for(gateway, carrier, sid):
    with pytest.raises(GatewayError):
        gateway.registration_of(NUMBER, sid, service_sid=GROUP)
    with pytest.raises(GatewayError):
        gateway.registration_of(NUMBER, SID, service_sid=f"{sid}x")
    with pytest.raises(GatewayError):
        gateway.configure_service(sid)

    assert carrier.calls == []
