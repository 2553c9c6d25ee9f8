"""Tokens: the ID token, access tokens for a resource (RFC 9068) and for userinfo (opaque), refresh tokens.

An access token for userinfo is sealed bytes: the authorization's id and when it ends. Nobody can make or read one
without the provider's key, nothing is stored for it, and whatever ends the authorization ends it at once.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idp import clock
from idp.errors import InvalidToken
from idp.protocol.subject import session_for
from keys import JoseRefused, JwtRules, SealBroken, read_jwt, sign_jwt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.protocol.provider import Provider
    from idp.protocol.records import LiveAuthorization
    from idp.relying_parties.client import RelyingParty

ACCESS_PURPOSE = "access token"
REFRESH_PREFIX = "sen_rt_"
ACCESS_PREFIX = "sen_at_"
REFRESH_BYTES = 32
LONGEST_TOKEN = 4096
SIGNATURES = frozenset({"ES256"})


@dataclass(frozen=True, slots=True)
class IdTokenExtras:
    """What a first ID token carries beyond the authorization itself."""

    nonce: str | None = None
    claims: Mapping[str, Any] | None = None


def new_refresh_token() -> str:
    """Return 256 random bits with a prefix that secret scanners find."""
    return REFRESH_PREFIX + secrets.token_urlsafe(REFRESH_BYTES)


def refresh_hash(token: str) -> bytes:
    """Return what is kept of a refresh token: its SHA-256."""
    return hashlib.sha256(token.encode()).digest()


def access_token(*, authorization: LiveAuthorization, provider: Provider) -> str:
    """Return an access token: a JWT where it is for a resource, sealed bytes where it is for userinfo.

    Source: RFC 9068 section 2.2, RFC 6750 section 1.2.
    """
    if authorization.resource is not None:
        return _resource_token(authorization=authorization, provider=provider)
    ends = clock.epoch_seconds() + provider.settings.tokens.access_token_seconds
    plain = uuid.UUID(authorization.id).bytes + struct.pack(">Q", ends)
    sealed = provider.sealer.seal(purpose=ACCESS_PURPOSE, plaintext=plain)
    return ACCESS_PREFIX + urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _resource_token(*, authorization: LiveAuthorization, provider: Provider) -> str:
    instant = clock.now()
    issued = int(instant.timestamp())
    claims = {
        "iss": provider.issuer,
        "sub": authorization.subject,
        "aud": authorization.resource,
        "client_id": authorization.client_id,
        "iat": issued,
        "exp": issued + provider.settings.tokens.access_token_seconds,
        "jti": authorization.id,
        "scope": authorization.scope,
        "auth_time": authorization.auth_time,
        "acr": authorization.acr,
        "amr": authorization.amr.split(","),
    }
    return sign_jwt(claims=claims, key=provider.ring.signing_key("ES256", now=instant), typ="at+jwt")


def authorization_of(*, unverified_token: str, provider: Provider) -> str:
    """Return the id of the authorization that a userinfo access token stands for.

    Raises:
        InvalidToken: it is none of ours, or its time is over.

    Source: RFC 6750 section 3.1.
    """
    refused = InvalidToken("The access token is not good, or no longer.")
    if not unverified_token.startswith(ACCESS_PREFIX) or len(unverified_token) > LONGEST_TOKEN:
        raise refused
    text = unverified_token.removeprefix(ACCESS_PREFIX)
    try:
        sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        plain = provider.sealer.unseal(purpose=ACCESS_PURPOSE, sealed=sealed)
        (ends,) = struct.unpack(">Q", plain[16:])
    except (ValueError, SealBroken, struct.error) as error:
        raise refused from error
    if clock.epoch_seconds() >= ends:
        raise refused
    return str(uuid.UUID(bytes=plain[:16]))


def authorization_of_resource_token(*, unverified_token: str, provider: Provider) -> str:
    """Return the id of the authorization that an access token for a resource stands for.

    Raises:
        InvalidToken: it is none of ours, or its time is over.

    Source: RFC 9068 section 4.
    """
    now = clock.now()
    rules = JwtRules(
        algorithms=SIGNATURES,
        typ=frozenset({"at+jwt"}),
        expected_issuer=provider.issuer,
        expected_audience=None,
        required=("iss", "sub", "aud", "exp", "iat", "jti", "client_id"),
        longest_lifetime=provider.settings.tokens.access_token_seconds,
        leeway=0,
    )
    try:
        keys = provider.ring.verification_keys(now=now)
        return str(read_jwt(unverified_token, rules=rules, keys=keys, now=now).claims["jti"])
    except JoseRefused as error:
        raise InvalidToken("The access token is not good, or no longer.", detail=str(error)) from error


def id_token(
    *, authorization: LiveAuthorization, client: RelyingParty, access: str, extras: IdTokenExtras, provider: Provider
) -> str:
    """Return a signed ID token with the relying party's algorithm.

    Source: OpenID Connect Core sections 2 and 3.1.3.6.
    """
    instant = clock.now()
    issued = int(instant.timestamp())
    claims: dict[str, Any] = {
        **(extras.claims or {}),
        "iss": provider.issuer,
        "sub": authorization.subject,
        "aud": client.client_id,
        "iat": issued,
        "exp": issued + provider.settings.tokens.id_token_seconds,
        "auth_time": authorization.auth_time,
        "acr": authorization.acr,
        "amr": authorization.amr.split(","),
        "at_hash": _half_hash(access),
        "sid": session_for(client=client, session_id=authorization.session_id, sealer=provider.sealer),
        "vn_account_level": f"{authorization.account_level:02d}",
    }
    if extras.nonce is not None:
        claims["nonce"] = extras.nonce
    return sign_jwt(claims=claims, key=provider.ring.signing_key(client.id_token_algorithm, now=instant), typ="JWT")


def _half_hash(token: str) -> str:
    """Return the left half of SHA-256 in base64url (OpenID Connect Core section 3.1.3.6)."""
    return urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).rstrip(b"=").decode()
