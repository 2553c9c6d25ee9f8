"""The credentials that a citizen logs in with, and the code that leads to the first of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime  # noqa: TC003  dataclass fields are read at run time

from idp.audit.log import new_id


@dataclass(frozen=True, slots=True)
class Passkey:
    """One passkey of one citizen (Web Authentication Level 3, section 4, credential record).

    `id` is ours (UUIDv7); `credential_id` is the authenticator's (at most 1023 bytes); `public_key` is a COSE_Key;
    `user_handle` is 32 random bytes, one per citizen. `attested` says that the attestation chained to a pinned root;
    `biometric_only` that its metadata says that user verification can only be biometric; `hardware_bound` that its
    metadata says that the key cannot leave the authenticator and it is not eligible for backup.
    """

    id: str
    citizen_id: str
    credential_id: bytes
    public_key: bytes
    user_handle: bytes
    sign_count: int
    aaguid: str
    backup_eligible: bool
    backed_up: bool
    transports: tuple[str, ...]
    attested: bool
    biometric_only: bool
    hardware_bound: bool
    name: str
    created_at: datetime
    last_used_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A registration that has been verified and belongs to nobody yet; the fields are those of `Passkey`.

    `user_handle` is the one that the ceremony was made with.
    """

    credential_id: bytes
    public_key: bytes
    user_handle: bytes
    sign_count: int
    aaguid: str
    backup_eligible: bool
    backed_up: bool
    transports: tuple[str, ...]
    attested: bool
    biometric_only: bool
    hardware_bound: bool
    name: str

    def given_to(self, *, citizen_id: str, at: datetime) -> Passkey:
        """Return the passkey of a citizen, with a new id."""
        return Passkey(
            id=new_id(), citizen_id=citizen_id, created_at=at, last_used_at=None, ended_at=None, **asdict(self)
        )


@dataclass(frozen=True, slots=True)
class PasskeyUse:
    """A verified assertion, to be remembered: what was stored when it was checked, and what it says now."""

    passkey_id: str
    citizen_id: str
    expected_sign_count: int
    sign_count: int
    backed_up: bool


@dataclass(frozen=True, slots=True)
class ActivationCode:
    """A code as it is kept: bound to a number, to the person that the register named then, and to a level."""

    id: str
    code_hash: bytes
    number_hash: bytes
    person_hash: bytes
    account_level: int
    issued_at: datetime
    expires_at: datetime
