"""The contract of a custodian: whoever makes private keys, keeps them, and lends them to sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from keys.jwk import SigningKey
    from keys.store import KeyRecord


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key pair just made. `sealed_private` means something to its custodian alone."""

    kid: str
    sealed_private: bytes
    public_jwk: dict[str, str]


class Custodian(Protocol):
    """Makes and keeps private keys. It may be asked from several threads at once."""

    def generate(self, *, alg: str) -> NewKey:
        """Make a key pair for one algorithm of the table, named by the thumbprint of its public half."""
        ...

    def signing_key(self, record: KeyRecord) -> SigningKey:
        """Return the record's key, ready to sign.

        Raises:
            SealBroken: the private half cannot be had, or is not the other half of the record's public key.
        """
        ...
