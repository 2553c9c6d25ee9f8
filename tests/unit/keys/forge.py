"""A forge of tokens for the tests: it makes honest ones, and every wrong one that it is asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from keys import (
    JoseRefused,
    JwtRules,
    SigningKey,
    VerificationKey,
    VerifiedJwt,
    compact,
    parse_jwk,
    read_jwt,
    sign_jwt,
)
from keys.jose import _SIGNERS
from keys.jwk import public_members

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keys.algorithms import PrivateKey

NOW = datetime(2026, 9, 2, 8, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ISSUER = "https://rp.example"
AUDIENCE = "https://sen.example"
RULES = JwtRules(
    algorithms=frozenset(("ES256", "PS256", "EdDSA", "Ed25519")),
    typ=frozenset(("client-authentication+jwt", None)),
    expected_issuer=ISSUER,
    expected_audience=AUDIENCE,
    required=("iss", "sub", "aud", "exp", "jti"),
    longest_lifetime=300,
    leeway=10,
)
TYP = "client-authentication+jwt"
HEADER = {"alg": "ES256", "kid": "first", "typ": TYP}


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody with a key pair, as two sides see it."""

    signing: SigningKey
    verification: VerificationKey


@cache
def a_signer(alg: str = "ES256", kid: str = "first") -> Signer:
    """Return a signer with a key for `alg`; the same one for the same words."""
    private_key: PrivateKey
    match alg:
        case "ES256":
            private_key = ec.generate_private_key(ec.SECP256R1())
        case "EdDSA":
            private_key = ed25519.Ed25519PrivateKey.generate()
        case _:
            private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (verification,) = parse_jwk({**public_members(private_key.public_key()), "alg": alg, "kid": kid})
    return Signer(signing=SigningKey(kid=kid, alg=alg, private_key=private_key), verification=verification)


def honest_claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of an honest assertion, with changes; a change to `...` removes the claim."""
    claims = {
        "iss": ISSUER,
        "sub": ISSUER,
        "aud": AUDIENCE,
        "jti": "once",
        "iat": SECONDS,
        "exp": SECONDS + 60,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not ...}


def an_honest_token(signer: Signer | None = None, /, **changes: Any) -> str:
    """Return a token made by the code under test."""
    return sign_jwt(claims=honest_claims(**changes), key=(signer or a_signer()).signing, typ=TYP)


def forged(
    *, header: Mapping[str, Any] | bytes, claims: Mapping[str, Any] | bytes, signer: Signer | None = None
) -> str:
    """Return a token with exactly this header and these claims, signed truly by the signer."""
    signing_input = b".".join(compact.encode(_as_bytes(part)) for part in (header, claims))
    chosen = (signer or a_signer()).signing
    signature = _SIGNERS[chosen.alg].sign(signing_input, chosen.private_key)
    return (signing_input + b"." + compact.encode(signature)).decode()


def headed(**header: Any) -> str:
    """Return an honest, truly signed token whose header has these members besides or in place of its own."""
    members = {"alg": "ES256", "kid": "first", "typ": TYP, **header}
    return forged(header={name: value for name, value in members.items() if value is not ...}, claims=honest_claims())


def read(token: str, *, rules: JwtRules = RULES, signer: Signer | None = None) -> VerifiedJwt:
    """Read a token as the provider would, with the signer's key."""
    return read_jwt(token, rules=rules, keys=((signer or a_signer()).verification,), now=NOW)


def is_refused(token: str, because: str, **options: Any) -> None:
    """See the token refused, and for this reason and no other."""
    with pytest.raises(JoseRefused) as refusal:
        read(token, **options)
    assert because in refusal.value.reason


def _as_bytes(part: Mapping[str, Any] | bytes) -> bytes:
    return part if isinstance(part, bytes) else json.dumps(part).encode()
