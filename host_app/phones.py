"""Phone numbers as the portal compares them."""

from __future__ import annotations


def e164(number: str) -> str:
    """The number as ``+1…``, or an empty string where it is no US number.

    The portal keeps what staff wrote, and this beside it to find a phone again.
    """
    from sms_plugin.core.phones import PhoneError, parse

    try:
        return parse(number)
    except PhoneError:
        return ""
