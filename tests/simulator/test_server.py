"""Starting, stopping, and asking twice for one port."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest
import requests

from sms_plugin.simulator import (
    DEMO_ACCOUNT_SID,
    DEMO_AUTH_TOKEN,
    Account,
    Carrier,
    running,
    serve,
)
from tests.simulator.doubles import ACCOUNT, NUMBER, PATIENT, TOKEN


def test_without_accounts_there_is_the_demos():
    with running() as twin:
        assert set(twin.carrier.accounts) == {DEMO_ACCOUNT_SID}
        assert re.fullmatch(r"AC[0-9a-f]{32}", DEMO_ACCOUNT_SID)
        answer = requests.get(
            f"{twin.url}/2010-04-01/Accounts/{DEMO_ACCOUNT_SID}.json",
            auth=(DEMO_ACCOUNT_SID, DEMO_AUTH_TOKEN),
            timeout=5,
        )
        assert answer.json()["status"] == "active"


def test_accounts_are_pairs_or_whole():
    whole = Account("AC" + "d4" * 16, "token", {"SK1": "secret"})

    with running([(ACCOUNT, TOKEN), whole]) as twin:
        assert set(twin.carrier.accounts) == {ACCOUNT, whole.sid}


def test_two_carriers_run_side_by_side():
    with running() as one, running() as two:
        assert one.url != two.url
        assert requests.get(two.url, timeout=5).status_code == 200


def test_a_busy_port_is_the_systems_own_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(OSError, match="address already in use"), running(port=port):
            pytest.fail("it cannot run")
        with pytest.raises(OSError, match="address already in use"):
            serve("127.0.0.1", port)


def test_it_listens_on_loopback_only():
    with pytest.raises(ValueError, match="loopback"):
        serve("0.0.0.0", 0)


def test_it_ends_though_a_text_is_still_on_its_way(hook):
    carrier = Carrier(speed=0.001)
    carrier.own_number(ACCOUNT, NUMBER)
    with running([(ACCOUNT, TOKEN)], carrier=carrier) as twin:
        for callback in ("", hook.url):
            requests.post(
                f"{twin.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
                data={
                    "To": PATIENT,
                    "From": NUMBER,
                    "Body": "Hello",
                    "StatusCallback": callback,
                },
                auth=(ACCOUNT, TOKEN),
                timeout=5,
            )
        with pytest.raises(TimeoutError, match="2 texts are still on their way"):
            twin.wait_idle(0.01)

    assert carrier.texts[0].status == "queued"
    assert not [t for t in threading.enumerate() if t.name == "sms-simulator"]


def test_it_ends_though_a_request_hangs(carrier):
    with running(carrier=carrier) as twin:
        carrier.faults.add("hang", request="any")
        with pytest.raises(requests.exceptions.ReadTimeout):
            requests.get(f"{twin.url}/v2/PhoneNumbers/{PATIENT}", timeout=0.05)


def test_a_texting_test_thread_and_the_loop_do_not_disturb_each_other(carrier, hook):
    carrier.numbers[NUMBER].sms_url = hook.url
    with running(carrier=carrier) as twin:

        def write(sender):
            for n in range(20):
                twin.text_in(sender, NUMBER, f"text {n}", wait=False)

        writers = [
            threading.Thread(target=write, args=(f"+1415555013{n}",)) for n in range(4)
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        twin.wait_idle()

        assert len(hook.calls) == 80
        assert [text.serial for text in carrier.texts] == list(range(80))


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_foreground_server_ends_on_a_signal(ending):
    code = (
        "from sms_plugin.simulator import serve\n"
        "serve(port=0, on_ready=lambda url: print(url, flush=True))\n"
        "print('ended', flush=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        url = process.stdout.readline().strip()
        assert requests.get(url, timeout=5).status_code == 200
        process.send_signal(ending)
        rest = process.stdout.read()

    assert rest == "ended\n"
    assert process.returncode == 0
