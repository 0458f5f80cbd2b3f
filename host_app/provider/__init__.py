"""The provider portal: FAB views for the staff of practices."""

from host_app.provider.dashboard import PortalIndex
from host_app.provider.menu import register

__all__ = ["PortalIndex", "register"]
