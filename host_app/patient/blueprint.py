"""The blueprint that the modules of the patient portal add their routes to."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("patient", __name__, url_prefix="/patient")
