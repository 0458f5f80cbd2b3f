"""The kinds of text, what each must and may contain, and the default words."""

from __future__ import annotations

from dataclasses import dataclass

from sms_plugin.core.language import mark

_ALWAYS = frozenset(
    {
        "patient_name",
        "first_name",
        "practice_name",
        "practice_phone",
        "payment_link",
        "preference_link",
    }
)
_BILL = _ALWAYS | {"amount_due", "due_date", "invoice_number"}
_PAYMENT = _BILL | {"amount_paid", "paid_on", "reference"}


@dataclass(frozen=True, slots=True)
class Kind:
    """Rules of one kind of text.

    Attributes:
        label: as staff read it, once it is said.
        variables: names that its template may hold.
        required: names that it must hold. The practice's name is one of them in every
            kind: carriers want the sender named, and so do patients.
        stop_hint: whether it must say how to stop (Reg F 1006.6(e), CTIA).
    """

    label: str
    variables: frozenset[str]
    required: frozenset[str]
    stop_hint: bool = True


_LINKED = frozenset({"practice_name", "payment_link"})
# The end of the text of "flask sms send-test", which has no row.
TEST_WORDS = "this is a test of texting. No reply is needed."

KINDS: dict[str, Kind] = {
    "invoice": Kind(mark("Invoice"), _BILL, _LINKED),
    "autopay_invoice": Kind(
        mark("Invoice with autopay"), _BILL, frozenset({"practice_name"})
    ),
    "reminder": Kind(mark("Reminder"), _BILL, _LINKED),
    "payment_plan": Kind(mark("Payment plan"), _BILL, _LINKED),
    "payment_confirmation": Kind(
        mark("Payment confirmation"), _PAYMENT, frozenset({"practice_name"})
    ),
    "failed_autopay": Kind(mark("Failed autopay"), _BILL | {"failure_reason"}, _LINKED),
}

DEFAULTS: dict[tuple[str, str], str] = {
    ("invoice", "en"): (
        "{{ practice_name }}: Hi {{ first_name }}, you have a new statement. "
        "View and pay: {{ payment_link }} Reply STOP to opt out."
    ),
    ("invoice", "es"): (
        "{{ practice_name }}: Hola {{ first_name }}, tiene un nuevo estado de cuenta. "
        "Vea y pague: {{ payment_link }} Responda STOP para no recibir."
    ),
    ("autopay_invoice", "en"): (
        "{{ practice_name }}: Hi {{ first_name }}, you have a new statement. No action "
        "is needed, autopay is on. See it: {{ payment_link }} Reply STOP to opt out."
    ),
    ("autopay_invoice", "es"): (
        "{{ practice_name }}: Hola {{ first_name }}, tiene un nuevo estado de cuenta. "
        "No haga nada, se paga solo: {{ payment_link }} Responda STOP para no recibir."
    ),
    ("reminder", "en"): (
        "{{ practice_name }}: Hi {{ first_name }}, a reminder about your statement. If "
        "you paid, thank you. View: {{ payment_link }} Reply STOP to opt out."
    ),
    ("reminder", "es"): (
        "{{ practice_name }}: Hola {{ first_name }}, le recordamos su cuenta. "
        "Si ya hizo el pago, gracias: {{ payment_link }} Responda STOP para no recibir."
    ),
    ("payment_plan", "en"): (
        "{{ practice_name }}: Hi {{ first_name }}, your plan has a payment coming up. "
        "See it: {{ payment_link }} Reply STOP to opt out."
    ),
    ("payment_plan", "es"): (
        "{{ practice_name }}: Hola {{ first_name }}, su plan tiene un pago pendiente. "
        "Vea: {{ payment_link }} Responda STOP para no recibir."
    ),
    ("payment_confirmation", "en"): (
        "{{ practice_name }}: Thank you {{ first_name }}, we received your payment on "
        "{{ paid_on }} (ref. {{ reference }}). Questions? Reply here. "
        "Reply STOP to opt out."
    ),
    ("payment_confirmation", "es"): (
        "{{ practice_name }}: Gracias {{ first_name }}, recibimos su pago el "
        "{{ paid_on }} (ref. {{ reference }}). ¿Preguntas? Responda. "
        "Responda STOP para no recibir."
    ),
    ("failed_autopay", "en"): (
        "{{ practice_name }}: Hi {{ first_name }}, your automatic payment did not go "
        "through: {{ failure_reason }}. Update your card: {{ payment_link }} "
        "Reply STOP to opt out."
    ),
    ("failed_autopay", "es"): (
        "{{ practice_name }}: Hola {{ first_name }}, su pago no se pudo hacer: "
        "{{ failure_reason }}. Cambie su tarjeta: {{ payment_link }} "
        "Responda STOP para no recibir."
    ),
}

HELP_ANSWERS: dict[tuple[str, str], str] = {
    ("en", "phone"): (
        "{practice}: texts about your account. Questions? Call {phone}. "
        "Msg&data rates may apply. Reply STOP to opt out."
    ),
    ("en", "reply"): (
        "{practice}: texts about your account. Questions? Write to us here. "
        "Msg&data rates may apply. Reply STOP to opt out."
    ),
    ("es", "phone"): (
        "{practice}: mensajes sobre su cuenta. ¿Preguntas? Llame al {phone}. "
        "Pueden aplicar cargos. Responda STOP para no recibir."
    ),
    ("es", "reply"): (
        "{practice}: mensajes sobre su cuenta. ¿Preguntas? Escriba por este medio. "
        "Pueden aplicar cargos. Responda STOP para no recibir."
    ),
}
"""What HELP is answered, by language, and whether the practice's phone is known."""

# The text of a code, in letters of which a segment holds 160.
QUICK_REPLIES: dict[tuple[str, str], str] = {
    ("en", "We got your message"): (
        "Hi {{ first_name }}, thank you, we got your message and will answer soon. "
        "{{ practice_name }}"
    ),
    ("en", "Please call us"): (
        "Hi {{ first_name }}, please call us at {{ practice_phone }} when you have a "
        "minute. {{ practice_name }}"
    ),
    ("en", "Pay in parts"): (
        "Yes, you can pay in parts. Please call us at {{ practice_phone }}, and we set "
        "it up with you. {{ practice_name }}"
    ),
    ("en", "Looking into it"): (
        "Thank you for telling us. We are looking into your statement and will write "
        "to you here. {{ practice_name }}"
    ),
    ("es", "Recibimos su mensaje"): (
        "Hola {{ first_name }}, gracias, recibimos su mensaje y le responderemos "
        "pronto. {{ practice_name }}"
    ),
    ("es", "Por favor llame"): (
        "Hola {{ first_name }}, por favor llame al {{ practice_phone }} cuando tenga "
        "un minuto. {{ practice_name }}"
    ),
    ("es", "Pagar en partes"): (
        "Claro que puede pagar en partes. Por favor llame al {{ practice_phone }} y lo "
        "acordamos con usted. {{ practice_name }}"
    ),
    ("es", "Lo estamos revisando"): (
        "Gracias por avisarnos. Estamos revisando su estado de cuenta y le "
        "escribiremos por este medio. {{ practice_name }}"
    ),
}
"""Quick replies that a new practice begins with, by language and title."""

CODE_WORDS: dict[str, str] = {
    "en": (
        "{practice}: your code is {code}. It works for 10 minutes. If you did not ask "
        "for it, you need not do anything."
    ),
    "es": (
        "{practice}: su clave es {code}. Sirve por 10 minutos. Si no la ha pedido, no "
        "tiene que hacer nada."
    ),
}
