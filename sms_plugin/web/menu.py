"""The plugin's views and their places in the menu."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from sms_plugin.web import guards, roles
from sms_plugin.web.abouts import SmsAboutsView
from sms_plugin.web.crud import (
    SmsAuditView,
    SmsEventsView,
    may_see_audit,
)
from sms_plugin.web.dashboard import SmsDashboardView
from sms_plugin.web.failures import SmsFailuresView
from sms_plugin.web.funnel import SmsOutcomeView
from sms_plugin.web.inbox import SmsInboxView
from sms_plugin.web.job_life import SmsJobLifeView
from sms_plugin.web.jobs import SmsDeskView, SmsJobView
from sms_plugin.web.language import lazy
from sms_plugin.web.ledger import SmsConsentsView
from sms_plugin.web.media import SmsMediaView
from sms_plugin.web.messages import SmsMessagesView
from sms_plugin.web.numbers import SmsNumbersView
from sms_plugin.web.operations import SmsOperationsView
from sms_plugin.web.panel_views import SmsPanelView
from sms_plugin.web.phone_files import SmsPhoneFilesView
from sms_plugin.web.phones import SmsPatientPhonesView
from sms_plugin.web.practices import SmsPracticesView
from sms_plugin.web.quick_replies import SmsQuickRepliesView, SmsQuickUseView
from sms_plugin.web.settings import SmsSettingsView
from sms_plugin.web.strays import SmsStrayNumbersView
from sms_plugin.web.tasks import SmsTasksView
from sms_plugin.web.team import SmsTeamView
from sms_plugin.web.templates_views import SmsTemplatesView
from sms_plugin.web.transcripts import SmsTranscriptsView
from sms_plugin.web.usage import SmsUsageView

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask_appbuilder import AppBuilder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A view in the menu; *shows* tells when, beside the user's permission."""

    view: Any
    label: str
    icon: str
    shows: Callable[[], bool] | None = guards.texting_is_on


ENTRIES = (
    Entry(SmsDashboardView, lazy("Dashboard"), "fa-bar-chart"),
    Entry(SmsInboxView, lazy("Text Inbox"), "fa-comments"),
    Entry(SmsTasksView, lazy("To do"), "fa-check-circle"),
    Entry(SmsJobView, lazy("Jobs"), "fa-tasks"),
    Entry(SmsMessagesView, lazy("Messages"), "fa-envelope"),
    Entry(SmsFailuresView, lazy("Did not arrive"), "fa-exclamation-circle"),
    Entry(SmsUsageView, lazy("Usage"), "fa-money"),
    Entry(SmsPatientPhonesView, lazy("Patient Phones"), "fa-mobile"),
    Entry(SmsTemplatesView, lazy("Templates"), "fa-file-text"),
    Entry(SmsNumbersView, lazy("Numbers"), "fa-phone"),
    Entry(SmsConsentsView, lazy("Consent Ledger"), "fa-check-square"),
    Entry(SmsAuditView, lazy("Audit Log"), "fa-history", may_see_audit),
    Entry(SmsSettingsView, lazy("SMS Settings"), "fa-cog", guards.texting_is_allowed),
    Entry(SmsPracticesView, lazy("Practices"), "fa-building", None),
    Entry(SmsStrayNumbersView, lazy("Unassigned Numbers"), "fa-inbox", None),
    Entry(SmsOperationsView, lazy("Operations"), "fa-heartbeat", None),
    Entry(SmsEventsView, lazy("Webhook Events"), "fa-bolt", None),
)
WITHOUT_ENTRY = (
    SmsAboutsView,
    SmsDeskView,
    SmsJobLifeView,
    SmsMediaView,
    SmsOutcomeView,
    SmsPanelView,
    SmsPhoneFilesView,
    SmsQuickRepliesView,
    SmsQuickUseView,
    SmsTeamView,
    SmsTranscriptsView,
)


def names() -> set[str]:
    """Every name that the plugin has permissions on."""
    views = [entry.view for entry in ENTRIES]
    own = {view.class_permission_name for view in (*views, *WITHOUT_ENTRY)}
    entries = {roles.entry_name(view.class_permission_name) for view in views}
    return own | entries | {roles.CATEGORY}


def register(appbuilder: AppBuilder) -> None:
    """Add every view, and the menu entries that show by role and by practice."""
    for entry in ENTRIES:
        appbuilder.add_view(
            entry.view,
            roles.entry_name(entry.view.class_permission_name),
            label=entry.label,
            icon=entry.icon,
            category=roles.CATEGORY,
            category_icon="fa-commenting",
            menu_cond=_careful(entry.shows) if entry.shows else None,
        )
    for view in WITHOUT_ENTRY:
        appbuilder.add_view_no_menu(view)
    category = appbuilder.menu.find(roles.CATEGORY)
    category.cond = lambda: any(
        appbuilder.sm.has_access("menu_access", item.name) and item.should_render()
        for item in category.childs
    )


def _careful(shows: Callable[[], bool]) -> Callable[[], bool]:
    """Hide an entry when the database cannot answer: the host's page still shows."""

    def answer() -> bool:
        try:
            return shows()
        except SQLAlchemyError:
            guards.db().rollback()
            log.exception("The menu could not be read. Run: flask sms doctor")
            return False

    return answer
