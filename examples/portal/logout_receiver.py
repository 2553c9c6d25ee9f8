"""Hears from Sen that a session is over (OpenID Connect Back-Channel Logout 1.0).

Sen's server calls ours: there is no browser and no cookie in between, so all that counts is the logout token. Answer
within a few seconds, with 200 once the session is gone, and with 400 to a token that does not hold. Sen tries again
when it gets no answer, so the same logout may be heard twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from joserfc import jwt
from joserfc.errors import InvalidClaimError
from memory import Memory  # type: ignore[import-not-found]  # a neighbour of this program, not a package

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TOKEN_SECONDS = 120  # no logout token of Sen is good for longer
LEEWAY_SECONDS = 10

seen = Memory()


def read_logout_token(token: str, *, keys: KeySet, issuer: str, client_id: str) -> dict[str, Any]:
    """Return the claims of a logout token once everything holds (section 2.6); what does not is a JoseError."""
    # 1. Signed by a key of Sen's JWKS, with the algorithm that we registered, and made to be a logout token: an ID
    #    token or an access token of Sen is signed with the same keys and must not pass for one.
    read = jwt.decode(token, keys, algorithms=["ES256"])
    if read.header.get("typ") != "logout+jwt":
        raise InvalidClaimError("typ")
    # 2. By Sen, for us, and not too old.
    jwt.JWTClaimsRegistry(
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        iat={"essential": True},
        exp={"essential": True},
        jti={"essential": True},
    ).validate(read.claims)
    claims = dict(read.claims)
    # 3. It says that somebody logged out, says who or which session, and has no nonce: with one it is an ID token.
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise InvalidClaimError("events")
    if not (claims.get("sub") or claims.get("sid")):
        raise InvalidClaimError("sid")
    if "nonce" in claims:
        raise InvalidClaimError("nonce")
    # 4. Heard for the first time.
    if seen.get(str(claims["jti"])):
        raise InvalidClaimError("jti")
    seen.set(str(claims["jti"]), value=True, seconds=TOKEN_SECONDS + LEEWAY_SECONDS)
    return claims


def is_over(login: dict[str, Any], *, told: dict[str, Any]) -> bool:
    """Say whether a login of ours is what a logout token is about: that session, or every one of that person."""
    if "sid" in told:
        return bool(login["claims"].get("sid") == told["sid"])
    return bool(login["claims"]["sub"] == told["sub"])
