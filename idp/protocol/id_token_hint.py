"""An ID token of ours that comes back as a hint: trusted only as far as our own signature on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp import clock
from idp.errors import InvalidRequest
from keys import JoseRefused, JwtRules, read_jwt

if TYPE_CHECKING:
    from idp.protocol.provider import Provider

OLDEST_SECONDS = 400 * 86400
LEEWAY_SECONDS = 10
SIGNATURES = frozenset({"ES256", "PS256", "RS256", "EdDSA"})


@dataclass(frozen=True, slots=True)
class Hint:
    """Whom an ID token of ours was about, and for whom it was."""

    subject: str
    client_id: str
    session: str | None


def read_hint(*, unverified_hint: str, provider: Provider, expected_client_id: str | None) -> Hint:
    """Read an id_token_hint; it may have expired, it must be ours.

    Raises:
        InvalidRequest: it is not an ID token that we signed for this relying party.

    Source: OpenID Connect Core section 3.1.2.2, OpenID Connect RP-Initiated Logout section 2.
    """
    now = clock.now()
    try:
        rules = JwtRules(
            algorithms=SIGNATURES,
            typ=frozenset({"jwt"}),
            expected_issuer=provider.issuer,
            expected_audience=expected_client_id,
            required=("iss", "sub", "aud", "exp", "iat"),
            longest_lifetime=provider.settings.tokens.id_token_seconds,
            leeway=LEEWAY_SECONDS,
            expired_up_to=OLDEST_SECONDS,
        )
        claims = read_jwt(unverified_hint, rules=rules, keys=provider.ring.verification_keys(now=now), now=now).claims
    except JoseRefused as error:
        raise InvalidRequest("id_token_hint is not an ID token of this issuer.", detail=str(error)) from error
    return Hint(subject=claims["sub"], client_id=claims["aud"], session=claims.get("sid"))
