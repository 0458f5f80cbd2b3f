"""What the parts of the demo are told, through their environment."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import socket
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parents[2]
# The demo begins at ten on a weekday where its practices are, so that texts go out.
ZONE, HOUR = ZoneInfo("America/Los_Angeles"), 10
LOCK = "demo.lock"


class DemoError(Exception):
    """The demo cannot go on; the text says what to do."""


@dataclass(frozen=True)
class Demo:
    """Ports and folders of one run; the lock is held until the process ends."""

    port: int
    carrier_port: int
    folder: Path
    redis_folder: Path
    lock: IO[str]

    @property
    def url(self) -> str:
        """Where the portal answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def carrier_url(self) -> str:
        """Where the carrier simulator answers."""
        return f"http://127.0.0.1:{self.carrier_port}"

    @property
    def database(self) -> Path:
        """The demo's database."""
        return self.folder / "portal.db"

    def environment(self) -> dict[str, str]:
        """The environment of every part."""
        return os.environ | {
            "FLASK_APP": "host_app.app:create_app",
            "PYTHONUNBUFFERED": "1",
            "PORTAL_DATABASE_URL": f"sqlite:///{self.database}",
            "PORTAL_SECRET_KEY": secrets.token_hex(32),
            "PORTAL_UPDATE_PERMS": "false",
            "PORTAL_MAIL_FOLDER": str(self.folder / "mail"),
            "SMS_PUBLIC_URL": self.url,
            "SMS_GATEWAY_URL": self.carrier_url,
            "SMS_TWILIO_ACCOUNT_SID": f"AC{secrets.token_hex(16)}",
            "SMS_TWILIO_AUTH_TOKEN": secrets.token_hex(16),
            "SMS_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "SMS_HASH_KEY": secrets.token_hex(32),
            "SMS_REDIS_DIR": str(self.redis_folder),
            "SMS_BEAT_SECONDS": "1",
            "SMS_RATE_LOCAL": "20",
            "SMS_UNDO_MINUTES": "1",
            "SMS_CLOCK_SHIFT": str(_shift_to_morning(datetime.now(UTC))),
        }


def prepare() -> Demo:
    """Read the ports, and begin with empty folders.

    Raises:
        DemoError: a port is no number, or somebody listens there already; or the
            folder is another demo's, or somebody's own.
    """
    port = _free_port("DEMO_PORT", 5080)
    carrier_port = _free_port("DEMO_CARRIER_PORT", 5081)
    folder = Path(os.environ.get("DEMO_FOLDER") or ROOT / "instance" / "demo").resolve()
    lock = _lock(folder)
    _clear(folder)
    # A socket's path must be short, and nobody knows how deep this project lies.
    redis_folder = Path(tempfile.mkdtemp(prefix="sms-demo-"))
    return Demo(port, carrier_port, folder, redis_folder, lock)


def _lock(folder: Path) -> IO[str]:
    """Keep other demos out of a folder; two would write into one database."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # What is there and was made by no demo is somebody's own, and is not deleted.
        if any(folder.iterdir()) and not (folder / LOCK).exists():
            raise DemoError(
                f"{folder} holds files that no demo made. Choose an empty folder: "
                "make demo DEMO_FOLDER=instance/second"
            )
        lock = (folder / LOCK).open("w")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DemoError(
            f"Another demo runs in {folder}. End it, or give this one a folder and "
            "ports of its own: make demo DEMO_FOLDER=instance/second DEMO_PORT=5180 "
            "DEMO_CARRIER_PORT=5181"
        ) from None
    except OSError as error:
        raise DemoError(
            f"{folder} cannot be used ({error.strerror}). Choose another one: "
            "make demo DEMO_FOLDER=instance/second"
        ) from None
    return lock


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()


def _free_port(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise DemoError(f"{name} must be a port number from 1 to 65535, got {text!r}.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(text)))
        except OSError as error:
            raise DemoError(
                f"Port {text} cannot be used ({error.strerror}). End the program that "
                f"has it, or choose another one: make demo {name}={int(text) + 100}"
            ) from None
    return int(text)


def _shift_to_morning(now: datetime) -> float:
    """Seconds from *now* to ten o'clock of the next weekday, today's counted."""
    local = now.astimezone(ZONE)
    morning = local.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    while morning.weekday() > 4:
        morning += timedelta(days=1)
    return (morning.astimezone(UTC) - now).total_seconds()
