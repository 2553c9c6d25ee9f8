"""The custodian that keeps private keys in the database, sealed under the master key, and signs in process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from keys.algorithms import ALGORITHMS, LEAST_RSA_EXPONENT, OWN_RSA_BITS, PrivateKey
from keys.custody.custodian import NewKey
from keys.errors import SealBroken
from keys.jwk import SigningKey, public_members, thumbprint

if TYPE_CHECKING:
    from keys.sealing import Sealer
    from keys.store import KeyRecord

_PURPOSE: Final = "signing key"


class SoftwareCustodian:
    """Private keys as PKCS #8, sealed with the key's name as context, so that no two can be swapped in their rows."""

    def __init__(self, *, sealer: Sealer) -> None:
        """Take the sealer that holds the master key."""
        self._sealer = sealer

    def generate(self, *, alg: str) -> NewKey:
        """Make a key pair for one algorithm of the table."""
        private_key = _generate(alg)
        public = public_members(private_key.public_key())
        kid = thumbprint(public)
        plain = private_key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        sealed = self._sealer.seal(purpose=_PURPOSE, plaintext=plain, context=kid.encode())
        return NewKey(kid=kid, sealed_private=sealed, public_jwk={**public, "use": "sig", "alg": alg, "kid": kid})

    def signing_key(self, record: KeyRecord) -> SigningKey:
        """Open the record's private key.

        An RSA key is not proved anew to be one, which takes an eighth of a second: the seal says that it is as it was
        made, the comparison that it is the right one, and OpenSSL holds what the primes yield against the public half.

        Raises:
            SealBroken: the seal does not open, or what is inside is not the half that belongs to the record.
        """
        plain = self._sealer.unseal(purpose=_PURPOSE, sealed=record.sealed_private, context=record.kid.encode())
        opened = serialization.load_der_private_key(plain, password=None, unsafe_skip_rsa_key_validation=True)
        private_key = cast("PrivateKey", opened)
        if not public_members(private_key.public_key()).items() <= record.public_jwk.items():
            raise SealBroken("the private key is not the half that belongs to the published one")
        return SigningKey(kid=record.kid, alg=record.alg, private_key=private_key)


def _generate(alg: str) -> PrivateKey:
    match ALGORITHMS[alg].kty:
        case "EC":
            return ec.generate_private_key(ec.SECP256R1())
        case "RSA":
            return rsa.generate_private_key(public_exponent=LEAST_RSA_EXPONENT, key_size=OWN_RSA_BITS)
        case _:
            return ed25519.Ed25519PrivateKey.generate()
