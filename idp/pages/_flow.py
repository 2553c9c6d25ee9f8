"""What comes next for a transaction: a page of ours, or back to the portal with a code or an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import redirect, request

from idp import clock
from idp.errors import InvalidRequestUri, ProtocolError, TemporarilyUnavailable, TransactionLost, UnmetAuthentication
from idp.pages import _visit
from idp.pages._portal import back_to_portal
from idp.protocol import codes
from idp.protocol.authorization_response import with_error
from idp.protocol.grants.decoupled import decisions
from idp.protocol.interaction import NeedsConsent, NeedsLogin, Ready, Visit, decide

if TYPE_CHECKING:
    from werkzeug import Response

    from idp.login.transaction import Transaction
    from idp.protocol.interaction import Need
    from idp.protocol.records import AuthorizationRequest
    from idp.relying_parties.client import RelyingParty
    from idp.sessions import Held

ELSEWHERE = {"device": "/device", "ciba": "/approvals"}
"""Where the pages lie of each kind of request that another device waits for."""


@dataclass(frozen=True, slots=True)
class Situation:
    """A portal's request, the portal, who is here, and what is needed next."""

    transaction: Transaction
    request: AuthorizationRequest
    client: RelyingParty
    held: Held | None
    need: Need


def client_of(transaction: Transaction) -> RelyingParty | None:
    """Return the portal of a transaction; None where the citizen wants only the own pages.

    Raises:
        TransactionLost: the portal has been ended meanwhile, or has other addresses or keys than it had.
    """
    if transaction.request is None:
        return None
    client = _visit.services().provider.directory.find(transaction.request.client_id)
    if client is None:
        raise TransactionLost("This portal is not known here any more.")
    if transaction.request.waiting is None:  # else the citizen comes from another device
        request.environ["sen.asks"] = client
    if client.generation != transaction.request.generation:
        raise TransactionLost("This portal has changed its registration since.")
    return client


def situation(transaction: Transaction) -> Situation | None:
    """Look at everything that a transaction depends on; None where it belongs to our own pages.

    Raises:
        ProtocolError: the portal is to be told; `back_with` does.
    """
    client, asked = client_of(transaction), transaction.request
    if client is None or asked is None:
        return None
    provider = _visit.services().provider
    held = _visit.held()
    gates = None
    if held is not None:
        gates = provider.authorizations.gates(
            session_id=held.session.id, client_id=client.client_id, purpose=asked.purpose
        )
    visit = Visit(
        session=held.session if held else None,
        gates=gates,
        arrived_with=transaction.arrived_with,
        agreed=held is not None and transaction.agreed_by == held.session.citizen_id,
    )
    need = decide(request=asked, client=client, visit=visit, provider=provider, now=clock.now())
    return Situation(transaction, asked, client, held, need)


def go_on(transaction: Transaction) -> Response:
    """Send the citizen to what comes next."""
    try:
        now = situation(transaction)
        if now is None:
            return redirect(transaction.then if _visit.held() else f"/login?tx={transaction.id}", 303)
        page = _page_for(now)
        if page is not None or now.held is None or not isinstance(now.need, Ready):
            return redirect(f"{page or '/login'}?tx={transaction.id}", 303)
        if now.request.waiting is not None:
            return _approve_elsewhere(now, waiting=now.request.waiting, held=now.held, ready=now.need)
        answer = codes.issue(
            request=now.request,
            client=now.client,
            held=now.held,
            ready=now.need,
            provider=_visit.services().provider,
            transaction_key=transaction.key,
        )
        return back_to_portal(answer)
    except ProtocolError as error:
        return back_with(transaction, error)


def _page_for(now: Situation) -> str | None:
    """Return the page that has to come before an answer, or None where everything holds."""
    if isinstance(now.need, NeedsLogin) or now.held is None:
        return "/login"
    if now.request.waiting is not None and now.request.confirmed_by != now.held.session.citizen_id:
        return f"{_elsewhere(now.request.waiting)}/confirm"
    return "/consent" if isinstance(now.need, NeedsConsent) else None


def _elsewhere(waiting: str) -> str:
    """Return where the pages lie of a request that another device waits for."""
    return ELSEWHERE[waiting.partition(".")[0]]


def _approve_elsewhere(now: Situation, *, waiting: str, held: Held, ready: Ready) -> Response:
    """Leave the answer for the other device, and tell the citizen to go back to it."""
    decisions.approve(
        request=now.request,
        client=now.client,
        held=held,
        ready=ready,
        provider=_visit.services().provider,
        transaction_key=now.transaction.key,
    )
    return redirect(f"{_elsewhere(waiting)}/done?answer=approved", 303)


def refuse_elsewhere(transaction: Transaction, *, reason: str) -> Response:
    """Let the other device hear that there will be no tokens, and tell the citizen; the transaction is over.

    Raises:
        InvalidRequestUri: it was answered before, or it is too late.
    """
    services, client, asked = _visit.services(), client_of(transaction), transaction.request
    if client is None or asked is None or asked.waiting is None:
        raise TransactionLost("There is nothing to refuse.")
    services.transactions.end(transaction)
    visitor = _visit.held()
    decisions.refuse(
        request=asked,
        client=client,
        citizen_id=visitor.session.citizen_id if visitor else None,
        reason=reason,
        provider=services.provider,
    )
    answer = "level" if reason == UnmetAuthentication.code else "refused"
    return redirect(f"{_elsewhere(asked.waiting)}/done?answer={answer}", 303)


def back_with(transaction: Transaction, error: ProtocolError) -> Response:
    """Send the citizen back to the portal with an error; the transaction is over.

    Raises:
        ProtocolError: the error itself, where there is no portal to go back to, or where waiting helps: the request
            then waits on, and the citizen tries again.
    """
    if isinstance(error, TemporarilyUnavailable):
        raise error
    client, asked = client_of(transaction), transaction.request
    if client is None or asked is None:
        raise error
    if asked.waiting is not None:
        if isinstance(error, InvalidRequestUri):  # it was answered before
            raise error
        return refuse_elsewhere(transaction, reason=error.code)
    services = _visit.services()
    services.transactions.end(transaction)
    return back_to_portal(with_error(asked, error=error, client=client, provider=services.provider))
