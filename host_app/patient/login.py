"""Who is signed in to the patient portal, and who has proved which account is theirs.

Both are kept in Flask's signed session under keys of their own.
"""

from __future__ import annotations

import hmac
import unicodedata
from datetime import timedelta
from functools import cache

from flask import session
from sqlalchemy import select
from werkzeug.security import check_password_hash, generate_password_hash

from host_app import clock
from host_app.database import db
from host_app.models import Patient, PortalLogin
from host_app.patient.locks import forget_tries, take_try

LOGIN_KEY = "patient_login"
CHECKED_KEY = "patient_checked"
CHECK_LASTS = timedelta(minutes=30)


def signed_in() -> PortalLogin | None:
    """Return the login of this visitor, or None."""
    login_id = session.get(LOGIN_KEY)
    return None if login_id is None else db.session.get(PortalLogin, login_id)


def sign_in(email: str, password: str) -> bool:
    """Sign in with a password; False if it is wrong or the login is locked."""
    login = db.session.scalars(
        select(PortalLogin).where(PortalLogin.email == email.strip().lower())
    ).first()
    if login is None:
        # Take as long as for a known address, so that the time tells nothing.
        check_password_hash(_nobodys_hash(), password)
        return False
    if not take_try(db.session, login, clock.now()):
        return False
    if not check_password_hash(login.password_hash, password):
        return False
    forget_tries(db.session, login)
    session[LOGIN_KEY] = login.id
    return True


def sign_out() -> None:
    """Forget the login and every identity check of this visitor."""
    session.pop(LOGIN_KEY, None)
    session.pop(CHECKED_KEY, None)


def check_identity(
    patient: Patient, last_name: str, account_number: str
) -> bool | None:
    """Check a visitor's claim to be *patient*; None while the check is locked."""
    if not take_try(db.session, patient, clock.now()):
        return None
    is_right = _same(patient.last_name, last_name) & _same(
        patient.account_number, account_number
    )
    if is_right:
        forget_tries(db.session, patient)
        moment = clock.now().timestamp()
        still_good = {
            key: until
            for key, until in session.get(CHECKED_KEY, {}).items()
            if until > moment
        }
        until = moment + CHECK_LASTS.total_seconds()
        session[CHECKED_KEY] = {**still_good, str(patient.id): until}
    return is_right


def may_see(patient_id: int) -> bool:
    """Whether this visitor owns the account or has just proved that he knows it."""
    login = signed_in()
    if login is not None and login.owns(patient_id):
        return True
    until = session.get(CHECKED_KEY, {}).get(str(patient_id), 0)
    return bool(until > clock.now().timestamp())


def _same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(_folded(ours), _folded(theirs))


def _folded(text: str) -> bytes:
    """The letters and digits alone, without accents: people type Espanol-Diaz too."""
    letters = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in letters if letter.isalnum()).encode()


@cache
def _nobodys_hash() -> str:
    return generate_password_hash("the password of nobody")
