"""The credentials that a citizen logs in with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  dataclass fields are read at run time


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
