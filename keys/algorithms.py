"""The one table of allowed signature algorithms, and how strong a public key has to be for each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from keys.errors import WeakKey

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One signature algorithm (RFC 7518 section 3.1, RFC 8037, RFC 9864).

    `name` is the value of `alg` in a header. `key_alg` is what a key made for it calls itself: two names of one
    algorithm share it. `signature_bytes` is None where a signature is as long as the key's modulus.
    """

    name: str
    key_alg: str
    kty: str
    curve: str | None
    signature_bytes: int | None


ALGORITHMS: Final = MappingProxyType(
    {
        "ES256": Algorithm(name="ES256", key_alg="ES256", kty="EC", curve="P-256", signature_bytes=64),
        "PS256": Algorithm(name="PS256", key_alg="PS256", kty="RSA", curve=None, signature_bytes=None),
        "RS256": Algorithm(name="RS256", key_alg="RS256", kty="RSA", curve=None, signature_bytes=None),
        "EdDSA": Algorithm(name="EdDSA", key_alg="EdDSA", kty="OKP", curve="Ed25519", signature_bytes=64),
        "Ed25519": Algorithm(name="Ed25519", key_alg="EdDSA", kty="OKP", curve="Ed25519", signature_bytes=64),
    }
)

LEAST_RSA_BITS: Final = 2048
MOST_RSA_BITS: Final = 4096  # beyond, one verification costs a stranger nothing and us milliseconds
OWN_RSA_BITS: Final = 3072
LEAST_RSA_EXPONENT: Final = 65537
MOST_RSA_EXPONENT: Final = 2**32 - 1

_SMALL_PRIMES: Final = tuple(n for n in range(3, 168, 2) if all(n % d for d in range(3, math.isqrt(n) + 1, 2)))
_SMALL_PRIMES_PRODUCT: Final = math.prod(_SMALL_PRIMES)


def _powers_of_65537(prime: int) -> frozenset[int]:
    return frozenset(pow(65537, exponent, prime) for exponent in range(prime - 1))


# A key from the broken Infineon generator has primes of the form k*M + (65537**a mod M), M a product of small
# primes; so its modulus is a power of 65537 modulo every one of these. A sound modulus is so with odds of about
# one in 2**28 (CVE-2017-15361, Nemec and others, ACM CCS 2017, section 3).
_ROCA_RESIDUES: Final = tuple((prime, _powers_of_65537(prime)) for prime in _SMALL_PRIMES)

_ED25519_PRIME: Final = 2**255 - 19
_ED25519_D: Final = -121665 * pow(121666, -1, _ED25519_PRIME) % _ED25519_PRIME
_ED25519_Y8: Final = 2707385501144840649318225287225658788936804267575313519463743609750303402022
# The y of the eight points whose order divides 8: a signature under one of them fits many messages.
_ED25519_SMALL_ORDER_Y: Final = frozenset(
    (0, 1, _ED25519_PRIME - 1, _ED25519_Y8, _ED25519_PRIME - _ED25519_Y8),
)


def check_strength(public_key: object) -> None:
    """Refuse a public key that must not be relied on: at registration and whenever a key set is read.

    Raises:
        WeakKey: of a kind that is not in the table, too small, off its curve, or from a broken generator.

    FAPI 2.0 Security Profile section 5.4; RFC 8725 section 3.5.
    """
    match public_key:
        case ec.EllipticCurvePublicKey():
            _check_ec(public_key)
        case rsa.RSAPublicKey():
            _check_rsa(public_key)
        case ed25519.Ed25519PublicKey():
            _check_ed25519(public_key)
        case _:
            raise WeakKey("a kind of key that is not used here")


def _check_ec(public_key: ec.EllipticCurvePublicKey) -> None:
    # That the point lies on its curve has been seen by the library: it makes no key object of another.
    if not isinstance(public_key.curve, ec.SECP256R1):
        raise WeakKey("a curve other than P-256")


def _check_rsa(public_key: rsa.RSAPublicKey) -> None:
    numbers = public_key.public_numbers()
    bits = numbers.n.bit_length()
    if not LEAST_RSA_BITS <= bits <= MOST_RSA_BITS:
        raise WeakKey(f"an RSA modulus of {bits} bits")
    if not LEAST_RSA_EXPONENT <= numbers.e <= MOST_RSA_EXPONENT or numbers.e % 2 == 0:
        raise WeakKey("an RSA exponent that is even, too small or too large")
    if numbers.n % 2 == 0 or math.gcd(numbers.n, _SMALL_PRIMES_PRODUCT) != 1:
        raise WeakKey("an RSA modulus with a small factor")
    if all(numbers.n % prime in residues for prime, residues in _ROCA_RESIDUES):
        raise WeakKey("an RSA modulus with the ROCA fingerprint")


def _check_ed25519(public_key: ed25519.Ed25519PublicKey) -> None:
    # The library takes any 32 bytes, so the curve is looked at here (RFC 8032 section 5.1.3).
    y = int.from_bytes(public_key.public_bytes_raw(), "little") & (2**255 - 1)
    if y >= _ED25519_PRIME or y in _ED25519_SMALL_ORDER_Y:
        raise WeakKey("an Ed25519 point of small order or in a second spelling")
    above, below = y * y - 1, _ED25519_D * y * y + 1
    # x*x = above/below must be a square; above*below is one exactly when the quotient is.
    if pow(above * below, (_ED25519_PRIME - 1) // 2, _ED25519_PRIME) != 1:
        raise WeakKey("an Ed25519 point off the curve")
