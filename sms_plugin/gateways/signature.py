"""The arithmetic of Twilio's webhook signatures, without Twilio's package.

The signed string is the URL that was called, then every parameter's name and value,
by name; a repeated name gives each of its different values once, in order. See
https://www.twilio.com/docs/usage/security.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


def sign(token: str, url: str, params: Mapping[str, Sequence[str]]) -> str:
    """Return the signature (HMAC-SHA1, base64) of a form posted to *url*.

    Raises:
        ValueError: the token is empty, which would let anybody sign.
    """
    return _digest(token, url + _joined(params))


def is_signed(
    tokens: Iterable[str],
    url: str,
    params: Mapping[str, Sequence[str]],
    signature: str,
) -> bool:
    """Say whether one of the tokens signed this; whatever goes wrong means no.

    Twilio is not consistent about naming a port, so the URL is also tried with and
    without one; the URL as configured comes first and is usually the only one tried.
    """
    try:
        given = signature.encode()
        tail = _joined(params)
        keys = [token for token in tokens if token]
        return any(
            hmac.compare_digest(_digest(key, spelling + tail).encode(), given)
            for spelling in _spellings(url)
            for key in keys
        )
    except Exception:  # noqa: BLE001  a forged request may hold anything: fail closed
        return False


def _digest(token: str, text: str) -> str:
    if not token:
        raise ValueError("A signature needs a token.")
    return b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()


def _joined(params: Mapping[str, Sequence[str]]) -> str:
    return "".join(
        name + value
        for name in sorted(params)
        for value in sorted(set(_values(params, name)))
    )


def _values(params: Mapping[str, Sequence[str]], name: str) -> Sequence[str]:
    # A form of Werkzeug's answers [] with its first value only, and getlist with all.
    getlist = getattr(params, "getlist", None)
    values: Sequence[str] = getlist(name) if getlist else params[name]
    return [values] if isinstance(values, str) else values


def _spellings(url: str) -> Iterator[str]:
    """Yield the URL as given, then the same place with or without its port."""
    yield url
    parts = urlsplit(url)
    if parts.port:
        yield urlunsplit(parts._replace(netloc=parts.netloc.rpartition(":")[0]))
    else:
        port = 443 if parts.scheme == "https" else 80
        yield urlunsplit(parts._replace(netloc=f"{parts.netloc}:{port}"))
