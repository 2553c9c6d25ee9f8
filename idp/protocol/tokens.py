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
    from datetime import datetime

    from idp.protocol.provider import Provider
    from idp.protocol.records import LiveAuthorization
    from idp.relying_parties.client import RelyingParty

ACCESS_PURPOSE = "access token"
REFRESH_PREFIX = "sen_rt_"
ACCESS_PREFIX = "sen_at_"
REFRESH_BYTES = 32
LONGEST_TOKEN = 4096
JTI_BYTES = 12
SIGNATURES = frozenset({"ES256"})
SIGNED_OVER_SHA512 = frozenset({"EdDSA", "Ed25519"})


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


def answer_members(
    *,
    authorization: LiveAuthorization,
    client: RelyingParty,
    extras: IdTokenExtras,
    provider: Provider,
    now: datetime,
) -> dict[str, Any]:
    """Return what a token answer says, but for the refresh token (RFC 6749 section 5.1)."""
    access = access_token(authorization=authorization, provider=provider, now=now)
    return {
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": provider.settings.tokens.access_token_seconds,
        "id_token": id_token(
            authorization=authorization, client=client, access=access, extras=extras, provider=provider, now=now
        ),
        "scope": authorization.scope,
    }


def access_token(*, authorization: LiveAuthorization, provider: Provider, now: datetime) -> str:
    """Return an access token: a JWT where it is for a resource, sealed bytes where it is for userinfo.

    Source: RFC 9068 section 2.2, RFC 6750 section 1.2.
    """
    if authorization.resource is not None:
        return _resource_token(authorization=authorization, provider=provider, now=now)
    ends = int(now.timestamp()) + provider.settings.tokens.access_token_seconds
    plain = uuid.UUID(authorization.id).bytes + struct.pack(">Q", ends)
    sealed = provider.sealer.seal(purpose=ACCESS_PURPOSE, plaintext=plain)
    return ACCESS_PREFIX + urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _resource_token(*, authorization: LiveAuthorization, provider: Provider, now: datetime) -> str:
    issued = int(now.timestamp())
    claims = {
        "iss": provider.issuer,
        "sub": authorization.subject,
        "aud": authorization.resource,
        "client_id": authorization.client_id,
        "iat": issued,
        "exp": issued + provider.settings.tokens.access_token_seconds,
        "jti": f"{authorization.id}.{secrets.token_urlsafe(JTI_BYTES)}",
        "scope": authorization.scope,
        "auth_time": authorization.auth_time,
        "acr": authorization.acr,
        "amr": authorization.amr.split(","),
    }
    return sign_jwt(claims=claims, key=provider.ring.signing_key("ES256", now=now), typ="at+jwt")


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
        if urlsafe_b64encode(sealed).rstrip(b"=") != text.encode():  # the library passes over foreign letters
            raise refused
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
        return str(read_jwt(unverified_token, rules=rules, keys=keys, now=now).claims["jti"]).partition(".")[0]
    except JoseRefused as error:
        raise InvalidToken("The access token is not good, or no longer.", detail=str(error)) from error


def id_token(
    *,
    authorization: LiveAuthorization,
    client: RelyingParty,
    access: str,
    extras: IdTokenExtras,
    provider: Provider,
    now: datetime,
) -> str:
    """Return a signed ID token with the relying party's algorithm.

    Source: OpenID Connect Core sections 2 and 3.1.3.6.
    """
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        **(extras.claims or {}),
        "iss": provider.settings.server.issuer,
        "sub": authorization.subject,
        "aud": client.client_id,
        "iat": issued,
        "exp": issued + provider.settings.tokens.id_token_seconds,
        "auth_time": authorization.auth_time,
        "acr": authorization.acr,
        "amr": authorization.amr.split(","),
        "at_hash": _half_hash(access, algorithm=client.id_token_algorithm),
        "sid": session_for(client=client, session_id=authorization.session_id, sealer=provider.sealer),
        "vn_account_level": f"{authorization.account_level:02d}",
    }
    if extras.nonce is not None:
        claims["nonce"] = extras.nonce
    return sign_jwt(claims=claims, key=provider.ring.signing_key(client.id_token_algorithm, now=now), typ="JWT")


def _half_hash(token: str, *, algorithm: str) -> str:
    """Return the left half of the signature's own hash in base64url: SHA-512 for Ed25519, else SHA-256.

    Source: OpenID Connect Core section 3.1.3.6.
    """
    hashed = (hashlib.sha512 if algorithm in SIGNED_OVER_SHA512 else hashlib.sha256)(token.encode()).digest()
    return urlsafe_b64encode(hashed[: len(hashed) // 2]).rstrip(b"=").decode()
