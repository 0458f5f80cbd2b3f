"""Templates: the wording of each kind of text, checked before it is saved."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sms_plugin.core import segments
from sms_plugin.core.language import say
from sms_plugin.core.templating import TemplateError, compile_template
from sms_plugin.errors import InvalidError, NotFoundError
from sms_plugin.models import SmsTemplate, SmsTemplateRevision
from sms_plugin.services import reopening, screening
from sms_plugin.services.actors import SYSTEM, audit
from sms_plugin.services.wording import DEFAULTS, KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sms_plugin.core.templating import Template
    from sms_plugin.services.actors import Actor

_STOP = re.compile(r"\bSTOP\b")
LINK = "{{ payment_link }}"
AMOUNTS = frozenset({"amount_due", "amount_paid"})


@dataclass(frozen=True, slots=True)
class Wording:
    """A compiled template and the revision that its texts remember."""

    template: Template
    revision_id: int


def ensure_defaults(session: Session, practice_id: int, *, now: datetime) -> None:
    """Give a practice the default wording of every kind that it does not have."""
    have = {
        (kind, language)
        for kind, language in session.execute(
            sa.select(SmsTemplate.kind, SmsTemplate.language).where(
                SmsTemplate.practice_id == practice_id
            )
        )
    }
    for (kind, language), body in DEFAULTS.items():
        if (kind, language) in have:
            continue
        template = SmsTemplate(
            practice_id=practice_id,
            kind=kind,
            language=language,
            body=body,
            revision=1,
            changed_at=now,
        )
        session.add(template)
        session.flush()
        _add_revision(session, template, actor=SYSTEM, now=now)
    session.flush()


def check(
    kind: str, body: str, *, amounts: bool, own_hosts: Collection[str]
) -> Template:
    """Compile a wording and refuse what must not be saved.

    Args:
        kind: of text.
        body: the wording, normalised.
        amounts: whether the practice shows amounts.
        own_hosts: where its links may lead to.

    Raises:
        InvalidError: unknown or malformed variable (with its position), a part that
            is required is missing or not in its place, an amount where the practice
            shows none, or something that must not be said (with its position). It
            names all of them, one a line.
    """
    rules = KINDS[kind]
    try:
        template = compile_template(body, allowed=rules.variables)
    except TemplateError as error:
        raise InvalidError(str(error), field="body") from None
    wrong = [
        *screening.refusals(body, own_hosts, amounts=amounts, instead=LINK),
        *_part_problems(rules, template, body, amounts=amounts),
    ]
    if wrong:
        raise InvalidError("\n".join(wrong), field="body")
    return template


def _part_problems(
    rules: Kind, template: Template, body: str, *, amounts: bool
) -> Iterator[str]:
    for name in sorted(rules.required - template.variables):
        yield say(
            "{variable} is missing: this kind of text needs it.",
            variable=f"{{{{ {name} }}}}",
        )
    if "practice_name" in template.variables and template.first != "practice_name":
        yield say(
            "Begin with {variable}: carriers and patients want to see who writes.",
            variable="{{ practice_name }}",
        )
    if rules.stop_hint and not _STOP.search(body):
        yield say('Say how to stop, for example "Reply STOP to opt out".')
    for name in sorted(AMOUNTS & template.variables) if not amounts else ():
        yield say(
            "Amounts are switched off for this practice: remove {variable} "
            "or allow amounts in SMS Settings.",
            variable=f"{{{{ {name} }}}}",
        )
    if not segments.fits(body):
        yield say("The text is longer than {most} characters.", most=segments.MAX_BODY)


def save(
    session: Session,
    template: SmsTemplate,
    body: str,
    *,
    amounts: bool,
    own_hosts: Collection[str],
    actor: Actor,
    now: datetime,
) -> int:
    """Save a new wording as the next revision; texts made before keep theirs.

    Those of them that were approved and have not gone out are pending again.

    Returns:
        How many texts that is.

    Raises:
        InvalidError: it must not be saved; says why, see ``check``.
    """
    body = segments.normalise(body).strip()
    check(template.kind, body, amounts=amounts, own_hosts=own_hosts)
    if body == template.body:
        return 0
    template.body, template.changed_at = body, now
    template.revision += 1
    _add_revision(session, template, actor=actor, now=now)
    audit(
        session,
        actor,
        "template.save",
        practice_id=template.practice_id,
        object_id=template.id,
        detail=f"{template.kind} {template.language} revision {template.revision}",
        now=now,
    )
    session.flush()
    return reopening.of_template(session, template, now=now)


def restore_default(
    session: Session, template: SmsTemplate, *, actor: Actor, now: datetime
) -> int:
    """Go back to the default wording, as a new revision; see ``save``."""
    body = DEFAULTS[template.kind, template.language]
    return save(
        session, template, body, amounts=True, own_hosts=(), actor=actor, now=now
    )


def is_default(template: SmsTemplate) -> bool:
    """Whether a template says what it said from the first minute."""
    return DEFAULTS.get((template.kind, template.language)) == template.body


def revision(session: Session, template: SmsTemplate, number: int) -> str:
    """The wording of an older revision of a template.

    Raises:
        NotFoundError: the template has no revision of this number.
    """
    body = session.scalars(
        sa.select(SmsTemplateRevision.body).where(
            SmsTemplateRevision.template_id == template.id,
            SmsTemplateRevision.number == number,
        )
    ).one_or_none()
    if body is None:
        raise NotFoundError(say("There is no such revision."))
    return body


def revisions(
    session: Session, template: SmsTemplate, *, limit: int
) -> list[tuple[SmsTemplateRevision, str | None]]:
    """The newest revisions, each with the wording before it; None for the first."""
    rows = session.scalars(
        sa.select(SmsTemplateRevision)
        .where(SmsTemplateRevision.template_id == template.id)
        .order_by(SmsTemplateRevision.number.desc())
        .limit(limit + 1)
    ).all()
    before = [row.body for row in rows[1:]]
    return list(zip(rows[:limit], [*before, None], strict=False))


def wordings(session: Session, practice_id: int) -> Mapping[tuple[str, str], Wording]:
    """Every current wording of a practice by kind and language."""
    rows = session.execute(
        sa.select(SmsTemplate, SmsTemplateRevision.id)
        .join(
            SmsTemplateRevision,
            sa.and_(
                SmsTemplateRevision.template_id == SmsTemplate.id,
                SmsTemplateRevision.number == SmsTemplate.revision,
            ),
        )
        .where(SmsTemplate.practice_id == practice_id)
    )
    return {
        (row.kind, row.language): Wording(
            compile_template(row.body, allowed=KINDS[row.kind].variables), revision_id
        )
        for row, revision_id in rows
    }


def _add_revision(
    session: Session, template: SmsTemplate, *, actor: Actor, now: datetime
) -> None:
    session.add(
        SmsTemplateRevision(
            template_id=template.id,
            number=template.revision,
            body=template.body,
            user_id=actor.user_id,
            user_name=actor.name,
            created_at=now,
        )
    )
