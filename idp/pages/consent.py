"""The consent page: who asks, for what, why, with the values that will be sent; the answer is recorded word by word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect, request

from consent import Circumstances, NotOffered, Outdated, Refused, ShownDiffers, answer, check_shown, fingerprint
from idp import clock
from idp.audit.events import ConsentRefused
from idp.errors import AccessDenied, ProtocolError
from idp.pages import _flow, _visit
from idp.pages._portal import portal_view
from idp.pages._words import page
from idp.pages.consent_view import consent_view, detail_views, wording_of
from idp.protocol.interaction import NeedsConsent

if TYPE_CHECKING:
    from flask import Response
    from flask.typing import ResponseReturnValue

    from consent import Decision
    from idp.pages._flow import Situation
    from idp.sessions import Held


def show() -> ResponseReturnValue:
    """GET /consent: ask, if there is something to ask; nothing is agreed to by looking."""
    transaction = _visit.transaction(request.args.get("tx"))
    try:
        now = _flow.situation(transaction)
    except ProtocolError as error:
        return _flow.back_with(transaction, error)
    if now is None or now.held is None or not isinstance(now.need, NeedsConsent):
        return _flow.go_on(transaction)
    return _page(now, held=now.held, decision=now.need.decision)


def _page(now: Situation, *, held: Held, decision: Decision) -> Response:
    services = _visit.services()
    details = detail_views(now.request)
    wording = wording_of(client=now.client, decision=decision, purposes=services.provider.purposes, details=details)
    shown = fingerprint(
        transaction_id=now.transaction.id, subject=held.session.citizen_id, decision=decision, wording=wording
    )
    services.transactions.change(now.transaction, shown=shown)
    known = services.provider.authorizations.known(citizen_id=held.session.citizen_id)
    view = consent_view(decision=decision, known=known, purposes=services.provider.purposes, details=details)
    return page(
        "consent.html",
        form_targets=now.client.origins,
        portal=portal_view(now.client),
        tx=now.transaction.id,
        shown=shown,
        consent_url="/consent",
        **view,
    )


def take() -> ResponseReturnValue:
    """POST /consent: take the answer.

    1. everything is decided again, for this moment; 2. what is answered must be what was shown, to this citizen, in
    this transaction; 3. a refusal goes back to the portal and is remembered nowhere but in the audit log; 4. an
    agreement is recorded with the exact wording; where the ledger has moved on meanwhile, the page is shown again.

    Source: Law 91/2025/QH15 on personal data; SECURITY CO-01 to CO-06.
    """
    transaction = _visit.transaction(request.form.get("tx"))
    try:
        now = _flow.situation(transaction)  # 1
    except ProtocolError as error:
        return _flow.back_with(transaction, error)
    if now is None or now.held is None or not isinstance(now.need, NeedsConsent):
        return _flow.go_on(transaction)
    decision = now.need.decision
    services = _visit.services()
    wording = wording_of(
        client=now.client,
        decision=decision,
        purposes=services.provider.purposes,
        details=detail_views(now.request),
    )
    citizen_id = now.held.session.citizen_id
    expected = fingerprint(transaction_id=transaction.id, subject=citizen_id, decision=decision, wording=wording)
    try:
        check_shown(expected_fingerprint=expected, unverified_fingerprint=request.form.get("shown", ""))  # 2
        check_shown(expected_fingerprint=expected, unverified_fingerprint=transaction.shown or "")
        ticked = frozenset(request.form.getlist("item"))
        items = answer(decision=decision, ticked=ticked, agreed=request.form.get("answer") == "agree")
        circumstances = Circumstances(
            at=clock.now(),
            session_id=now.held.session.id,
            acr=services.provider.assurance.acr_of(now.held.session.level),
        )
        services.consents.change(  # 4
            lambda ledger: ledger.give(
                subject=citizen_id, decision=decision, items=items, wording=wording, circumstances=circumstances
            )
        )
    except Refused:
        return _refused(now, citizen_id=citizen_id)  # 3
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
