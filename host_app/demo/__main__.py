"""``python -m host_app.demo [--once]``: the product with live traffic."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import time
from typing import TYPE_CHECKING, NoReturn

from host_app.demo import cases, settings, stage, yesterday
from host_app.demo.carrier import Carrier
from host_app.demo.ledger import Ledger
from host_app.demo.parts import Supervisor
from host_app.demo.play import Round
from host_app.demo.report import account
from host_app.seed import DEMO_PASSWORD
from host_app.seed_data import LOGINS, USERS

if TYPE_CHECKING:
    from host_app.demo.settings import Demo

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_BEGAN = time.monotonic()


def say(sentence: str) -> None:
    """Tell the newcomer what is going on."""
    sys.stdout.write(f"[{time.monotonic() - _BEGAN:5.1f} s] {sentence}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the demo; the exit code is 0 when database and carrier agree."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="play one round and end")
    once = parser.parse_args().once
    for number in SIGNALS:
        signal.signal(number, _end)
    try:
        demo = settings.prepare()
    except settings.DemoError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        return _run(demo, once=once)
    except settings.DemoError as error:
        sys.stderr.write(f"{error}\nLogs: {demo.folder}\n")
        return 1
    except KeyboardInterrupt:
        say("Stopped.")
        return 0
    finally:
        shutil.rmtree(demo.redis_folder, ignore_errors=True)


def _end(*_: object) -> NoReturn:
    """Unwind, so that every part is ended; once, so that nothing interrupts that."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _run(demo: Demo, *, once: bool) -> int:
    environment = demo.environment()
    os.environ.update(environment)
    ledger = Ledger(demo.database)
    say("Making tables, users and patients.")
    stage.fill()
    say("Starting redis, carrier, portal, worker and beat.")
    with Supervisor(demo, environment, say) as supervisor:
        past = yesterday.application()
        count = stage.take_over_consents(past)
        say(f"{count} consents on paper are taken over into the ledger.")
        say("Support allows two practices; their admins buy a number each.")
        stage.switch_on(demo, ledger)
        carrier = Carrier(demo.carrier_url)
        played = Round(demo, supervisor, ledger, carrier, past, say)
        played.play()
        cases.play(played)
        table, wrong = account(played)
        sys.stdout.write(
            f"\nWhat happened, by the database and the carrier:\n{table}\n\n"
        )
        for sentence in wrong:
            sys.stderr.write(f"DISAGREEMENT: {sentence}\n")
        if wrong:
            return 1
        say("The database and the carrier agree.")
        if not once:
            _welcome(demo)
            while True:
                supervisor.check()
                time.sleep(0.5)
    return 0


def _welcome(demo: Demo) -> None:
    names = ", ".join(user.username for user in USERS if user.is_active)
    patients = ", ".join(email for email, _, _ in LOGINS[:3])
    sys.stdout.write(
        f"""
The portal of the staff   {demo.url}
The portal of patients    {demo.url}/patient/login
The patients' handsets    {demo.carrier_url}

Staff sign in as one of: {names}
Patients sign in as one of: {patients}
Password of all: {DEMO_PASSWORD}

Begin as biller in SMS > Jobs, or as frontdesk in SMS > Text Inbox, and write back from
a handset. docs/demo.md lists where each case stands. Ctrl-C ends everything.
"""
    )
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
