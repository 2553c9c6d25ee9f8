"""What a request still needs before it is answered with a code: a login, an agreement, or nothing.

One function decides, for the authorization endpoint and for the pages alike, so that no page can be skipped.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from consent import Asked, Decision, Demand
from consent import decide as decide_consent
from idp.errors import LoginRequired, UnauthorizedClient, UnmetAuthentication
from idp.protocol.claims import account_level_text, bare, unknown
from idp.protocol.subject import subject_for

if TYPE_CHECKING:
    from datetime import datetime

    from consent import Consent
    from idp.protocol.provider import Provider
    from idp.protocol.records import AuthorizationRequest, Gates
    from idp.relying_parties.client import RelyingParty
    from idp.relying_parties.purposes import Purpose
    from idp.sessions import Session

WORDING_VERSION = 2
"""Raised whenever a sentence of the consent page changes: who agreed to another wording is asked again.

`tests/unit/pages/test_consent_words.py` holds a hash of all sentences and fails when one changes.
"""

CLOCKS_DIFFER = 10
"""Seconds that the clocks of two of our machines may lie apart."""

OFFLINE = "offline_access"
OFFLINE_BASIS = "consent"


@dataclass(frozen=True, slots=True)
class NeedsLogin:
    """A login is needed; `reason` picks the sentence of the page: `first`, `again`, `level`, `other_person`."""

    reason: str
    least_level: int


@dataclass(frozen=True, slots=True)
class NeedsConsent:
    """The citizen has to be asked."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class Ready:
    """Everything holds: a code may be issued on this consent."""

    consent: Consent
    acr: str
    account_level: int


Need = NeedsLogin | NeedsConsent | Ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Who is here: the session as the cookie and the database have it, and what has happened for this request.

    `arrived_with` is the id of the session that was there when the request came: another one was made for it, if it
    is younger than the request. (A browser may hold its session back at first, when somebody wants to get around
    `prompt=login`.) `agreed` says that the citizen answered the consent page of this request.
    """

    session: Session | None
    gates: Gates | None
    arrived_with: str | None
    agreed: bool = False


def least_level(*, request: AuthorizationRequest, purpose: Purpose, provider: Provider) -> int:
    """Return the level that must be reached: the purpose's own, or the least of the asked ones if that is higher."""
    asked = provider.assurance.least_level(request.acr_names)
    return max(purpose.authentication_level, asked or 0)


def demand_of(*, request: AuthorizationRequest, purpose: Purpose) -> Demand:
    """Return what the relying party asks for, as the consent ledger sees it."""
    asked = frozenset([bare(word) for word in request.claims_userinfo + request.claims_id_token])
    demand = _demand(recipient=request.client_id, purpose=purpose, asked=asked, offline=OFFLINE in request.scope)
    return _with_details(demand, request.details_items) if request.details_items else demand


def _with_details(demand: Demand, names: tuple[str, ...]) -> Demand:
    """Add what is asked for in one matter; it is another each time, and kept for no other request."""
    details = tuple(Asked(claim=name, required=True, basis="consent", legal_basis=OFFLINE_BASIS) for name in names)
    return replace(demand, items=demand.items + details)


@functools.lru_cache(maxsize=1024)
def _demand(*, recipient: str, purpose: Purpose, asked: frozenset[str], offline: bool) -> Demand:
    """Make a demand, which costs a tenth of an authorization request: kept for the next one of the same kind."""
    items = tuple(
        Asked(claim=item.claim, required=item.required, basis=item.basis, legal_basis=item.legal_basis_id)
        for item in purpose.items
        if item.claim in asked
    )
    if offline:
        items += (Asked(claim=OFFLINE, required=False, basis="consent", legal_basis=OFFLINE_BASIS),)
    return Demand(
        recipient=recipient,
        purpose=purpose.id,
        purpose_version=purpose.version,
        wording_version=WORDING_VERSION,
        items=items,
        lifetime=purpose.lifetime,
    )


def decide(
    *, request: AuthorizationRequest, client: RelyingParty, visit: Visit, provider: Provider, now: datetime
) -> Need:
    """Say what is needed next.

    1. a session that counts; 2. the right person; 3. a login that is young enough; 4. a level that is high enough;
    5. an account level that is high enough; 6. an agreement.

    Raises:
        LoginRequired: another person logged in than the request names.
        UnmetAuthentication: the citizen has just logged in, and the level is still too low.
        UnauthorizedClient: the relying party has been ended meanwhile.

    Source: OpenID Connect Core sections 3.1.2.2 to 3.1.2.4.
    """
    purpose = provider.purposes.get(request.purpose)
    needed = least_level(request=request, purpose=purpose, provider=provider)
    session, gates = visit.session, visit.gates
    if session is None or gates is None or not gates.logged_in:  # 1
        return NeedsLogin("first", needed)
    if not gates.client_live:
        raise UnauthorizedClient("This relying party has been ended.")
    just_now = session.id != visit.arrived_with and session.auth_time >= (request.arrived_at or 0) - CLOCKS_DIFFER
    if request.expected_subject not in {None, _subject(client=client, session=session, provider=provider)}:  # 2
        if just_now:
            raise LoginRequired("Another person logged in than the one that the request names.")
        return NeedsLogin("other_person", needed)
    if not just_now and _too_old(request=request, session=session, now=now):  # 3
        return NeedsLogin("again", needed)
    if session.level < needed:  # 4
        if just_now:
            raise UnmetAuthentication("The asked level of authentication was not reached.")
        return NeedsLogin("level", needed)
    account_level = account_level_text(gates.account_level)
    if not provider.assurance.account_meets(account_level, least=purpose.account_level):  # 5
        raise UnmetAuthentication(f"This service needs an account of level {purpose.account_level}.")
    decision = _decision(demand_of(request=request, purpose=purpose), gates=gates, now=now)  # 6
    standing = decision.standing
    if decision.reason is not None or standing is None or ("consent" in request.prompt and not visit.agreed):
        return NeedsConsent(decision)
    acr = provider.assurance.name_for_token(session.level, request.acr_names)
    return Ready(standing.consent, acr, gates.account_level)


def _decision(demand: Demand, *, gates: Gates, now: datetime) -> Decision:
    """Decide as if everything were known of the citizen, and again where something that may be chosen is not.

    Whoever is asked nothing, most of all, is so at the price of the first: nothing sealed is opened.
    """
    decision = decide_consent(demand=demand, standing=gates.consent, now=now)
    lacking = unknown(person=gates.person(), names=decision.offered) if decision.offered else frozenset()
    if not lacking:
        return decision
    items = tuple(replace(item, held=item.claim not in lacking) for item in demand.items)
    return decide_consent(demand=replace(demand, items=items), standing=gates.consent, now=now)


def _subject(*, client: RelyingParty, session: Session, provider: Provider) -> str:
    return subject_for(client=client, citizen_id=session.citizen_id, sealer=provider.sealer)


def _too_old(*, request: AuthorizationRequest, session: Session, now: datetime) -> bool:
    """Tell whether prompt or max_age ask for a fresh login."""
    if "login" in request.prompt or "select_account" in request.prompt:
        return True
    return request.max_age is not None and now.timestamp() - session.auth_time >= request.max_age
