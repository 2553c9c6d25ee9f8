"""The relying party of both arms: one key pair, assertions and PKCE pairs made before the clock starts."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
REDIRECT_URI = "https://portal.example.vn/callback"
KID = "portal-1"
ASSERTION_SECONDS = 60


def public_jwk(key: ec.EllipticCurvePrivateKey, *, kid: str) -> dict[str, Any]:
    """Return the public half as a JWK for ES256."""
    found: dict[str, Any] = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**{name: found[name] for name in ("kty", "crv", "x", "y")}, "kid": kid, "alg": "ES256", "use": "sig"}


def private_jwk(key: ec.EllipticCurvePrivateKey, *, kid: str) -> dict[str, Any]:
    """Return both halves as a JWK for ES256."""
    found: dict[str, Any] = ECAlgorithm.to_jwk(key, as_dict=True)
    return {**public_jwk(key, kid=kid), "d": found["d"]}


@dataclass(frozen=True, slots=True)
class Pkce:
    """A verifier and its challenge (RFC 7636)."""

    verifier: str
    challenge: str

    @classmethod
    def new(cls) -> Pkce:
        """Draw one."""
        verifier = secrets.token_urlsafe(32)
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        return cls(verifier, digest.rstrip(b"=").decode())


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who it is, and its key."""

    client_id: str = "portal"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def jwks(self) -> dict[str, Any]:
        """The public keys, as they are registered."""
        return {"keys": [public_jwk(self.key, kid=KID)]}

    def authentication(self, *, issuer: str) -> dict[str, str]:
        """Return the form members of private_key_jwt, good once (RFC 7523)."""
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": issuer,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
            "jti": secrets.token_urlsafe(16),
        }
        return {
            "client_id": self.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": KID}),
        }


@dataclass(frozen=True, slots=True)
class IdTokens:
    """Checks the ID tokens of one provider by its published keys."""

    issuer: str
    client_id: str
    keys: dict[str, Any]

    @classmethod
    def of(cls, jwks: bytes, *, issuer: str, client_id: str) -> IdTokens:
        """Take the keys that were published."""
        keys = {jwk["kid"]: jwt.PyJWK(jwk).key for jwk in json.loads(jwks)["keys"] if jwk.get("alg") == "ES256"}
        return cls(issuer, client_id, keys)

    def check(self, token: str, *, nonce: str | None) -> None:
        """Raise unless it is signed with ES256, for us, now, and for this nonce; at a refresh (None) any will do."""
        kid = jwt.get_unverified_header(token)["kid"]
        options: Any = {"require": ["sub", "exp", "iat"]}
        claims = jwt.decode(
            token, self.keys[kid], algorithms=["ES256"], audience=self.client_id, issuer=self.issuer, options=options
        )
        if nonce is not None and claims.get("nonce") != nonce:
            raise ValueError("the ID token has another nonce")
