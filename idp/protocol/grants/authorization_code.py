"""authorization_code: take the code once, then check, then write the authorization through every gate."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING

import orjson
import uuid_utils

from idp.audit.events import AuthorizationGranted
from idp.ephemeral import Take
from idp.errors import InvalidGrant, InvalidRequest, UnauthorizedClient
from idp.protocol import codes, tokens
from idp.protocol.client_auth import spend
from idp.protocol.grants import rotation
from idp.protocol.grants.call import MICROS, TokenAnswer
from idp.protocol.grants.narrowing import narrowed
from idp.protocol.interaction import OFFLINE
from idp.protocol.records import CodeRecord, NewAuthorization
from idp.protocol.sender.pkce import NO_CHALLENGE, VERIFIER
from idp.protocol.store import CodeReused
from idp.protocol.tokens import IdTokenExtras

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.protocol.grants.call import GrantCall
    from idp.protocol.provider import Provider

NOT_GOOD = "The code is not good, or no longer. Start again at the authorization endpoint."
REUSED = "code reused"
NARROWING = frozenset({"resource", "authorization_details"})
DAY = 86400 * MICROS


def answer(call: GrantCall) -> TokenAnswer:
    """Redeem a code.

    1. the code is taken, with the replay mark and the limit, in one wave; 2. it is this relying party's, for this
    address, by this verifier, and young enough; 3. tokens are signed; 4. the authorization is written by an INSERT
    that selects on every gate, with its event; 5. only then is anything told. A code that was taken before ends the
    authorization that it became.

    Raises:
        InvalidRequest: no code. InvalidGrant: everything else; the code stays burnt.

    Source: RFC 6749 sections 4.1.3 and 4.1.4, RFC 9700 section 2.1.1, OpenID Connect Core section 3.1.3.
    """
    code = call.form.get("code")
    client, provider = call.proof.client, call.provider
    if code is None:
        raise InvalidRequest("code is missing.")
    if "authorization_code" not in client.grant_types:
        raise UnauthorizedClient("This relying party is not registered for authorization_code.")
    code_hash = hashlib.sha256(code.encode()).digest()
    (taken,) = spend(call.proof, Take(codes.CODE_KEY + code_hash.hex()), provider=provider)  # 1
    if taken is None:
        provider.authorizations.end_by_code(code_hash=code_hash, reason=REUSED)
        raise InvalidGrant(NOT_GOOD)
    record = CodeRecord(**orjson.loads(taken))
    _check(call=call, record=record)  # 2
    return grant(call=call, record=record, code_hash=code_hash)  # 3, 4, 5


def grant(
    *, call: GrantCall, record: CodeRecord, code_hash: bytes, grant_type: str = "authorization_code"
) -> TokenAnswer:
    """Sign tokens for what a citizen agreed to, write the authorization through every gate, and tell.

    Whatever was taken once by its hash, an authorization code or the name of a request that waited elsewhere, becomes
    one authorization and no second one.

    Raises:
        InvalidGrant: the hash stands in an authorization already, which is ended; or a gate is shut.
    """
    client, provider = call.proof.client, call.provider
    new, members = _issue(call=call, record=record, code_hash=code_hash, grant_type=grant_type)
    event = AuthorizationGranted(
        actor=f"client:{client.client_id}",
        citizen_id=record.citizen_id,
        client_id=client.client_id,
        object=new.id,
        scope=new.scope,
        claims=new.claims,
        acr=new.acr,
    )
    try:
        written = provider.authorizations.create(new, event=event)
    except CodeReused:
        provider.authorizations.end_by_code(code_hash=code_hash, reason=REUSED)
        raise InvalidGrant(NOT_GOOD) from None
    if not written:
        raise InvalidGrant("The login or the consent behind this code has been ended.")
    return TokenAnswer(members)


def _check(*, call: GrantCall, record: CodeRecord) -> None:
    """Compare the code with the request (RFC 6749 section 4.1.3)."""
    if record.client_id != call.proof.client.client_id:
        raise InvalidGrant(NOT_GOOD, detail="another relying party's code")
    if record.generation != call.proof.client.generation:
        raise InvalidGrant(NOT_GOOD, detail="issued before the registration was changed")
    if int(call.now.timestamp()) - record.issued_at >= call.provider.settings.tokens.code_seconds:
        raise InvalidGrant(NOT_GOOD, detail="code too old")
    if call.form.get("redirect_uri") != record.redirect_uri:
        raise InvalidGrant("redirect_uri is not the one of the authorization request.")
    _check_verifier(unverified_verifier=call.form.get("code_verifier"), expected_challenge=record.code_challenge)
    if record.dpop_jkt not in {None, call.sender.jkt}:
        raise InvalidGrant("The code is bound to another key than the one that the DPoP proof is made with.")


def _check_verifier(*, unverified_verifier: str | None, expected_challenge: str) -> None:
    """Compare a verifier with the challenge of its code, in constant time (RFC 7636 section 4.6).

    It stands here and not beside the challenge, so that a token request, which is the hot path, needs no file more.

    Raises:
        InvalidGrant: it is missing, malformed or does not fit, or the code was asked for without a challenge, which
            may not be found out later (RFC 9700 section 4.8.2).
    """
    if expected_challenge == NO_CHALLENGE:
        if unverified_verifier is not None:
            raise InvalidGrant("code_verifier does not belong to a code that was asked for without a challenge.")
        return
    if unverified_verifier is None or not VERIFIER.fullmatch(unverified_verifier):
        raise InvalidGrant("code_verifier is missing or malformed.")
    digest = urlsafe_b64encode(hashlib.sha256(unverified_verifier.encode()).digest()).rstrip(b"=")
    if not hmac.compare_digest(digest, expected_challenge.encode()):
        raise InvalidGrant("code_verifier does not fit the code.")


def _issue(
    *, call: GrantCall, record: CodeRecord, code_hash: bytes, grant_type: str
) -> tuple[NewAuthorization, dict[str, object]]:
    """Return the row to be written, and what is told once it stands: nothing of it counts before."""
    provider, client = call.provider, call.proof.client
    offline = OFFLINE in record.scope.split(" ") and "refresh_token" in client.grant_types
    authorization_id = str(uuid_utils.uuid7())
    refresh = _refresh_token(call, authorization_id=authorization_id) if offline else None
    extras = IdTokenExtras(nonce=record.nonce, claims=_open_claims(record.sealed_claims, provider=provider))
    at = int(call.now.timestamp() * MICROS)
    new = NewAuthorization(
        id=authorization_id,
        grant_type=grant_type,
        client_id=record.client_id,
        citizen_id=record.citizen_id,
        passkey_id=record.passkey_id,
        session_id=record.session_id,
        consent_id=record.consent_id,
        code_hash=code_hash,
        refresh_hash=None if refresh is None else tokens.refresh_hash(refresh),
        refresh_expires_at=at + provider.settings.tokens.refresh_token_days * DAY if offline else None,
        offline=offline,
        scope=record.scope,
        claims=record.claims,
        resource=record.resource,
        subject=record.subject,
        acr=record.acr,
        amr=record.amr,
        account_level=record.account_level,
        auth_time=record.auth_time,
        dpop_jkt=call.sender.jkt,
        certificate_x5t=call.sender.x5t,
        authorization_details=record.authorization_details,
        sid=record.sid,
        at=at,
    )
    told = narrowed(new, form=call.form) if NARROWING & call.form.keys() or new.resource else new
    members = tokens.answer_members(authorization=told, client=client, extras=extras, provider=provider, now=call.now)
    if record.tells_grant:
        members["grant_id"] = new.id
    return new, members if refresh is None else {**members, "refresh_token": refresh}


def _refresh_token(call: GrantCall, *, authorization_id: str) -> str:
    """Make a refresh token: the first of a line where they are replaced, else the only one."""
    if call.proof.client.profile.rotates_refresh:
        return rotation.first(authorization_id=authorization_id, sealer=call.provider.sealer)
    return tokens.REFRESH_PREFIX + secrets.token_urlsafe(tokens.REFRESH_BYTES)


def _open_claims(sealed: str | None, *, provider: Provider) -> Mapping[str, object] | None:
    """Open the claims that the ID token itself was asked to carry."""
    if sealed is None:
        return None
    opened = provider.sealer.unseal(purpose=codes.CLAIMS_PURPOSE, sealed=b64decode(sealed))
    claims: Mapping[str, object] = orjson.loads(opened)
    return claims
