"""private_key_jwt: a signed assertion whose audience is the issuer, as a string, and nothing else.

OpenID Connect Core section 9 names the token endpoint as audience, and its certification and some clients send that, or
an array of one: relying parties of the profile `web` may, as long as nobody but us is named.
"""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING, Any

from idp.errors import InvalidClient
from idp.protocol.client_auth.proof import CLIENT_ID, METHODS_SHARED_TEXT, Credentials, Mark, Proof
from keys import JoseRefused, JwtRules, SignerUnknown, peek_unverified, verify_jwt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from idp.protocol.provider import Provider
    from idp.relying_parties.client import RelyingParty
    from keys import UnverifiedJwt

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPES = frozenset({None, "jwt", "client-authentication+jwt"})
LEEWAY_SECONDS = 10
LONGEST_JTI = 256
ENDPOINTS = ("/token", "/par", "/bc-authorize")
LOOSE_AUDIENCE = frozenset({"web"})
"""The profiles whose assertions may name an endpoint (RFC 7523 section 3, RFC 9126 section 2, CIBA Core 7.1)."""


@functools.lru_cache(maxsize=4096)
def _rules(client_id: str, issuer: str | None, algorithms: frozenset[str], longest: int) -> JwtRules:
    """Return what an assertion of an approved relying party has to be; made once for each.

    `issuer` is None where the audience is compared by `_check_audience`.
    """
    return JwtRules(
        algorithms=algorithms,
        typ=TYPES,
        expected_issuer=client_id,
        expected_audience=issuer,
        audience_may_be_array=issuer is None,
        required=("iss", "sub", "aud", "exp", "jti"),
        longest_lifetime=longest,
        leeway=LEEWAY_SECONDS,
    )


@functools.lru_cache(maxsize=64)
def _names_of_us(issuer: str, mtls_base: str) -> frozenset[str]:
    """Return the issuer, and the endpoints that RFCs let an assertion name, at either address."""
    bases = [base for base in (issuer, mtls_base) if base]
    return frozenset({issuer, *(base + path for base in bases for path in ENDPOINTS)})


def _with_renewed_keys(
    unverified: UnverifiedJwt, *, rules: JwtRules, client: RelyingParty, provider: Provider, at: datetime
) -> Mapping[str, Any]:
    """Return the claims once a key has verified them that was published a moment ago.

    Raises:
        JoseRefused: a rule does not hold, or still no key fits.
    """
    renewed = provider.directory.renewed(client)
    if renewed is None:
        raise SignerUnknown("no key fits")
    return verify_jwt(unverified, rules=rules, keys=renewed.keys, now=at).claims


def verify(credentials: Credentials, provider: Provider) -> Proof:
    """Verify an assertion.

    1. it is a well-formed JWT that names its relying party twice, as iss and sub, and as client_id where that is sent;
    2. the relying party is approved; 3. algorithm, typ, audience, times, signature by one of its keys;
    4. its jti, iss and exp become the mark that is claimed once.

    Raises:
        InvalidClient: one of these does not hold; which, is in the log.

    Source: RFC 7523 section 3, OpenID Connect Core section 9, FAPI 2.0 Security Profile section 5.3.2.1.
    """
    if credentials.assertion_type != ASSERTION_TYPE or credentials.assertion is None:
        raise InvalidClient(METHODS_SHARED_TEXT, detail="client_assertion_type or client_assertion")
    try:
        unverified = peek_unverified(credentials.assertion)  # 1
        unverified_id = unverified.claims.get("sub")
        if not isinstance(unverified_id, str) or not CLIENT_ID.fullmatch(unverified_id):
            raise InvalidClient(METHODS_SHARED_TEXT, detail="sub is no client_id")
        if credentials.client_id not in {None, unverified_id}:
            raise InvalidClient(METHODS_SHARED_TEXT, detail="sub and client_id differ")
        client = provider.directory.find(unverified_id)  # 2
        if client is None:
            raise InvalidClient(METHODS_SHARED_TEXT, detail="unknown relying party")
        issuer, longest = provider.settings.server.issuer, provider.settings.tokens.assertion_seconds
        is_loose = client.profile.name in LOOSE_AUDIENCE
        rules = _rules(unverified_id, None if is_loose else issuer, client.assertion_algorithms, longest)
        try:
            claims = verify_jwt(unverified, rules=rules, keys=client.keys, now=credentials.at).claims  # 3
        except SignerUnknown:
            claims = _with_renewed_keys(unverified, rules=rules, client=client, provider=provider, at=credentials.at)
    except JoseRefused as error:
        raise InvalidClient(METHODS_SHARED_TEXT, detail=str(error)) from error
    audience = (claims["aud"],) if isinstance(claims["aud"], str) else claims["aud"]
    if is_loose and not _names_of_us(issuer, provider.settings.front.mtls_base).issuperset(audience):
        raise InvalidClient(METHODS_SHARED_TEXT, detail="another audience")
    if len(claims["jti"]) > LONGEST_JTI:
        raise InvalidClient(METHODS_SHARED_TEXT, detail="jti too long")
    mark = hashlib.sha256(f"{client.client_id}\x00{claims['jti']}".encode()).hexdigest()  # 4
    issued = claims.get("iat", claims["exp"] - longest)
    seconds = longest + LEEWAY_SECONDS
    return Proof(client, (Mark(key=f"jti:{mark}", seconds=seconds, issued_at=issued, refusal=InvalidClient),))
