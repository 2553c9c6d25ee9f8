"""A key and the proofs that are made with it, written from RFC 9449 alone."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from idp import clock

ISSUER = "http://localhost:8000"
MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
MAKERS = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "PS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}


def encoded(raw: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(claims: dict[str, Any], *, key: Any, algorithm: str, headers: dict[str, Any] | None = None) -> str:
    """Sign a token; Ed25519 is written by hand, for PyJWT knows the algorithm by its other name only (RFC 9864)."""
    if algorithm != "Ed25519":
        return jwt.encode(claims, key, algorithm=algorithm, headers=headers)
    parts = [encoded(orjson.dumps(part)) for part in ({**(headers or {}), "alg": algorithm}, claims)]
    return ".".join((*parts, encoded(key.sign(".".join(parts).encode()))))


@dataclass
class DpopKey:
    """A key of one algorithm; `nonce` is what the server has said last."""

    algorithm: str = "ES256"
    private: Any = None
    nonce: str | None = None
    base: str = ISSUER
    jwk: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Make the key, where none is given, and write its public part as a JWK."""
        self.private = self.private or MAKERS[self.algorithm]()
        kind = jwt.get_algorithm_by_name("EdDSA" if self.algorithm == "Ed25519" else self.algorithm)
        complete = kind.to_jwk(self.private.public_key(), as_dict=True)
        self.jwk = {name: complete[name] for name in MEMBERS[complete["kty"]]}

    @property
    def thumbprint(self) -> str:
        """The thumbprint of the key (RFC 7638 section 3)."""
        return encoded(sha256(orjson.dumps(dict(sorted(self.jwk.items())))).digest())

    def proof(
        self,
        path: str = "/token",
        method: str = "POST",
        *,
        token: str | None = None,
        headers: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """Sign a proof for a request to `path`; a claim or header that is None is left out."""
        body = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": self.base + path,
            "iat": int(clock.now().timestamp()),
            "ath": None if token is None else encoded(sha256(token.encode()).digest()),
            "nonce": self.nonce,
            **claims,
        }
        complete = {"typ": "dpop+jwt", "jwk": self.jwk, **(headers or {})}
        return signed(
            {name: value for name, value in body.items() if value is not None},
            key=self.private,
            algorithm=self.algorithm,
            headers={name: value for name, value in complete.items() if value is not None or name == "typ"},
        )

    def header(self, path: str = "/token", method: str = "POST", **changes: Any) -> dict[str, str]:
        """Return the header that goes with a request."""
        return {"DPoP": self.proof(path, method, **changes)}
