"""What comes next for a transaction: a page of ours, or back to the portal with a code or an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import redirect

from idp import clock
from idp.errors import ProtocolError, TemporarilyUnavailable, TransactionLost
from idp.pages import _visit
from idp.pages._portal import back_to_portal
from idp.protocol import codes
from idp.protocol.authorization_response import with_error
from idp.protocol.interaction import NeedsConsent, NeedsLogin, Visit, decide

if TYPE_CHECKING:
    from werkzeug import Response

    from idp.login.transaction import Transaction
    from idp.protocol.interaction import Need
    from idp.protocol.records import AuthorizationRequest
    from idp.relying_parties.client import RelyingParty
    from idp.sessions import Held


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
        if isinstance(now.need, NeedsLogin) or now.held is None:
            return redirect(f"/login?tx={transaction.id}", 303)
        if isinstance(now.need, NeedsConsent):
            return redirect(f"/consent?tx={transaction.id}", 303)
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


def back_with(transaction: Transaction, error: ProtocolError) -> Response:
    """Send the citizen back to the portal with an error; the transaction is over.

    Raises:
        ProtocolError: the error itself, where there is no portal to go back to, or where waiting helps: the request
            then waits on, and the citizen tries again.
    """
    asked = transaction.request
    if asked is None or isinstance(error, TemporarilyUnavailable):
        raise error
    services, client = _visit.services(), client_of(transaction)
    if client is None:
        raise error
    services.transactions.end(transaction)
    return back_to_portal(with_error(asked, error=error, client=client, provider=services.provider))
