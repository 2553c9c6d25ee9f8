"""A request that its relying party has signed, for the browser or for a backchannel: what holds of both."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from idp.protocol.client_auth.proof import Mark
from keys import JoseRefused, JwtRules, SignerUnknown, UnverifiedJwt, verify_jwt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from idp.errors import ProtocolError
    from idp.protocol.provider import Provider
    from idp.relying_parties.client import RelyingParty

TYPES: Final = frozenset({None, "jwt", "oauth-authz-req+jwt"})
LONGEST_SECONDS: Final = 3600
LEEWAY_SECONDS: Final = 10
LONGEST_JTI: Final = 256

DOCUMENTS: Final = frozenset({"claims", "authorization_details"})
"""Parameters that are JSON themselves: they may stand as they are (OpenID Connect Core section 6.1)."""

WHOLE_NUMBERS: Final = frozenset({"max_age", "requested_expiry"})
SEVERAL: Final = "resource"
"""The one parameter that may stand several times: it may be an array (RFC 8707 section 2)."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The parameters of a request, out of what was signed where anything was, and the marks that it leaves."""

    parameters: Mapping[str, str] = field(repr=False)
    marks: tuple[Mark, ...] = ()


@functools.lru_cache(maxsize=4096)
def _rules(client_id: str, issuer: str, algorithms: frozenset[str], required: tuple[str, ...]) -> JwtRules:
    """Return what a request of an approved relying party has to be; made once for each."""
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


def verified(
    unverified: UnverifiedJwt,
    *,
    algorithm: str | None,
    required: tuple[str, ...],
    client: RelyingParty,
    provider: Provider,
    now: datetime,
) -> Mapping[str, Any]:
    """Return the claims of a request: algorithm, type, issuer, audience, times and meaning hold, by one of its keys.

    `algorithm` is the one that the relying party has registered, if it has.

    Raises:
        JoseRefused: one of these does not hold.

    Source: RFC 9101 sections 4, 6 and 10.8, OpenID Connect CIBA Core section 7.1.1.
    """
    algorithms = client.profile.algorithms if algorithm is None else frozenset({algorithm})
    rules = _rules(client.client_id, provider.issuer, algorithms, required)
    try:
        claims = verify_jwt(unverified, rules=rules, keys=client.keys, now=now).claims
    except SignerUnknown:
        renewed = provider.directory.renewed(client)  # a published key set may have changed
        if renewed is None:
            raise
        claims = verify_jwt(unverified, rules=rules, keys=renewed.keys, now=now).claims
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


def parameters_of(
    claims: Mapping[str, Any], *, known: frozenset[str], refusal: type[ProtocolError]
) -> Mapping[str, str]:
    """Return the parameters that are known as texts, the way that they would have come in a form.

    Raises:
        refusal: one has a wrong type.
    """
    found: dict[str, str] = {}
    for name in known & claims.keys():
        value = claims[name]
        if name == SEVERAL and isinstance(value, list) and all(isinstance(one, str) for one in value):
            value = " ".join(value)
        elif name in DOCUMENTS and isinstance(value, dict | list):
            value = orjson.dumps(value).decode()
        elif name in WHOLE_NUMBERS and type(value) is int:
            value = str(value)
        if not isinstance(value, str) or "\x00" in value:
            raise refusal(f"{name} has a wrong type in the signed request.")
        if value:
            found[name] = value
    return found


def marks_of(claims: Mapping[str, Any], *, client_id: str, refusal: type[ProtocolError]) -> tuple[Mark, ...]:
    """Return the mark of a request's jti, if it has one: it is claimed once.

    Raises:
        refusal: it is empty or too long.

    Source: RFC 9101 section 10.2.
    """
    jti = claims.get("jti")
    if jti is None:
        return ()
    if not 0 < len(jti) <= LONGEST_JTI:
        raise refusal("jti is empty or too long in the signed request.")
    digest = hashlib.sha256(f"{client_id}\x00{jti}".encode()).hexdigest()
    return (
        Mark(
            key=f"object:{digest}",
            seconds=LONGEST_SECONDS + LEEWAY_SECONDS,
            issued_at=claims.get("iat", claims.get("nbf", claims.get("exp", 0) - LONGEST_SECONDS)),
            refusal=refusal,
            public="The signed request was used before, or is too old to tell; sign a new one.",
        ),
    )
