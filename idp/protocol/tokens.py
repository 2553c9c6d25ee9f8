"""Tokens: the ID token, access tokens for a resource (RFC 9068) and for userinfo (opaque), refresh tokens.

An access token for userinfo is sealed bytes: the authorization's id, when it ends, and the key that it is bound to.
Nobody can make or read one without the provider's key, nothing is stored for it, and whatever ends the authorization
ends it at once. The key stands in the token, not in the authorization alone: each use of a refresh token may prove
another one (RFC 9449 section 5).
"""

from __future__ import annotations

import hashlib
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import uuid_utils

from idp import clock
from idp.errors import InvalidToken
from idp.protocol.messages import encrypted
from idp.protocol.records import AnyAuthorization, SenderKey
from keys import JoseRefused, JwtRules, SealBroken, read_jwt, sign_jwt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from idp.protocol.provider import Provider
    from idp.protocol.records import LiveAuthorization
    from idp.relying_parties.client import RelyingParty

ACCESS_PURPOSE = "access token"
DAY = 86400
"""Each day seals its access tokens under a key of its own, so that no key ever seals too many."""

REFRESH_PREFIX = "sen_rt_"
ACCESS_PREFIX = "sen_at_"
REFRESH_BYTES = 32
LONGEST_TOKEN = 4096
CLOCK_SKEW_SECONDS = 10
"""By how much the clock of the worker that gave a token may be ahead of the one that reads it."""

BINDING = struct.Struct(">c32s")
"""The key that a sealed token is bound to: of which kind, and its thumbprint."""

DPOP_KEY, CERTIFICATE = b"j", b"x"
SIGNATURES = frozenset({"ES256"})
SIGNED_OVER_SHA512 = "EdDSA"


@dataclass(frozen=True, slots=True)
class IdTokenExtras:
    """What a first ID token carries beyond the authorization itself."""

    nonce: str | None = None
    claims: Mapping[str, Any] | None = None


def refresh_hash(token: str) -> bytes:
    """Return what is kept of a refresh token: its SHA-256."""
    return hashlib.sha256(token.encode()).digest()


def answer_members(
    *, authorization: LiveAuthorization, client: RelyingParty, extras: IdTokenExtras, provider: Provider, now: datetime
) -> dict[str, Any]:
    """Return what a token answer says, but for the refresh token: an access token and an ID token.

    The access token is a JWT where it is for a resource, sealed bytes where it is for userinfo.

    Source: RFC 6749 section 5.1, RFC 9068 section 2.2, OpenID Connect Core sections 2 and 3.1.3.6.
    """
    issued, settings, details = int(now.timestamp()), provider.settings, authorization.authorization_details
    kind = token_type(SenderKey(jkt=authorization.dpop_jkt))
    make = _userinfo_token if authorization.resource is None else resource_token
    access = make(authorization=authorization, provider=provider, now=now)
    hashing = hashlib.sha512 if client.id_token_algorithm == SIGNED_OVER_SHA512 else hashlib.sha256
    half = hashing(access.encode()).digest()[: hashing().digest_size // 2]
    claims: dict[str, Any] = {
        **(extras.claims or {}),
        "iss": settings.server.issuer,
        "sub": authorization.subject,
        "aud": client.client_id,
        "iat": issued,
        "exp": issued + settings.tokens.id_token_seconds,
        "auth_time": authorization.auth_time,
        "acr": authorization.acr,
        "amr": authorization.amr.split(","),
        "at_hash": urlsafe_b64encode(half).rstrip(b"=").decode(),
        "sid": authorization.sid,
        "vn_account_level": f"{authorization.account_level:02d}",
        **({} if extras.nonce is None else {"nonce": extras.nonce}),
    }
    key = provider.ring.signing_key(client.id_token_algorithm, now=now)
    id_token, encryption = sign_jwt(claims=claims, key=key, typ="JWT"), client.messages.id_token_encryption
    if encryption is not None:
        id_token = encrypted(id_token.encode(), encryption=encryption, client=client, content_type="JWT")
    return {
        "access_token": access,
        "token_type": kind,
        "expires_in": settings.tokens.access_token_seconds,
        "id_token": id_token,
        "scope": authorization.scope,
        **({"authorization_details": orjson.loads(details)} if details else {}),
    }


def token_type(sender: SenderKey) -> str:
    """Return how a token bound to this key is sent; a certificate changes nothing (RFC 9449 section 5)."""
    return "Bearer" if sender.jkt is None else "DPoP"


def _userinfo_token(*, authorization: LiveAuthorization, provider: Provider, now: datetime) -> str:
    ends = int(now.timestamp()) + provider.settings.tokens.access_token_seconds
    bound = ((DPOP_KEY, authorization.dpop_jkt), (CERTIFICATE, authorization.certificate_x5t))
    plain = uuid_utils.UUID(authorization.id).bytes + struct.pack(">Q", ends)
    plain += b"".join(BINDING.pack(kind, urlsafe_b64decode(f"{key}=")) for kind, key in bound if key)
    sealed = provider.sealer.seal(purpose=f"{ACCESS_PURPOSE} {ends // DAY}", plaintext=plain)
    return ACCESS_PREFIX + urlsafe_b64encode(sealed).rstrip(b"=").decode()


def confirmation(sender: SenderKey) -> dict[str, str] | None:
    """Return what the member `cnf` says of the key that a token is bound to (RFC 7800 section 3.1)."""
    keys = (("jkt", sender.jkt), ("x5t#S256", sender.x5t))
    return {name: value for name, value in keys if value} or None


def resource_token(
    *,
    authorization: LiveAuthorization | AnyAuthorization,
    provider: Provider,
    now: datetime,
    ends: int | None = None,
) -> str:
    """Return an access token for the resource of an authorization; `ends` in seconds since 1970, else the usual life.

    Source: RFC 9068 section 2.2, RFC 9396 section 9.1, RFC 8693 section 4.1.
    """
    issued, details = int(now.timestamp()), authorization.authorization_details
    act = authorization.act if isinstance(authorization, AnyAuthorization) else None
    said = {
        "cnf": confirmation(SenderKey(jkt=authorization.dpop_jkt, x5t=authorization.certificate_x5t)),
        "iss": provider.issuer,
        "sub": authorization.subject,
        "aud": authorization.resource,
        "client_id": authorization.client_id,
        "iat": issued,
        "exp": ends or issued + provider.settings.tokens.access_token_seconds,
        "jti": f"{authorization.id}.{uuid_utils.uuid4()}",  # no secret: it has to be new, and no more
        "scope": authorization.scope or None,
        "auth_time": authorization.auth_time,
        "acr": authorization.acr,
        "amr": authorization.amr.split(",") if authorization.amr else None,
        "authorization_details": orjson.loads(details) if details else None,
        "act": orjson.loads(act) if act else None,
    }
    claims = {name: value for name, value in said.items() if value is not None}
    return sign_jwt(claims=claims, key=provider.ring.signing_key("ES256", now=now), typ="at+jwt")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What an access token of ours says: its authorization, the key it is bound to, its end in seconds since 1970."""

    authorization_id: str
    sender: SenderKey
    ends_at: int
    claims: Mapping[str, Any] | None = None  # of a token for a resource


def read_userinfo_token(*, unverified_token: str, provider: Provider) -> AccessToken:
    """Return what an access token for userinfo says.

    Raises:
        InvalidToken: it is none of ours, or its time is over.

    Source: RFC 6750 section 3.1.
    """
    refused, instant = InvalidToken("The access token is not good, or no longer."), clock.epoch_seconds()
    if not unverified_token.startswith(ACCESS_PREFIX) or len(unverified_token) > LONGEST_TOKEN:
        raise refused
    text = unverified_token.removeprefix(ACCESS_PREFIX)
    try:
        sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if urlsafe_b64encode(sealed).rstrip(b"=") != text.encode():  # the library passes over foreign letters
            raise refused
        plain = _unsealed(sealed, provider=provider, instant=instant)
        (ends,) = struct.unpack(">Q", plain[16:24])
        bound = {kind: urlsafe_b64encode(key).rstrip(b"=").decode() for kind, key in BINDING.iter_unpack(plain[24:])}
    except (ValueError, SealBroken, struct.error) as error:
        raise refused from error
    longest = provider.settings.tokens.access_token_seconds + CLOCK_SKEW_SECONDS
    if not instant < ends <= instant + longest:  # one that lives longer is of a clock that was set back meanwhile
        raise refused
    sender = SenderKey(jkt=bound.get(DPOP_KEY), x5t=bound.get(CERTIFICATE))
    return AccessToken(str(uuid_utils.UUID(bytes=plain[:16])), sender, ends)


def _unsealed(sealed: bytes, *, provider: Provider, instant: int) -> bytes:
    """Open what was sealed under the key of the day that it ends on: today, or just after midnight."""
    today = instant // DAY
    try:
        return provider.sealer.unseal(purpose=f"{ACCESS_PURPOSE} {today}", sealed=sealed)
    except SealBroken:
        return provider.sealer.unseal(purpose=f"{ACCESS_PURPOSE} {today + 1}", sealed=sealed)


def read_access_token(*, unverified_token: str, provider: Provider) -> AccessToken:
    """Return what an access token says, whichever of the two kinds it is.

    Raises:
        InvalidToken: it is none of ours, or its time is over.
    """
    read = read_resource_token if "." in unverified_token else read_userinfo_token
    return read(unverified_token=unverified_token, provider=provider)


def read_resource_token(*, unverified_token: str, provider: Provider) -> AccessToken:
    """Return what an access token for a resource says.

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
        leeway=CLOCK_SKEW_SECONDS,
    )
    try:
        keys = provider.ring.verification_keys(now=now)
        claims = read_jwt(unverified_token, rules=rules, keys=keys, now=now).claims
    except JoseRefused as error:
        raise InvalidToken("The access token is not good, or no longer.", detail=str(error)) from error
    bound = claims.get("cnf", {})
    sender = SenderKey(jkt=bound.get("jkt"), x5t=bound.get("x5t#S256"))
    return AccessToken(str(claims["jti"]).partition(".")[0], sender, claims["exp"], claims)
