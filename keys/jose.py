"""The one place where a signed token is made or read. Nothing else in Sen takes a JOSE object apart.

Only compact JWS with a JSON object inside. Encrypted tokens (five segments), JSON serializations, detached or
unencoded payloads and extensions marked critical are refused before anything is decoded. `keys/jwe.py` encrypts
what was signed here, and reads nothing.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm, RSAPSSAlgorithm

from keys.algorithms import ALGORITHMS
from keys.compact import UnverifiedJwt, peek_unverified
from keys.errors import JoseRefused, SignerUnknown
from keys.jwk import LONGEST_KID, SigningKey, VerificationKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

_LATEST_DATE: Final = 253_402_300_799  # the end of the year 9999, which is the end of datetime
_ZERO: Final = bytes(32)

_COORDINATE: Final = 32  # bytes of r and of s, and of zeros to compare them with


class _Es256:
    """ES256 on prepared keys (RFC 7518 section 3.4): what PyJWT's object does, without its layers on every call."""

    _ecdsa: Final = ec.ECDSA(hashes.SHA256())

    def sign(self, message: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
        """Return r and s, 32 bytes each."""
        r, s = decode_dss_signature(key.sign(message, self._ecdsa))
        return r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")

    def verify(self, message: bytes, key: ec.EllipticCurvePublicKey, signature: bytes) -> bool:
        """Tell whether a signature of 64 bytes fits."""
        r, s = signature[:_COORDINATE], signature[_COORDINATE:]
        try:
            key.verify(encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big")), message, self._ecdsa)
        except InvalidSignature:
            return False
        return True


# By the algorithm that a key is for: an object that signs and verifies with prepared keys, PyJWT's but for the first.
_SIGNERS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "ES256": _Es256(),
        "PS256": RSAPSSAlgorithm(RSAPSSAlgorithm.SHA256),
        "RS256": RSAAlgorithm(RSAAlgorithm.SHA256),
        "EdDSA": OKPAlgorithm(),
    }
)

_DATES: Final = ("exp", "nbf", "iat", "auth_time")
_TEXTS: Final = ("iss", "sub", "jti", "nonce", "azp", "client_id", "sid", "scope", "acr", "htm", "htu", "ath")


@dataclass(frozen=True, slots=True)
class JwtRules:
    """What a kind of token has to be. Every part is said; nothing has a permissive default.

    Attributes:
        algorithms: names of the table that this kind of token may be signed with; EdDSA takes Ed25519 too, which is
            its other name (RFC 9864 section 2.2).
        typ: accepted values of `typ`, small letters, without "application/"; None among them accepts its absence.
        expected_issuer: what `iss` must be; None where the kind has no issuer (a DPoP proof).
        expected_audience: what `aud` must be, one string; None where the caller compares it.
        required: claims that must be there.
        longest_lifetime: seconds from now beyond which `exp` may not lie; a token without `exp` ends this many
            seconds after its `iat`.
        leeway: seconds that another's clock may be ahead of ours. An `exp` gets none.
        audience_may_be_array: whether `expected_audience` may stand among others.
        expired_up_to: seconds for which an ended token is still read (an id_token_hint, and nothing else).
    """

    algorithms: frozenset[str]
    typ: frozenset[str | None]
    expected_issuer: str | None
    expected_audience: str | None
    required: tuple[str, ...]
    longest_lifetime: int
    leeway: int
    audience_may_be_array: bool = False
    expired_up_to: int = 0

    def __post_init__(self) -> None:
        if not self.algorithms or not self.algorithms <= ALGORITHMS.keys():
            raise ValueError("rules name no algorithm, or one that is not in the table")
        if any(typ != _bare_typ(typ) for typ in self.typ if typ is not None) or not self.typ:
            raise ValueError("rules name no typ, or one that is not in its bare form")


@dataclass(frozen=True, slots=True)
class VerifiedJwt:
    """A token that kept every rule, and whose signature `key` made."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    key: VerificationKey


def _segment(raw: bytes) -> bytes:
    """Return base64url without padding (RFC 7515 section 2)."""
    return urlsafe_b64encode(raw).rstrip(b"=")


def sign_jwt(*, claims: Mapping[str, Any], key: SigningKey, typ: str) -> str:
    """Return `claims` as a compact JWS whose header says `alg`, `kid` and `typ`.

    RFC 7515 section 7.1; RFC 8725 section 3.11.
    """
    header = key.header_segments.get(typ)
    if header is None:
        header = _segment(orjson.dumps({"alg": key.alg, "kid": key.kid, "typ": typ}))
        key.header_segments[typ] = header
    signing_input = header + b"." + _segment(orjson.dumps(claims))
    signature: bytes = _SIGNERS[key.alg].sign(signing_input, key.private_key)
    return (signing_input + b"." + _segment(signature)).decode()


def read_jwt(token: str, *, rules: JwtRules, keys: Sequence[VerificationKey], now: datetime) -> VerifiedJwt:
    """Return the token's header and claims once every rule was kept and a given key has verified it.

    Raises:
        JoseRefused: anything is wrong; `SignerUnknown` where only the key is missing.

    RFC 7519 section 7.2; RFC 8725 section 3.
    """
    return verify_jwt(peek_unverified(token), rules=rules, keys=keys, now=now)


def verify_jwt(
    unverified: UnverifiedJwt, *, rules: JwtRules, keys: Sequence[VerificationKey], now: datetime
) -> VerifiedJwt:
    """Return the token once every rule was kept and a given key has verified it. Costly work comes last.

    1. `alg` and `typ` are among the expected ones
    2. claims are of their types; required ones are there; issuer and audience are the expected ones
    3. it is valid now, and not for longer than its kind may be
    4. one given key fits `kid` and `alg`, and it made the signature

    Raises:
        JoseRefused: one of these does not hold; `SignerUnknown` where no key fits.

    RFC 7519 section 7.2; RFC 8725 sections 3.1, 3.8, 3.9 and 3.11.
    """
    alg = _check_header(unverified.header, rules)  # 1
    _check_claims(unverified.claims, rules)  # 2
    _check_times(unverified.claims, rules, now.timestamp())  # 3
    key = _pick_key(unverified.header, ALGORITHMS[alg].key_alg, keys)  # 4
    _check_signature(unverified, key)
    return VerifiedJwt(header=unverified.header, claims=unverified.claims, key=key)


def _bare_typ(typ: str) -> str:
    return typ.lower().removeprefix("application/")


def _check_header(header: Mapping[str, Any], rules: JwtRules) -> str:
    alg, typ = header.get("alg"), header.get("typ")
    known = ALGORITHMS.get(alg) if type(alg) is str else None
    if known is None or rules.algorithms.isdisjoint((known.name, known.key_alg)):  # two names of one algorithm
        raise JoseRefused("header: alg is not one of the expected")
    if "typ" not in header:
        if None not in rules.typ:
            raise JoseRefused("header: typ is missing")
    elif type(typ) is not str or _bare_typ(typ) not in rules.typ:
        raise JoseRefused("header: typ is not one of the expected")
    return known.name


def _check_claims(claims: Mapping[str, Any], rules: JwtRules) -> None:
    for name in rules.required:
        if claims.get(name) in (None, "", []):
            raise JoseRefused(f"claims: {name} is missing or empty")
    for name in _TEXTS:
        if name in claims and type(claims[name]) is not str:
            raise JoseRefused(f"claims: {name} is no string")
    for name in _DATES:
        if name in claims and (type(claims[name]) is not int or not 0 <= claims[name] <= _LATEST_DATE):
            raise JoseRefused(f"claims: {name} is no whole number of seconds")
    if rules.expected_issuer is not None and claims.get("iss") != rules.expected_issuer:
        raise JoseRefused("claims: another issuer")
    _check_audience(claims, rules)


def _check_audience(claims: Mapping[str, Any], rules: JwtRules) -> None:
    audience = claims.get("aud")
    if rules.audience_may_be_array and type(audience) is list:
        if not all(type(one) is str for one in audience):
            raise JoseRefused("claims: aud holds something that is no string")
        if rules.expected_audience is not None and rules.expected_audience not in audience:
            raise JoseRefused("claims: another audience")
        return
    if "aud" in claims and type(audience) is not str:
        raise JoseRefused("claims: aud is no string")
    if rules.expected_audience is not None and audience != rules.expected_audience:
        raise JoseRefused("claims: another audience")


def _check_times(claims: Mapping[str, Any], rules: JwtRules, now: float) -> None:
    latest_beginning = now + rules.leeway
    begins = claims.get("iat"), claims.get("nbf")
    if any(begin is not None and begin > latest_beginning for begin in begins):
        raise JoseRefused("claims: from the future")
    end = claims.get("exp")
    if end is None:
        if begins[0] is None:
            raise JoseRefused("claims: neither exp nor iat")
        end = begins[0] + rules.longest_lifetime
    if end <= now - rules.expired_up_to:
        raise JoseRefused("claims: expired")
    if end > latest_beginning + rules.longest_lifetime:
        raise JoseRefused("claims: valid for longer than its kind may be")


def _pick_key(header: Mapping[str, Any], key_alg: str, keys: Sequence[VerificationKey]) -> VerificationKey:
    kid = header.get("kid")
    if "kid" in header and (type(kid) is not str or len(kid) > LONGEST_KID):
        raise JoseRefused("header: kid is no string or too long")
    fitting = [key for key in keys if key.alg == key_alg]
    if kid is not None:
        # A key that has no name of its own may be the one that is meant, if there is no other.
        fitting = [key for key in fitting if key.kid == kid] or [key for key in fitting if key.kid is None]
    if len(fitting) != 1:
        raise SignerUnknown("no key fits" if not fitting else "several keys fit, and no kid says which")
    return fitting[0]


def _check_signature(unverified: UnverifiedJwt, key: VerificationKey) -> None:
    signature, length = unverified.signature, ALGORITHMS[key.alg].signature_bytes
    if length is not None and len(signature) != length:
        raise JoseRefused("signature: wrong length")
    if key.alg == "ES256" and (signature[:32] == _ZERO or signature[32:] == _ZERO):
        raise JoseRefused("signature: r or s is zero")
    if not _SIGNERS[key.alg].verify(unverified.signing_input, key.public_key, signature):
        raise JoseRefused("signature: does not fit")
