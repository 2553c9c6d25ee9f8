"""The relying parties of both arms: their keys, and assertions, proofs and PKCE pairs made before the clock starts."""

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

from tests.support.foreign.dpop import DpopKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
REDIRECT_URI = "https://portal.example.vn/callback"
KID = "portal-1"
ASSERTION_SECONDS = 60
RESOURCE = "https://records.example.vn/"
RESOURCE_SCOPE = "records.read"


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
class SecretParty:
    """A system that proves who it is by a secret."""

    client_id: str = "system-by-secret"
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def headers(self) -> dict[str, str]:
        """Return the header of client_secret_basic (RFC 6749 section 2.3.1)."""
        pair = f"{self.client_id}:{self.secret}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


@dataclass(frozen=True, slots=True)
class RelyingParties:
    """Who asks: a portal with people before it, two systems without, and the key that any of them may prove."""

    portal: RelyingParty = field(default_factory=RelyingParty)
    system: RelyingParty = field(default_factory=lambda: RelyingParty("system-by-key"))
    system_by_secret: SecretParty = field(default_factory=SecretParty)
    holder: DpopKey = field(default_factory=DpopKey)


@dataclass(frozen=True, slots=True)
class SignedTokens:
    """Checks what one provider signs by its published keys."""

    issuer: str
    keys: dict[str, Any]

    @classmethod
    def of(cls, jwks: bytes, *, issuer: str) -> SignedTokens:
        """Take the keys that were published."""
        keys = {jwk["kid"]: jwt.PyJWK(jwk).key for jwk in json.loads(jwks)["keys"] if jwk.get("alg") == "ES256"}
        return cls(issuer, keys)

    def check_id_token(self, token: str, *, client_id: str, nonce: str | None) -> None:
        """Raise unless it is signed with ES256, for us, now, and for this nonce; at a refresh (None) any will do."""
        claims = self._read(token, audience=client_id)
        if nonce is not None and claims.get("nonce") != nonce:
            raise ValueError("the ID token has another nonce")

    def check_access_token(self, token: str, *, client_id: str, jkt: str | None) -> None:
        """Raise unless it is signed with ES256, for `RESOURCE`, given to this client, and bound to this key."""
        claims = self._read(token, audience=RESOURCE)
        if claims["client_id"] != client_id or claims["scope"] != RESOURCE_SCOPE:
            raise ValueError("the access token is for somebody or something else")
        if claims.get("cnf", {}).get("jkt") != jkt:
            raise ValueError("the access token is bound to another key, or to none")

    def _read(self, token: str, *, audience: str) -> dict[str, Any]:
        kid = jwt.get_unverified_header(token)["kid"]
        options: Any = {"require": ["sub", "exp", "iat"]}
        claims: dict[str, Any] = jwt.decode(
            token, self.keys[kid], algorithms=["ES256"], audience=audience, issuer=self.issuer, options=options
        )
        return claims
