"""Everything that touches a private key or decides whom to trust. This is its public face.

    sealing       what is stored is sealed, what is looked up is hashed    Sealer
    jose          tokens are made and read                                 sign_jwt, read_jwt
    jwe           what only one relying party may read is encrypted to it  encrypt
    ring          which key signs, which ones verify                       KeyRing
    rotation      when a key moves on                                      rotate, rotate_now, revoke

The package knows nothing of `idp`: instants are handed in, and what must be remembered is a `KeyStore`.
"""

from __future__ import annotations

from keys.algorithms import ALGORITHMS, check_strength
from keys.compact import UnverifiedJwt, peek_unverified
from keys.custody import CUSTODIANS, Custodian, open_custodians
from keys.errors import (
    JoseRefused,
    KeysError,
    NoActiveKey,
    RecipientUnknown,
    SealBroken,
    SignerUnknown,
    UnknownKey,
    WeakKey,
)
from keys.jose import (
    JwtRules,
    VerifiedJwt,
    read_jwt,
    sign_jwt,
    verify_jwt,
)
from keys.jwe import (
    DEFAULT_ENCODING,
    ENCODINGS,
    ENCRYPTIONS,
    EncryptionKey,
    encrypt,
    parse_encryption_keys,
    pick_encryption_key,
)
from keys.jwk import SigningKey, VerificationKey, parse_jwk, parse_jwks, thumbprint
from keys.ring import KeyRing, Published
from keys.rotation import Move, RingSettings, due_moves, revoke, rotate, rotate_now
from keys.sealing import Sealer
from keys.store import KeyRecord, KeyStore

__all__ = [
    "ALGORITHMS",
    "CUSTODIANS",
    "DEFAULT_ENCODING",
    "ENCODINGS",
    "ENCRYPTIONS",
    "Custodian",
    "EncryptionKey",
    "JoseRefused",
    "JwtRules",
    "KeyRecord",
    "KeyRing",
    "KeyStore",
    "KeysError",
    "Move",
    "NoActiveKey",
    "Published",
    "RecipientUnknown",
    "RingSettings",
    "SealBroken",
    "Sealer",
    "SignerUnknown",
    "SigningKey",
    "UnknownKey",
    "UnverifiedJwt",
    "VerificationKey",
    "VerifiedJwt",
    "WeakKey",
    "check_strength",
    "due_moves",
    "encrypt",
    "open_custodians",
    "parse_encryption_keys",
    "parse_jwk",
    "parse_jwks",
    "peek_unverified",
    "pick_encryption_key",
    "read_jwt",
    "revoke",
    "rotate",
    "rotate_now",
    "sign_jwt",
    "thumbprint",
    "verify_jwt",
]
