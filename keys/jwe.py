"""The one place where something is encrypted to another: compact JWE (RFC 7516), to a relying party's public key.

Sen publishes no key to encrypt to, so nothing is ever decrypted here, and no header of another's JWE is believed.
RSA1_5, direct and password-based keys, and compression are not in the tables, so they cannot be asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from joserfc.jwe import JWERegistry, encrypt_compact
from joserfc.jwk import ECKey, RSAKey

from keys.compact import LONGEST_TOKEN
from keys.errors import JoseRefused, RecipientUnknown
from keys.jwk import check_key_set, check_public_only, public_key_of, read_public

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LONGEST_PAYLOAD: Final = 2 * LONGEST_TOKEN
"""Bytes that are encrypted at once: everything that we sign is far shorter."""

ENCRYPTIONS: Final = MappingProxyType(
    {
        "ECDH-ES": "EC",
        "ECDH-ES+A128KW": "EC",
        "ECDH-ES+A256KW": "EC",
        "RSA-OAEP-256": "RSA",
        "RSA-OAEP": "RSA",  # with SHA-1, which OAEP does not weaken: all that mod_auth_openidc of Debian can open
    }
)
"""`alg`, how the content key reaches its owner, and the kind of key it needs (RFC 7518 section 4.1)."""

ENCODINGS: Final = frozenset({"A256GCM", "A128GCM", "A256CBC-HS512", "A128CBC-HS256"})
"""`enc`, how the content is encrypted (RFC 7518 section 5.1)."""

DEFAULT_ENCODING: Final = "A128CBC-HS256"
"""What a relying party gets that names an `alg` and no `enc` (OpenID Connect Registration section 2)."""

_REGISTRY: Final = JWERegistry(algorithms=[*ENCRYPTIONS, *ENCODINGS])


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """A relying party's public key that something may be encrypted to; it was found strong.

    `alg` is the one algorithm that the key names, None where it fits every one of its kind. `dedicated` says that the
    key set gives it `use: enc`. `public` holds the members of the key alone.
    """

    kid: str | None
    kty: str
    alg: str | None
    dedicated: bool
    public: Mapping[str, str] = field(repr=False)
    prepared: ECKey | RSAKey = field(repr=False, compare=False)

    def fits(self, alg: str) -> bool:
        """Tell whether something may be encrypted to this key with `alg`."""
        return ENCRYPTIONS.get(alg) == self.kty and self.alg in (None, alg)


def parse_encryption_keys(jwks_document: Mapping[str, Any]) -> tuple[EncryptionKey, ...]:
    """Return the keys of a key set that something may be encrypted to: P-256, and RSA of 2048 bits or more.

    What is for signatures, or of a kind or algorithm that is not in the table, is passed over, as RFC 7517 section 5
    asks. A key without `use` is for both.

    Raises:
        JoseRefused: malformed, a private or symmetric key, a repeated `kid`, more than 20 keys.
        WeakKey: a key that must not be relied on.

    RFC 7517 section 5.
    """
    found = (_read_key(jwk) for jwk in check_key_set(jwks_document))
    return tuple(key for key in found if key is not None)


def _read_key(jwk: Mapping[str, Any]) -> EncryptionKey | None:
    kid = check_public_only(jwk)
    use, alg, kty = jwk.get("use"), jwk.get("alg"), jwk.get("kty")
    if use not in (None, "enc") or (alg is not None and (type(alg) is not str or ENCRYPTIONS.get(alg) != kty)):
        return None
    if type(kty) is not str or kty not in ENCRYPTIONS.values() or (kty == "EC" and jwk.get("crv") != "P-256"):
        return None
    public = read_public(jwk)
    public_key_of(public)
    prepared = ECKey.import_key(dict(public)) if kty == "EC" else RSAKey.import_key(dict(public))
    return EncryptionKey(kid=kid, kty=kty, alg=alg, dedicated=use == "enc", public=public, prepared=prepared)


def pick_encryption_key(keys: Sequence[EncryptionKey], *, alg: str) -> EncryptionKey:
    """Return the key to encrypt to with `alg`: one made for encryption before one that is for everything.

    Raises:
        RecipientUnknown: none fits.

    OpenID Connect Core section 10.2.
    """
    fitting = sorted((key for key in keys if key.fits(alg)), key=lambda key: not key.dedicated)
    if not fitting:
        raise RecipientUnknown("no key to encrypt to fits the registered algorithm")
    return fitting[0]


def encrypt(payload: bytes, *, key: EncryptionKey, alg: str, enc: str, content_type: str | None) -> str:
    """Return `payload` as a compact JWE that the owner of `key` alone can read.

    `content_type` is `cty`: "JWT" where the payload is a signed token (a nested JWT), None where it is claims.

    Raises:
        JoseRefused: more than 32 KiB, an algorithm that is not in the tables, or a key that does not fit it.

    RFC 7516 section 5.1; RFC 7519 sections 5.2 and 7.1.
    """
    if len(payload) > LONGEST_PAYLOAD:
        raise JoseRefused("encryption: too long")
    if enc not in ENCODINGS or not key.fits(alg):
        raise JoseRefused("encryption: an algorithm that is not in the tables, or a key that does not fit it")
    header = {"alg": alg, "enc": enc}
    if key.kid is not None:
        header["kid"] = key.kid
    if content_type is not None:
        header["cty"] = content_type
    return encrypt_compact(header, payload, key.prepared, registry=_REGISTRY)
