"""Signals that a host may connect to, to mail its staff or to raise an alarm.

They carry ids of the host and counts, no patient data, and are sent once: what they
tell is committed as told before they are sent, so a process that dies in between sends
none. All of it shows on the plugin's pages as well. A receiver runs in the beat, or in
the request where a signal says so, within an application context; what it raises is
logged and troubles nobody else.
"""

from __future__ import annotations

from typing import Final

from blinker import Namespace

_signals: Final = Namespace()

pending_reminder = _signals.signal(
    "sms-pending-reminder",
    """Texts of a job have waited ``SMS_REMIND_DAYS`` for somebody to approve them.

    Sent once a job. The sender is the Flask application.

    Args:
        practice_id: the host's id of the practice.
        job_id: the host's id of the job.
        texts: how many texts wait.
        expires_at: when the first of them expires (aware, UTC).
    """,
)

practice_stopped = _signals.signal(
    "sms-practice-stopped",
    """Sending was stopped for a practice by an error of its account or number.

    Sent once a stop, a minute or so after it. The sender is the Flask application. SMS
    Settings says why, and an admin resumes there.

    Args:
        practice_id: the host's id of the practice.
        texts: how many approved texts are held by it.
    """,
)

letter_wanted = _signals.signal(
    "sms-letter-wanted",
    """Staff ask for a letter in place of a text that did not arrive.

    Sent once a text, in the request in which staff ask, after its commit. The sender
    is the Flask application.

    Args:
        practice_id: the host's id of the practice.
        patient_id: the host's id of the patient.
        bill_id: the host's id of the bill; empty where the text is about none.
        text_id: the plugin's id of the text, an int; a key for what the host records.
    """,
)
