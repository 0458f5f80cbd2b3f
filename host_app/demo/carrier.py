"""The carrier simulator as the demo's patients use it: over HTTP."""

from __future__ import annotations

import os
from typing import Any

import requests

SECONDS = 10


class Carrier:
    """Handsets and the carrier's own record."""

    def __init__(self, url: str) -> None:
        self._url = url

    def record(self) -> dict[str, Any]:
        """What the carrier accepted, refused, received and called."""
        answer = requests.get(f"{self._url}/simulator/record.json", timeout=SECONDS)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def texts_to(self, phone: str) -> list[dict[str, Any]]:
        """Texts of practices to a phone, oldest first."""
        return [text for text in self.record()["accepted"] if text["to"] == phone]

    def inbound_url(self) -> str:
        """Where the carrier has announced texts of patients."""
        calls = self.record()["callbacks"]
        found: str = next(call["url"] for call in calls if call["kind"] == "inbound")
        return found

    def write(
        self, phone: str, number: str, body: str, *, picture: bool = False
    ) -> None:
        """A patient writes from a phone to a practice's number."""
        data = {"from": phone, "to": number, "body": body}
        if picture:
            data["picture"] = "1"
        self._post("/simulator/texts", data)

    def set_condition(self, phone: str, condition: str) -> None:
        """Make a phone a landline, unreachable, and so on."""
        data = {"number": phone, "condition": condition}
        self._post("/simulator/conditions", data)

    def set_fault(self, **fault: Any) -> None:
        """Spoil requests that come next, as ``simulator/faults.py`` words it."""
        self._post("/simulator/faults", {"requests": [fault]})

    def own(self, area_code: str, name: str, sms_url: str) -> str:
        """Give the portal's account a number, as its console does; return it."""
        sid = os.environ["SMS_TWILIO_ACCOUNT_SID"]
        answer = requests.post(
            f"{self._url}/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json",
            auth=(sid, os.environ["SMS_TWILIO_AUTH_TOKEN"]),
            data={"AreaCode": area_code, "FriendlyName": name, "SmsUrl": sms_url},
            timeout=SECONDS,
        )
        answer.raise_for_status()
        found: str = answer.json()["phone_number"]
        return found

    def register(
        self, number: str, state: str, code: int | str = "", about: str = ""
    ) -> None:
        """Say what the carriers know of a practice's number."""
        data = {"number": number, "state": state, "code": code, "about": about}
        self._post("/simulator/registrations", data)

    def _post(self, path: str, data: dict[str, Any]) -> None:
        answer = requests.post(self._url + path, json=data, timeout=SECONDS)
        answer.raise_for_status()
