"""The patient portal: seeing bills, paying them, autopay and preferences.

Plain Flask beside FAB: patients are no FAB users and share nothing with staff pages.
"""

from host_app.patient import (  # noqa: F401  (they add routes to the blueprint)
    accounts,
    pay,
    views,
)
from host_app.patient.blueprint import blueprint

__all__ = ["blueprint"]
