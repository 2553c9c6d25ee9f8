"""Signed request objects: an authorization request as a token that the relying party has signed (RFC 9101).

By value only, at the authorization endpoint and at PAR; nothing is ever fetched from elsewhere (section 10.4).
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from idp.errors import InvalidRequest, InvalidRequestObject, RequestNotSupported
from idp.protocol.client_auth.proof import Mark
from keys import JoseRefused, JwtRules, SignerUnknown, UnverifiedJwt, peek_unverified, verify_jwt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from idp.protocol.provider import Provider
    from idp.relying_parties.client import RelyingParty

TYPES: Final = frozenset({None, "jwt", "oauth-authz-req+jwt"})
LONGEST_SECONDS: Final = 3600
LEEWAY_SECONDS: Final = 10
LONGEST_JTI: Final = 256
REQUIRED: Final = ("iss", "aud")
REQUIRED_WHERE_SIGNED: Final = ("iss", "aud", "exp", "nbf")
"""What must stand there where the profile asks for signed messages (FAPI 2.0 Message Signing section 5.3.1)."""

TEXTS: Final = frozenset(
    {
        "client_id", "response_type", "response_mode", "redirect_uri", "scope", "state", "nonce", "prompt", "display",
        "code_challenge", "code_challenge_method", "acr_values", "id_token_hint", "login_hint", "ui_locales",
        "claims_locales", "resource", "dpop_jkt", "grant_id", "grant_management_action",
    }
)  # fmt: skip
"""Parameters that are texts in an object too; what stands in neither table is not known here and passed over."""

DOCUMENTS: Final = frozenset({"claims", "authorization_details"})
"""Parameters that are JSON themselves: they stand in an object as they are (OpenID Connect Core section 6.1)."""

SEVERAL: Final = "resource"
"""The one parameter that may stand several times: in an object it is an array (RFC 8707 section 2)."""

WHOLE_NUMBERS: Final = frozenset({"max_age"})
SAME_OUTSIDE: Final = ("client_id", "response_type")
"""What OAuth wants to see outside as well: it must not say another thing there (OpenID Connect Core section 6.1)."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The parameters of a request, out of its signed object where there was one, and the marks that it leaves."""

    parameters: Mapping[str, str]
    marks: tuple[Mark, ...] = ()


def opened(
    *, unverified: Mapping[str, str], client: RelyingParty, provider: Provider, pushed: bool, now: datetime
) -> Opened:
    """Return the parameters that count: those of the object alone, where one was sent.

    1. where the relying party must sign its requests, there is an object, and it is signed; 2. nothing of it is
    fetched; 3. algorithm, type, issuer, audience, times, and the signature by one of its keys; 4. what stands outside
    agrees; 5. its parameters, with their types; 6. its jti becomes a mark that is claimed once.

    Raises:
        InvalidRequest: there is none where there has to be. RequestNotSupported: it is not signed.
        InvalidRequestObject: one of the others does not hold.

    Source: RFC 9101 sections 4, 6 and 10.8, FAPI 2.0 Message Signing section 5.3.1, OpenID Connect Core section 6.1.
    """
    token = unverified.get("request")
    if token is None:
        if client.messages.request_object_required:  # 1
            raise InvalidRequest("This relying party must send its requests as signed objects (RFC 9101).")
        return Opened(unverified)
    if "request_uri" in unverified:  # 2
        raise InvalidRequest("request and request_uri exclude each other.")
    try:
        peeked = peek_unverified(token)
        if peeked.header.get("alg") == "none" and not pushed:
            raise RequestNotSupported("Request objects without a signature are not taken.")
        claims = _verified(peeked, client=client, provider=provider, now=now)  # 3
    except JoseRefused as error:
        raise InvalidRequestObject(f"The request object is not good: {error.reason}.", detail=error.reason) from error
    _check_outside(unverified=unverified, claims=claims)  # 4
    return Opened(_parameters(claims), _marks(claims, client=client))  # 5, 6


def said_unverified(unverified: Mapping[str, str]) -> Mapping[str, str]:
    """Return what a request says that was refused, its object's texts included: only to find where to say so.

    Nobody has vouched for any of it; an address out of it is compared with the registered ones like any other.
    """
    try:
        claims = peek_unverified(unverified["request"]).claims
    except (KeyError, JoseRefused):
        return unverified
    inside = {name: claims[name] for name in ("redirect_uri", "state") if isinstance(claims.get(name), str)}
    return {**unverified, **inside}


@functools.lru_cache(maxsize=4096)
def _rules(client_id: str, issuer: str, algorithms: frozenset[str], required: tuple[str, ...]) -> JwtRules:
    """Return what an object of an approved relying party has to be; made once for each."""
    return JwtRules(
        algorithms=algorithms,
        typ=TYPES,
        expected_issuer=client_id,
        expected_audience=issuer,
        required=required,
        longest_lifetime=LONGEST_SECONDS,
        leeway=LEEWAY_SECONDS,
        audience_may_be_array=True,
    )


def _verified(peeked: UnverifiedJwt, *, client: RelyingParty, provider: Provider, now: datetime) -> Mapping[str, Any]:
    registered = client.messages.request_object_algorithm
    algorithms = client.profile.algorithms if registered is None else frozenset({registered})
    required = REQUIRED_WHERE_SIGNED if client.profile.signed_messages else REQUIRED
    rules = _rules(client.client_id, provider.issuer, algorithms, required)
    try:
        claims = verify_jwt(peeked, rules=rules, keys=client.keys, now=now).claims
    except SignerUnknown:
        renewed = provider.directory.renewed(client)  # a published key set may have changed
        if renewed is None:
            raise
        claims = verify_jwt(peeked, rules=rules, keys=renewed.keys, now=now).claims
    _check_meaning(claims, client=client, now=now)
    return claims


def _check_meaning(claims: Mapping[str, Any], *, client: RelyingParty, now: datetime) -> None:
    """Refuse what is too old, too long alive, about its own sender, or holds or names another."""
    begins, ends = claims.get("nbf"), claims.get("exp")
    if begins is not None and begins < now.timestamp() - LONGEST_SECONDS:
        raise JoseRefused("claims: nbf is too long ago")
    if begins is not None and ends is not None and ends - begins > LONGEST_SECONDS:
        raise JoseRefused("claims: exp lies too far behind nbf")
    if claims.get("sub") == client.client_id:  # a client assertion, which is about its own issuer
        raise JoseRefused("claims: sub is the relying party itself")
    if not {"request", "request_uri"}.isdisjoint(claims):
        raise JoseRefused("claims: request or request_uri inside")
    if claims.get("client_id", client.client_id) != client.client_id:
        raise JoseRefused("claims: another client_id")


def _check_outside(*, unverified: Mapping[str, str], claims: Mapping[str, Any]) -> None:
    for name in SAME_OUTSIDE:
        if name in unverified and name in claims and unverified[name] != claims[name]:
            raise InvalidRequestObject(f"{name} is another one inside the request object than outside.")


def _parameters(claims: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the object's parameters as texts, the way that they would have come in a form."""
    found: dict[str, str] = {}
    for name, value in claims.items():
        if name == SEVERAL and isinstance(value, list) and all(isinstance(one, str) for one in value):
            text: Any = " ".join(value)
        elif name in TEXTS:
            text = value
        elif name in DOCUMENTS and isinstance(value, dict | list):
            text = orjson.dumps(value).decode()
        elif name in WHOLE_NUMBERS and type(value) is int:
            text = str(value)
        elif name in DOCUMENTS | WHOLE_NUMBERS:
            text = value
        else:
            continue
        if not isinstance(text, str) or "\x00" in text:
            raise InvalidRequestObject(f"{name} has a wrong type in the request object.")
        if text:
            found[name] = text
    return found


def _marks(claims: Mapping[str, Any], *, client: RelyingParty) -> tuple[Mark, ...]:
    """Return the mark of the object's jti, if it has one (RFC 9101 section 10.2)."""
    jti = claims.get("jti")
    if jti is None:
        return ()
    if not 0 < len(jti) <= LONGEST_JTI:
        raise InvalidRequestObject("jti is empty or too long in the request object.")
    digest = hashlib.sha256(f"{client.client_id}\x00{jti}".encode()).hexdigest()
    made = claims.get("iat", claims.get("nbf", claims.get("exp", 0) - LONGEST_SECONDS))
    return (
        Mark(
            key=f"object:{digest}",
            seconds=LONGEST_SECONDS + LEEWAY_SECONDS,
            issued_at=made,
            refusal=InvalidRequestObject,
            public="The request object was used before, or is too old to tell; sign a new one.",
        ),
    )
