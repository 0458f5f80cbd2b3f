"""Twilio's own clients pointed at the simulator, and a webhook that listens."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.http_client import TwilioHttpClient

ACCOUNT = "AC" + "a1" * 16
TOKEN = "token-of-a"
KEY, SECRET = "SK" + "b2" * 16, "secret-of-the-key"
OTHER_ACCOUNT = "AC" + "c3" * 16
NUMBER = "+14155550160"
PATIENT = "+14155550132"


def at_loopback(url, base):
    """Rewrite one of Twilio's hosts to the simulator, keeping path and query."""
    parts = urlsplit(url)
    assert parts.hostname.endswith(".twilio.com")
    return f"{base}{parts.path}" + (f"?{parts.query}" if parts.query else "")


class LoopbackClient(TwilioHttpClient):
    """Twilio's HTTP client, with only the host rewritten."""

    def __init__(self, base):
        super().__init__(timeout=5)
        self._base = base
        self.headers = {}

    def request(self, method, url, *args, **options):
        answer = super().request(method, at_loopback(url, self._base), *args, **options)
        self.headers = answer.headers
        return answer


class AsyncLoopbackClient(AsyncTwilioHttpClient):
    """The same for Twilio's asynchronous client."""

    def __init__(self, base):
        super().__init__(timeout=5)
        self._base = base

    async def request(self, method, url, *args, **options):
        local = at_loopback(url, self._base)
        return await super().request(method, local, *args, **options)


class _Server(ThreadingHTTPServer):
    # The usual 5 would refuse some of many texts that come at once.
    request_queue_size = 128


class Webhook:
    """Records every form posted to it and answers what it is told."""

    def __init__(self):
        self.calls = []
        self.answers = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = dict(parse_qsl(body, keep_blank_values=True))
                hook.calls.append((self.path, form, dict(self.headers)))
                self.send_response(hook.answers.pop(0) if hook.answers else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()

    @property
    def forms(self):
        return [form for _path, form, _headers in self.calls]

    @property
    def words(self):
        return [form.get("MessageStatus") for form in self.forms]

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
