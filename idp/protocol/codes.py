"""Authorization codes: issued once everything holds, taken once at the token endpoint."""

from __future__ import annotations

import hashlib
import secrets
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import orjson

from idp import clock
from idp.ephemeral import Claim, Drop, Step, Write
from idp.errors import InvalidRequestUri
from idp.protocol.authorization_request import pushed_key
from idp.protocol.authorization_response import with_code
from idp.protocol.claims import within
from idp.protocol.claims.released import acceptable, released
from idp.protocol.interaction import OFFLINE
from idp.protocol.records import CodeRecord
from idp.protocol.request_checks import WANTED_PURPOSE
from idp.protocol.subject import session_for, subject_for
from idp.sessions import touch_step

if TYPE_CHECKING:
    from idp.protocol.authorization_response import Answer
    from idp.protocol.interaction import Ready
    from idp.protocol.provider import Provider
    from idp.protocol.records import AuthorizationRequest
    from idp.relying_parties.client import RelyingParty
    from idp.sessions import Held, Session

CODE_BYTES = 32
CLAIMS_PURPOSE = "id token claims"
CODE_KEY = "code:"
"""Where a code's record is remembered: this, and the SHA-256 of the code in hexadecimal."""


def issue(
    *,
    request: AuthorizationRequest,
    client: RelyingParty,
    held: Held,
    ready: Ready,
    provider: Provider,
    transaction_key: str | None = None,
) -> Answer:
    """Issue a code and return the answer that carries it, in one wave.

    1. the code is written; 2. the session is kept awake; 3. the pushed request is used up, and can be used up once;
    4. the login transaction is used up, and can be used up once. Where 3 or 4 find that another was first, the code
    that was written is never told to anyone.

    Raises:
        InvalidRequestUri: the request has been answered already.

    Source: RFC 6749 section 4.1.2, RFC 9126 section 4.
    """
    code = secrets.token_urlsafe(CODE_BYTES)
    record = record_of(request=request, client=client, session=held.session, ready=ready, provider=provider)
    tokens, sessions = provider.settings.tokens, provider.settings.sessions
    steps: list[Step] = [
        Write(CODE_KEY + hashlib.sha256(code.encode()).hexdigest(), orjson.dumps(record), tokens.code_seconds),  # 1
        touch_step(held.token, held.session, settings=sessions),  # 2
    ]
    if request.pushed_id is not None:  # 3
        steps += [
            Claim(f"done:{request.pushed_id}", sessions.transaction_seconds + tokens.pushed_request_seconds),
            Drop(pushed_key(request.pushed_id)),
        ]
    if transaction_key is not None:  # 4
        steps.append(Drop(transaction_key))
    replies = provider.ephemeral.wave(*steps)
    answered_before = request.pushed_id is not None and not replies[2].first
    if answered_before or (transaction_key is not None and not replies[-1]):
        raise InvalidRequestUri("This request has been answered already. Start again at the portal.")
    return with_code(request, code=code, client=client, provider=provider)


def record_of(
    *, request: AuthorizationRequest, client: RelyingParty, session: Session, ready: Ready, provider: Provider
) -> CodeRecord:
    """Return what a code stands for that this session gets, or another one-time value in its place."""
    granted = ready.consent.granted_claims
    scope = tuple(value for value in request.scope if value != OFFLINE or OFFLINE in granted)
    subject = subject_for(client=client, citizen_id=session.citizen_id, sealer=provider.sealer)
    told, sealed_claims = _released(
        request=request, granted=granted, citizen_id=session.citizen_id, subject=subject, provider=provider
    )
    return CodeRecord(
        client_id=client.client_id,
        redirect_uri=request.redirect_uri,
        code_challenge=request.code_challenge,
        nonce=request.nonce,
        scope=" ".join(scope),
        claims=" ".join(told),
        citizen_id=session.citizen_id,
        passkey_id=session.passkey_id,
        session_id=session.id,
        sid=session_for(client=client, session_id=session.id, sealer=provider.sealer),
        consent_id=ready.consent.id,
        subject=subject,
        acr=ready.acr,
        account_level=ready.account_level,
        amr=",".join(session.amr),
        auth_time=session.auth_time,
        issued_at=clock.epoch_seconds(),
        resource=request.resource,
        dpop_jkt=request.dpop_jkt,
        authorization_details=request.authorization_details,
        tells_grant=request.tells_grant,
        generation=request.generation,
        sealed_claims=sealed_claims,
    )


def _released(
    *, request: AuthorizationRequest, granted: frozenset[str], citizen_id: str, subject: str, provider: Provider
) -> tuple[tuple[str, ...], str | None]:
    """Return what userinfo may tell, and, sealed, what the ID token itself is to carry, where it is to carry any."""
    told, inside = within(granted, words=request.claims_userinfo), within(granted, words=request.claims_id_token)
    if not inside and request.claims_wanted is None:
        return told, None
    known = provider.authorizations.known(citizen_id=citizen_id)
    wanted = _wanted(request=request, provider=provider)
    register, now = provider.settings.register, clock.now()
    told = acceptable(known=known, words=told, wanted=wanted.get("userinfo", {}), register=register, now=now)
    inside = acceptable(known=known, words=inside, wanted=wanted.get("id_token", {}), register=register, now=now)
    said = released(known=known, words=inside, scope="", subject=subject, register=register)
    sealed = provider.sealer.seal(purpose=CLAIMS_PURPOSE, plaintext=orjson.dumps(said))
    return told, b64encode(sealed).decode() if said else None


def _wanted(*, request: AuthorizationRequest, provider: Provider) -> dict[str, dict[str, Any]]:
    """Open the values that the relying party wants to see, if it named some."""
    if request.claims_wanted is None:
        return {}
    sealed = b64decode(request.claims_wanted)
    opened: dict[str, dict[str, Any]] = orjson.loads(provider.sealer.unseal(purpose=WANTED_PURPOSE, sealed=sealed))
    return opened
