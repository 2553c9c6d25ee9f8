"""What an attestation is worth: whether it reaches the roots of the model it names, and what that model guarantees."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509

from idp.login.certificate_chain import check_chain
from idp.login.passkey_refusal import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from idp.login.authenticator_metadata import AuthenticatorMetadata

# Formats that the library verifies and that a passkey may come with. Left out: android-safetynet (its service is shut
# down), compound (no verifier).
FORMATS: Final = ("none", "packed", "tpm", "android-key", "apple", "fido-u2f")

_AAGUID_EXTENSION: Final = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
_OCTET_STRING_OF_16: Final = b"\x04\x10"


@dataclass(frozen=True, slots=True)
class Worth:
    """What may be believed about the authenticator; all False where nothing is proved."""

    attested: bool
    biometric_only: bool
    hardware_bound: bool


UNPROVED: Final = Worth(attested=False, biometric_only=False, hardware_bound=False)


def weigh(
    *,
    verified_x5c: Sequence[bytes],
    verified_aaguid: str,
    verified_backup_eligible: bool,
    metadata: AuthenticatorMetadata | None,
    now: datetime,
) -> Worth:
    """Return what an attestation proves; its signature and its form have been verified before.

    An unknown model, no or self attestation, a file out of date or a model with a reported weakness: registered, but
    nothing is proved. A model that was withdrawn, or one whose name is used by a chain that is not its own: refused.

    Raises:
        CheckFailed: withdrawn, or a chain or AAGUID that does not belong to the model.
    Source: Web Authentication Level 3 section 7.1 steps 22 to 24 and section 8.2.1.
    """
    model = metadata.model(verified_aaguid) if metadata is not None else None
    if metadata is None or model is None:
        return UNPROVED
    if model.is_revoked(now=now):
        raise CheckFailed(f"the model {verified_aaguid} is revoked")
    if not verified_x5c or not model.roots:
        return UNPROVED
    chain = [x509.load_der_x509_certificate(item) for item in verified_x5c]
    check_chain(chain, expected_anchors=model.roots, now=now)
    _check_aaguid(chain[0], expected_aaguid=verified_aaguid)
    if model.is_compromised(now=now) or not metadata.is_fresh(now=now):
        return UNPROVED
    return Worth(
        attested=True,
        biometric_only=model.biometric_only,
        hardware_bound=model.hardware_keys and not verified_backup_eligible,
    )


def _check_aaguid(leaf: x509.Certificate, *, expected_aaguid: str) -> None:
    """Check the AAGUID inside the certificate: makers sign several models under one root."""
    try:
        value = leaf.extensions.get_extension_for_oid(_AAGUID_EXTENSION).value
    except x509.ExtensionNotFound:
        return
    expected = _OCTET_STRING_OF_16 + uuid.UUID(expected_aaguid).bytes
    if not isinstance(value, x509.UnrecognizedExtension) or value.value != expected:
        raise CheckFailed("the attestation certificate names another model")
