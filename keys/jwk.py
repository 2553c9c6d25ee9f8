"""Public keys as JOSE writes them: reading a JWK or a key set, naming a key, and the two key objects in use."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import orjson
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from keys import compact
from keys.algorithms import ALGORITHMS, PrivateKey, PublicKey, check_strength
from keys.errors import JoseRefused, WeakKey

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_KEYS: Final = 20
LONGEST_KID: Final = 256
_P256_BYTES: Final = 32

_PRIVATE_MEMBERS: Final = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))
# What a public key consists of, in the order of its thumbprint (RFC 7638 section 3.2).
_PUBLIC_MEMBERS: Final = MappingProxyType(
    {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
)
# Which algorithms a key that names none may be used with.
_ALGS_OF_KIND: Final = MappingProxyType(
    {("EC", "P-256"): ("ES256",), ("OKP", "Ed25519"): ("EdDSA",), ("RSA", None): ("RS256", "PS256")}
)


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key that was found strong, for one algorithm. `alg` is a `key_alg` of the table.

    `public` holds the members of the key alone (`kty`, `crv`, `x`, ...); `thumbprint` is its RFC 7638 name.
    """

    kid: str | None
    alg: str
    public_key: PublicKey = field(repr=False)
    public: Mapping[str, str] = field(repr=False)
    thumbprint: str

    def to_jwk(self) -> dict[str, str]:
        """Return the public JWK for a key set: the key, its use, its algorithm, its name (RFC 7517 section 4)."""
        named = {} if self.kid is None else {"kid": self.kid}
        return {**self.public, "use": "sig", "alg": self.alg, **named}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key that signs with one algorithm. Made by a custodian; the key may live in an HSM.

    `private_key` does what cryptography's private keys do. `header_segments` remembers, per `typ`, the encoded
    header, which is the same for every token of a kind.
    """

    kid: str
    alg: str
    private_key: PrivateKey = field(repr=False)
    header_segments: dict[str, bytes] = field(default_factory=dict, repr=False, compare=False)


def thumbprint(public: Mapping[str, str]) -> str:
    """Return the SHA-256 thumbprint of a public JWK, 43 characters (RFC 7638 section 3)."""
    members = {name: public[name] for name in _PUBLIC_MEMBERS[public["kty"]]}
    return compact.encode(hashlib.sha256(orjson.dumps(members)).digest()).decode()


def public_members(public_key: PublicKey) -> dict[str, str]:
    """Return the members that make up this public key, without `use`, `alg` or `kid` (RFC 7518 section 6).

    Raises:
        WeakKey: a key that must not be relied on.
    """
    check_strength(public_key)
    match public_key:
        case ec.EllipticCurvePublicKey():
            point = public_key.public_numbers()
            return {"kty": "EC", "crv": "P-256", "x": _text(point.x, _P256_BYTES), "y": _text(point.y, _P256_BYTES)}
        case rsa.RSAPublicKey():
            numbers = public_key.public_numbers()
            return {"kty": "RSA", "n": _text(numbers.n), "e": _text(numbers.e)}
        case _:
            raw = public_key.public_bytes_raw()
            return {"kty": "OKP", "crv": "Ed25519", "x": compact.encode(raw).decode()}


def parse_jwks(document: Mapping[str, Any]) -> tuple[VerificationKey, ...]:
    """Return the keys of a key set that can verify signatures here.

    What is for encryption, or of a kind or algorithm that is not in the table, is passed over, as RFC 7517
    section 5 asks. An RSA key that names no algorithm is returned twice, for RS256 and for PS256.

    Raises:
        JoseRefused: malformed, a private or symmetric key, a repeated `kid`, more than 20 keys.
        WeakKey: a key that must not be relied on.

    RFC 7517 section 5; FAPI 2.0 Security Profile section 5.4.
    """
    return tuple(key for jwk in check_key_set(document) for key in parse_jwk(jwk))


def check_key_set(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the members of a key set, each an object with a name of its own, if it has one.

    Raises:
        JoseRefused: malformed, a repeated `kid`, more than 20 keys.

    RFC 7517 section 5.
    """
    members = document.get("keys")
    if type(members) is not list or not all(type(jwk) is dict for jwk in members):
        raise JoseRefused("key set: `keys` is not a list of objects")
    if len(members) > MOST_KEYS:
        raise JoseRefused("key set: too many keys")
    kids = [jwk["kid"] for jwk in members if "kid" in jwk]
    if not all(type(kid) is str for kid in kids) or len(set(kids)) != len(kids):
        raise JoseRefused("key set: a kid is no string or stands there twice")
    return members


def parse_jwk(jwk: Mapping[str, Any]) -> tuple[VerificationKey, ...]:
    """Return the key for each algorithm that it may verify: none where it is not for signatures that we know.

    Raises:
        JoseRefused: malformed, private or symmetric.
        WeakKey: a key that must not be relied on.

    RFC 7517 section 4.
    """
    kid = check_public_only(jwk)
    algs = _algs_of(jwk)
    if not algs:
        return ()
    public = read_public(jwk)
    public_key = public_key_of(public)
    name = thumbprint(public)
    return tuple(
        VerificationKey(kid=kid, alg=alg, public_key=public_key, public=public, thumbprint=name) for alg in algs
    )


def check_public_only(jwk: Mapping[str, Any]) -> str | None:
    """Return the key's name, once it is seen that nothing of the key is secret.

    Raises:
        JoseRefused: private or symmetric, or a name that is no string or too long.
    """
    if not _PRIVATE_MEMBERS.isdisjoint(jwk) or jwk.get("kty") == "oct":
        raise JoseRefused("jwk: a private or symmetric key")
    kid = jwk.get("kid")
    if "kid" in jwk and (type(kid) is not str or len(kid) > LONGEST_KID):
        raise JoseRefused("jwk: kid is no string or too long")
    return kid


def read_public(jwk: Mapping[str, Any]) -> dict[str, str]:
    """Return the members that make up the key, of a kind that is in use.

    Raises:
        JoseRefused: one is missing or no string.
    """
    return {name: _member(jwk, name) for name in _PUBLIC_MEMBERS[_member(jwk, "kty")]}


def _algs_of(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    use, operations, alg = jwk.get("use", "sig"), jwk.get("key_ops", ["verify"]), jwk.get("alg")
    if use != "sig" or type(operations) is not list or "verify" not in operations:
        return ()
    kty, curve = _member(jwk, "kty"), jwk.get("crv") if jwk.get("kty") != "RSA" else None
    if curve is not None and type(curve) is not str:
        raise JoseRefused("jwk: crv is no string")
    fitting = _ALGS_OF_KIND.get((kty, curve), ())
    if alg is None:
        return fitting
    if type(alg) is not str:
        raise JoseRefused("jwk: alg is no string")
    known = ALGORITHMS.get(alg)
    return (known.key_alg,) if known is not None and known.key_alg in fitting else ()


def public_key_of(public: Mapping[str, str]) -> PublicKey:
    """Return the key that these members make up, found strong.

    Raises:
        JoseRefused: a member that cannot be read.
        WeakKey: a key that must not be relied on.
    """
    try:
        public_key = _assemble(public)
    except ValueError:
        raise WeakKey("not a key of its kind, or a point off its curve") from None
    check_strength(public_key)
    return public_key


def _assemble(public: Mapping[str, str]) -> PublicKey:
    match public["kty"]:
        case "EC":
            x, y = compact.decode(public["x"].encode()), compact.decode(public["y"].encode())
            if len(x) != _P256_BYTES or len(y) != _P256_BYTES:
                raise JoseRefused("jwk: a coordinate of a wrong length")
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
        case "OKP":
            return ed25519.Ed25519PublicKey.from_public_bytes(compact.decode(public["x"].encode()))
        case _:
            return rsa.RSAPublicNumbers(e=_number(public["e"]), n=_number(public["n"])).public_key()


def _member(jwk: Mapping[str, Any], name: str) -> str:
    value = jwk.get(name)
    if type(value) is not str:
        raise JoseRefused("jwk: a member is missing or no string")
    return value


def _number(text: str) -> int:
    raw = compact.decode(text.encode())
    if not raw or raw[0] == 0:
        raise JoseRefused("jwk: a number that is empty or begins with zero octets")
    return int.from_bytes(raw)


def _text(number: int, length: int | None = None) -> str:
    least = (number.bit_length() + 7) // 8
    return compact.encode(number.to_bytes(length or least)).decode()
