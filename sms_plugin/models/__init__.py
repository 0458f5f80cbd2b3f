"""The tables of the plugin; importing this package maps them all."""

from sms_plugin.models.account import SmsAccount
from sms_plugin.models.approval import SmsApproval
from sms_plugin.models.attempt import SmsAttempt
from sms_plugin.models.audit import SmsAudit
from sms_plugin.models.base import Instant, SmsBase, metadata
from sms_plugin.models.choice import SmsCode, SmsPatientChoice
from sms_plugin.models.consent import SmsConsent, SmsConsentEvidence
from sms_plugin.models.conversation import SmsConversation, SmsTask
from sms_plugin.models.counter import SmsCounter
from sms_plugin.models.event import SmsEvent
from sms_plugin.models.imported import SmsImport
from sms_plugin.models.inbox import SmsDraft, SmsMedia, SmsNote, SmsQuickReply
from sms_plugin.models.installation import SmsInstallation, SmsProcess, SmsRefusal
from sms_plugin.models.job import SmsJob
from sms_plugin.models.link import SmsLink
from sms_plugin.models.mail import SmsMail, SmsStaffChoice
from sms_plugin.models.message import SmsMessage, in_state, on_the_way, written
from sms_plugin.models.number import SmsNumber
from sms_plugin.models.payment import SmsPayment
from sms_plugin.models.phone import SmsPatientPhone, SmsPhone, SmsSuppression
from sms_plugin.models.practice import SmsBillingConsent, SmsPractice
from sms_plugin.models.template import SmsTemplate, SmsTemplateRevision
from sms_plugin.models.usage import SmsUsage
from sms_plugin.models.webhook import SmsWebhookEvent

__all__ = [
    "Instant",
    "SmsAccount",
    "SmsApproval",
    "SmsAttempt",
    "SmsAudit",
    "SmsBase",
    "SmsBillingConsent",
    "SmsCode",
    "SmsConsent",
    "SmsConsentEvidence",
    "SmsConversation",
    "SmsCounter",
    "SmsDraft",
    "SmsEvent",
    "SmsImport",
    "SmsInstallation",
    "SmsJob",
    "SmsLink",
    "SmsMail",
    "SmsMedia",
    "SmsMessage",
    "SmsNote",
    "SmsNumber",
    "SmsPatientChoice",
    "SmsPatientPhone",
    "SmsPayment",
    "SmsPhone",
    "SmsPractice",
    "SmsProcess",
    "SmsQuickReply",
    "SmsRefusal",
    "SmsStaffChoice",
    "SmsSuppression",
    "SmsTask",
    "SmsTemplate",
    "SmsTemplateRevision",
    "SmsUsage",
    "SmsWebhookEvent",
    "in_state",
    "metadata",
    "on_the_way",
    "written",
]
