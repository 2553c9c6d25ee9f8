"""What a citizen answered: taken once, written down with whatever must be told, and left for the relying party."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from idp.audit.events import WaitingRequestApproved, WaitingRequestDisowned, WaitingRequestRefused
from idp.ephemeral import Drop
from idp.errors import InvalidRequestUri
from idp.outbox import CIBA_PING, Delivery
from idp.protocol import codes
from idp.protocol.grants.decoupled import persons, waiting
from idp.sessions import touch_step

if TYPE_CHECKING:
    from idp.audit.events import Event
    from idp.ephemeral import Step
    from idp.protocol.grants.decoupled.waiting import Waiting
    from idp.protocol.interaction import Ready
    from idp.protocol.provider import Provider
    from idp.protocol.records import AuthorizationRequest
    from idp.relying_parties.client import RelyingParty
    from idp.sessions import Held

NOT_ME: Final = "not me"
"""Why a citizen refused who never asked for it: the relying party is not heard again for a while."""

GONE: Final = "This request has been answered already, or too late. Start again at the other device."


def approve(
    *,
    request: AuthorizationRequest,
    client: RelyingParty,
    held: Held,
    ready: Ready,
    provider: Provider,
    transaction_key: str,
) -> None:
    """Leave for the relying party what a citizen agreed to.

    1. what a code would stand for is made; 2. the right to decide is taken, and the login transaction with it, and the
    session kept awake; 3. the answer is written down, with the ping; 4. only then can it be taken.

    Raises:
        InvalidRequestUri: somebody answered before, or it is too late.

    Source: RFC 8628 section 3.3, OpenID Connect CIBA Core sections 8 and 10.2.
    """
    found = _still_open(request, provider=provider)
    record = codes.record_of(request=request, client=client, session=held.session, ready=ready, provider=provider)  # 1
    touch = touch_step(held.token, held.session, settings=provider.settings.sessions)
    _take(found, Drop(transaction_key), touch, provider=provider)  # 2
    event = WaitingRequestApproved(
        actor=f"citizen:{record.citizen_id}",
        citizen_id=record.citizen_id,
        client_id=client.client_id,
        kind=found.kind,
        purpose=request.purpose,
    )
    _write_down(found, event=event, client=client, provider=provider)  # 3
    provider.ephemeral.wave(*waiting.approved_steps(found, record=record), *_release(found))  # 4


def refuse(
    *, request: AuthorizationRequest, client: RelyingParty, citizen_id: str | None, reason: str, provider: Provider
) -> None:
    """Let the relying party hear that the citizen said no, and write down why (a word of ours).

    Raises:
        InvalidRequestUri: somebody answered before, or it is too late.

    Source: RFC 8628 section 3.5, OpenID Connect CIBA Core section 11.
    """
    found = _still_open(request, provider=provider)
    _take(found, provider=provider)
    actor = f"citizen:{citizen_id}" if citizen_id else "anyone"
    event: Event = WaitingRequestRefused(
        actor=actor, citizen_id=citizen_id, client_id=client.client_id, kind=found.kind, reason=reason
    )
    if found.person is not None and reason == NOT_ME:
        event = WaitingRequestDisowned(actor=actor, citizen_id=citizen_id, client_id=client.client_id)
    _write_down(found, event=event, client=client, provider=provider)
    provider.ephemeral.wave(waiting.denied_step(found), *_release(found))


def _still_open(request: AuthorizationRequest, *, provider: Provider) -> Waiting:
    found = waiting.find(name=request.waiting or "", ephemeral=provider.ephemeral)
    if found is None:
        raise InvalidRequestUri(GONE)
    return found


def _take(found: Waiting, *also: Step, provider: Provider) -> None:
    """Take the right to decide; whatever goes along is taken in any case."""
    if not provider.ephemeral.wave(waiting.decide_step(found.name), *also)[0]:
        raise InvalidRequestUri(GONE)


def _write_down(found: Waiting, *, event: Event, client: RelyingParty, provider: Provider) -> None:
    ping = None
    if found.sealed_notice is not None:
        ping = Delivery(kind=CIBA_PING, target=client.client_id, payload={"request": found.name})
    provider.approvals.answer(event=event, delivery=ping)


def _release(found: Waiting) -> tuple[Step, ...]:
    """Return the steps that let the next request for the same person come."""
    return () if found.person is None else persons.release_steps(found.person)
