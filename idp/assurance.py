"""From evidence to a level of assurance, by the table in config/assurance.toml."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a login method has proved about the person who is here now.

    `factors` holds kinds of factor: `possession`, `knowledge`, `biometric`, and `local` for a user verification that
    may have been either a device code or a biometric (the authenticator does not say which).
    `amr` holds values of RFC 8176.
    """

    method: str
    amr: tuple[str, ...]
    factors: frozenset[str]
    phishing_resistant: bool
    hardware_bound: bool
    attested: bool
