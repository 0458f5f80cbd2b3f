"""How generated screens draw their lists, rows and forms."""

from __future__ import annotations

from flask_appbuilder.widgets import (
    FormWidget,
    ListWidget,
    RenderTemplateWidget,
    ShowWidget,
)


class SmsListWidget(ListWidget):
    """A table that becomes cards on a narrow screen."""

    template = "sms_plugin/crud/list_widget.html"


class SmsSearchWidget(RenderTemplateWidget):
    """One field for each column that can be searched."""

    template = "sms_plugin/crud/search_widget.html"


class SmsShowWidget(ShowWidget):
    """The facts of one row."""

    template = "sms_plugin/crud/show_widget.html"


class SmsFormWidget(FormWidget):
    """The fields of a form, each with its label, help and errors."""

    template = "sms_plugin/crud/form_widget.html"
