"""The consent page: who asks, for what, why, with the values that will be sent; the answer is recorded word by word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import redirect, request

from consent import Circumstances, NotOffered, Outdated, Refused, ShownDiffers, answer, check_shown, fingerprint
from idp import clock
from idp.audit.events import ConsentRefused
from idp.errors import AccessDenied, ProtocolError
from idp.pages import _flow, _visit
from idp.pages._portal import portal_of
from idp.pages._words import page
from idp.pages.consent_page.content import content_of, end_of, wording_of
from idp.pages.consent_page.items import detail_views
from idp.pages.languages import day
from idp.protocol.interaction import NeedsConsent

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue
    from werkzeug import Response

    from consent import Decision, Wording
    from idp.pages._flow import Situation
    from idp.pages.consent_page.content import Content
    from idp.sessions import Held


@dataclass(frozen=True, slots=True)
class Question:
    """What there is to ask this citizen, and what the page about it says, and is recognised by."""

    now: Situation
    held: Held
    decision: Decision
    content: Content
    wording: Wording
    fingerprint: str


def _question(unverified_id: str | None) -> Question | Response:
    """Look at everything for this moment; return what is to be asked, or where the visitor has to go instead."""
    transaction = _visit.transaction(unverified_id)
    try:
        now = _flow.situation(transaction)
    except ProtocolError as error:
        return _flow.back_with(transaction, error)
    if now is None or now.held is None or not isinstance(now.need, NeedsConsent):
        return _flow.go_on(transaction)
    provider, citizen_id, decision = _visit.services().provider, now.held.session.citizen_id, now.need.decision
    content = content_of(
        decision=decision,
        portal=portal_of(now.client),
        known=provider.authorizations.known(citizen_id=citizen_id),
        purpose=provider.purposes.get(decision.demand.purpose),
        details=detail_views(now.request),
    )
    wording = wording_of(content)
    shown = fingerprint(transaction_id=transaction.id, subject=citizen_id, decision=decision, wording=wording)
    return Question(now, now.held, decision, content, wording, shown)


def show() -> ResponseReturnValue:
    """GET /consent: ask, if there is something to ask; nothing is agreed to by looking."""
    question = _question(request.args.get("tx"))
    if not isinstance(question, Question):
        return question
    now = question.now
    _visit.services().transactions.change(now.transaction, shown=question.fingerprint)
    return page(
        "consent.html",
        form_targets=now.client.origins,
        tx=now.transaction.id,
        shown=question.fingerprint,
        consent_url="/consent",
        content=question.content,
        until=day(end_of(question.decision)),
    )


def take() -> ResponseReturnValue:
    """POST /consent: take the answer.

    1. everything is decided again, for this moment; 2. what is answered must be what was shown, to this citizen, in
    this transaction, and what had no box is not chosen; 3. a refusal goes back to the portal and is remembered nowhere
    but in the audit log; 4. an agreement is recorded with the exact wording; where the ledger has moved on meanwhile,
    the page is shown again.

    Source: Law 91/2025/QH15 on personal data; SECURITY CO-01 to CO-06.
    """
    question = _question(request.form.get("tx"))  # 1
    if not isinstance(question, Question):
        return question
    services, transaction = _visit.services(), question.now.transaction
    citizen_id, decision = question.held.session.citizen_id, question.decision
    try:
        for shown in (request.form.get("shown", ""), transaction.shown or ""):  # 2
            check_shown(expected_fingerprint=question.fingerprint, unverified_fingerprint=shown)
        ticked = frozenset(request.form.getlist("item"))
        if surplus := ticked - question.content.offered:
            raise NotOffered(surplus)  # noqa: TRY301  one answer for whatever had no box
        items = answer(decision=decision, ticked=ticked, agreed=request.form.get("answer") == "agree")
        circumstances = Circumstances(
            at=clock.now(),
            session_id=question.held.session.id,
            acr=services.provider.assurance.acr_of(question.held.session.level),
        )
        services.consents.change(  # 4
            lambda ledger: ledger.give(
                subject=citizen_id,
                decision=decision,
                items=items,
                wording=question.wording,
                circumstances=circumstances,
            )
        )
    except Refused:
        return _refused(question.now, citizen_id=citizen_id)  # 3
    except (ShownDiffers, Outdated, NotOffered):
        return redirect(f"/consent?tx={transaction.id}", 303)
    return _flow.go_on(services.transactions.change(transaction, shown=None, agreed_by=citizen_id))


def _refused(now: Situation, *, citizen_id: str) -> ResponseReturnValue:
    event = ConsentRefused(
        actor=f"citizen:{citizen_id}",
        citizen_id=citizen_id,
        client_id=now.client.client_id,
        purpose=now.request.purpose,
    )
    _visit.services().audit.append(event)
    return _flow.back_with(now.transaction, AccessDenied("The citizen did not agree."))
