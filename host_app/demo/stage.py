"""Setting the stage: tables, users, consents, and two practices that may text."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import sms_plugin
from host_app.app import create_app
from host_app.demo.browser import sign_in
from host_app.demo.settings import DemoError
from host_app.seed import DEMO_PASSWORD
from host_app.seed_data import HARBOR, PATIENTS, STEPS
from sms_plugin.core.phones import PhoneError, parse

if TYPE_CHECKING:
    from flask import Flask

    from host_app.demo.ledger import Ledger
    from host_app.demo.settings import Demo

COMMANDS = (
    ("sms", "db", "upgrade"),
    ("portal", "seed"),
    ("sms", "init"),
    # Once more: only now are there roles of the plugin to give to the users.
    ("portal", "seed"),
)
# Practices that go on texting in the demo: who runs them, and where their number lies.
TEXTING = ((HARBOR, "admin", "415"), (STEPS, "floater", "212"))
# Patients who never said that they want texts.
NO_CONSENT = {"Noconsent", "Unknown-Consent"}


def fill() -> None:
    """Make tables, roles, users and patients, by the commands of the README."""
    # FAB warns that there are no users yet, which is what this is about to change.
    logging.getLogger("flask_appbuilder").setLevel(logging.ERROR)
    app = create_app({"FAB_UPDATE_PERMS": True})
    runner = app.test_cli_runner()
    for words in COMMANDS:
        result = runner.invoke(args=list(words))
        if result.exit_code:
            raise DemoError(f"flask {' '.join(words)} failed:\n{result.output}")


def take_over_consents(app: Flask) -> int:
    """Record the consents that the practices hold on paper; say how many."""
    count = 0
    with app.app_context():
        port = app.extensions["sms_plugin"].port
        for practice, patients in PATIENTS.items():
            if practice not in {ref for ref, _, _ in TEXTING}:
                continue
            for demo in patients:
                if demo.last_name in NO_CONSENT or not demo.phones:
                    continue
                [patient] = port.find_patients(practice, demo.account_number, limit=1)
                for number, label in demo.phones[:1]:
                    try:
                        parse(number)
                    except PhoneError:
                        continue
                    sms_plugin.record_consent(
                        practice,
                        patient.id,
                        number,
                        source="form",
                        wording="2026-01",
                        label=label,
                    )
                    count += 1
    return count


def switch_on(demo: Demo, ledger: Ledger) -> None:
    """Support allows two practices; their admins switch on, buy and choose a number."""
    support = sign_in(demo.url, "support", DEMO_PASSWORD)
    for ref, username, area_code in TEXTING:
        practice_id = ledger.practice_id(ref)
        support.open("/sms/practices/list/")
        support.submit(f"/sms/practices/action/allow/{practice_id}")
        admin = sign_in(demo.url, username, DEMO_PASSWORD)
        admin.open("/sms/settings/")
        if username == "floater":
            admin.submit("/switch", {"practice_id": str(practice_id)})
        admin.submit("/sms/settings/on", {"accept": "y"})
        admin.open(f"/sms/numbers/search?kind=local&area_code={area_code}")
        admin.submit("/sms/numbers/confirm")
        admin.submit("/sms/numbers/buy")
        number_id = ledger.one(
            "SELECT id FROM sms_number WHERE practice_id = ?", practice_id
        )
        admin.open("/sms/numbers/list/")
        admin.submit(f"/sms/numbers/action/choose/{number_id}")
        admin.open("/sms/numbers/list/")
        admin.submit(f"/sms/numbers/action/registered/{number_id}")
    biller = sign_in(demo.url, "biller", DEMO_PASSWORD)
    biller.open("/sms/jobs/")
    biller.submit("/sms/jobs/mails")
