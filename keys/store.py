"""What keys/ needs remembered: the state of every token-signing key, and four verbs on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  dataclass fields are read at run time
from typing import Literal, Protocol

State = Literal["announced", "active", "retiring", "gone"]


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One token-signing key. Its life goes one way: announced, active, retiring, gone.

    `kid` is the RFC 7638 thumbprint of its public half. `custodian` names an entry of CUSTODIANS, which alone
    knows what `sealed_private` means. `public_jwk` is what the key set shows. Instants are aware and UTC.
    """

    kid: str
    alg: str
    state: State
    custodian: str
    sealed_private: bytes
    public_jwk: dict[str, str]
    announced_at: datetime
    active_at: datetime | None = None
    retiring_at: datetime | None = None
    gone_at: datetime | None = None
    ended_reason: str | None = None


class KeyStore(Protocol):
    """The memory of a key ring, shared by all workers. Each verb is one transaction, with its audit events."""

    def all(self) -> tuple[KeyRecord, ...]:
        """Return every key that is not gone; those that are gone may be among them."""
        ...

    def add(self, record: KeyRecord) -> bool:
        """Remember a new announced or active key.

        False, and nothing done, where its algorithm already has a key in that state: another worker was first.
        """
        ...

    def move(self, *, kid: str, expected_state: State, state: State, at: datetime, reason: str) -> bool:
        """Move a key from `expected_state` on to `state`, stamp when, and keep why.

        False, and nothing done, where the key is not in `expected_state`: another worker was first.
        """
        ...

    def promote(self, *, kid: str, at: datetime, reason: str) -> bool:
        """Make an announced key active and let the active one of its algorithm, if any, retire, both or neither.

        False, and nothing done, where the key is no longer announced: another worker was first.
        """
        ...
