"""What a browser is asked for: the options of navigator.credentials.create() and .get(), ready as JSON."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from idp.login.client_data import encode_base64url

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from idp.citizens.credentials import Passkey

Descriptor = tuple[bytes, tuple[str, ...]]
"""A credential id and its transports, sorted."""

ALGORITHMS: Final = {-7: "ES256", -8: "EdDSA", -257: "RS256"}  # offered in this order, and checked again on return
TIMEOUT_MS: Final = 300_000
SHORTEST_CHALLENGE: Final = 16

# What real credentials look like, one row each, as often as they are met: phones and password managers that sync,
# laptops, security keys. Lengths in bytes.
_LOOKS: Final[tuple[tuple[int, tuple[str, ...]], ...]] = (
    (16, ("hybrid", "internal")),
    (20, ("hybrid", "internal")),
    (32, ("hybrid", "internal")),
    (32, ("internal",)),
    (20, ("hybrid", "internal")),
    (16, ("hybrid", "internal")),
    (32, ("internal",)),
    (48, ("nfc", "usb")),
)
_TWO_BELOW: Final = 96  # of 256: how often a citizen has a second passkey


@dataclass(frozen=True, slots=True)
class PasskeyUser:
    """Whom a new passkey is for, as the authenticator will store and show it.

    `handle` is 32 random bytes, one per citizen. `name` and `display_name` are kept by the authenticator, and often by
    its maker's cloud: the caller passes a masked name, never a national ID number.
    Source: Web Authentication Level 3 section 14.6.1.
    """

    handle: bytes
    name: str
    display_name: str


def registration_options(
    *,
    rp_id: str,
    rp_name: str,
    user: PasskeyUser,
    challenge: bytes,
    exclude: Sequence[Passkey],
    attestation: str,
) -> dict[str, Any]:
    """Return the options of a registration, for `PublicKeyCredential.parseCreationOptionsFromJSON`.

    The passkey will be discoverable and will verify the user; `exclude` are the citizen's passkeys (ended ones may be
    registered anew); `attestation` is "none" or "direct".

    Raises:
        ValueError: a challenge under 128 bits, a handle that is not 1 to 64 bytes, or another `attestation`.
    Source: Web Authentication Level 3 section 5.4.
    """
    if len(challenge) < SHORTEST_CHALLENGE or not 1 <= len(user.handle) <= 64:  # noqa: PLR2004  section 5.4.3
        raise ValueError("a challenge has at least 16 bytes, a user handle 1 to 64")
    if attestation not in ("none", "direct"):
        raise ValueError("attestation is none or direct")
    return {
        "rp": {"id": rp_id, "name": rp_name},
        "user": {"id": encode_base64url(user.handle), "name": user.name, "displayName": user.display_name},
        "challenge": encode_base64url(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in ALGORITHMS],
        "timeout": TIMEOUT_MS,
        "excludeCredentials": _descriptors((p.credential_id, p.transports) for p in exclude if not p.ended_at),
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": attestation,
    }


def authentication_options(*, rp_id: str, challenge: bytes, allow: Sequence[Descriptor]) -> dict[str, Any]:
    """Return the options of a login, for `PublicKeyCredential.parseRequestOptionsFromJSON`.

    `allow` is empty for a discoverable login. It comes out sorted, so that the order tells nothing about age.

    Raises:
        ValueError: a challenge under 128 bits.
    Source: Web Authentication Level 3 section 5.5.
    """
    if len(challenge) < SHORTEST_CHALLENGE:
        raise ValueError("a challenge has at least 16 bytes")
    return {
        "challenge": encode_base64url(challenge),
        "timeout": TIMEOUT_MS,
        "rpId": rp_id,
        "allowCredentials": _descriptors(allow),
        "userVerification": "required",
    }


def decoy_allow_list(*, seed: bytes) -> tuple[Descriptor, ...]:
    """Return one or two made-up credentials for a number that has none, the same ones each time for the same `seed`.

    `seed` is a keyed hash of the number under a key that serves nothing else: who could compute it could tell a decoy.

    Raises:
        ValueError: a seed under 32 bytes, too short to be a keyed hash.
    Source: Web Authentication Level 3 section 14.6.2.
    """
    if len(seed) < 32:  # noqa: PLR2004  the docstring says it
        raise ValueError("a seed is a keyed hash of at least 32 bytes")
    picks = hmac.digest(seed, b"passkey decoy: looks", hashlib.sha256)
    count = 2 if picks[0] < _TWO_BELOW else 1
    decoys = []
    for index in range(count):
        length, transports = _LOOKS[picks[index + 1] % len(_LOOKS)]
        credential_id = hmac.digest(seed, b"passkey decoy: id %d" % index, hashlib.sha512)[:length]
        decoys.append((credential_id, transports))
    return tuple(decoys)


def _descriptors(credentials: Iterable[Descriptor]) -> list[dict[str, Any]]:
    return [
        {"type": "public-key", "id": encode_base64url(credential_id), "transports": list(transports)}
        for credential_id, transports in sorted(credentials)
    ]
