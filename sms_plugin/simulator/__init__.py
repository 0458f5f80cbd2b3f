"""A Twilio-compatible carrier on this machine, with patients' handsets in a browser.

It speaks the part of Twilio's REST API that this plugin uses, calls webhooks signed as
Twilio signs them, refuses what Twilio refuses, and records everything. It listens on
loopback, calls loopback only and keeps its state in memory::

    with running([(account_sid, auth_token)]) as twin:
        twin.carrier.own_number(account_sid, "+14155550100", sms_url=webhook)
        twin.text_in("+14155550132", "+14155550100", "STOP")
"""

from sms_plugin.simulator.callbacks import sign
from sms_plugin.simulator.carrier import Carrier
from sms_plugin.simulator.entities import Account, Condition
from sms_plugin.simulator.faults import Asks, Faults, Kind, Mode, RequestFault
from sms_plugin.simulator.rules import RefusedError
from sms_plugin.simulator.server import (
    DEMO_ACCOUNT_SID,
    DEMO_AUTH_TOKEN,
    Running,
    running,
    serve,
)

__all__ = [
    "DEMO_ACCOUNT_SID",
    "DEMO_AUTH_TOKEN",
    "Account",
    "Asks",
    "Carrier",
    "Condition",
    "Faults",
    "Kind",
    "Mode",
    "RefusedError",
    "RequestFault",
    "Running",
    "running",
    "serve",
    "sign",
]
