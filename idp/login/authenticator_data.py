"""What an authenticator hands over: a gate for CBOR, and the fixed fields of authenticator data."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from idp.login.passkey_refusal import CheckFailed

ATTESTATION_OBJECT_LIMIT: Final = 32_768  # bytes; a TPM statement with three certificates has about 6,000
AUTHENTICATOR_DATA_LIMIT: Final = 4096  # bytes; 37, and at registration the credential id (1023) and a key (about 600)
CREDENTIAL_ID_LIMIT: Final = 1023  # bytes, Web Authentication Level 3 section 7.1 step 25

_DEEPEST: Final = 4  # CTAP 2.2 section 8: at most four levels of CBOR
_HEADER: Final = 37
_BACKUP_ELIGIBLE: Final = 0x08
_BACKED_UP: Final = 0x10
_ATTESTED_CREDENTIAL: Final = 0x40
_EXTENSIONS: Final = 0x80

_BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = 2, 3, 4, 5, 6, 7
_ARGUMENT_IN_HEAD: Final = 24  # additional information below this is the argument itself
_LARGEST_ARGUMENT: Final = 27  # 28 to 30 are reserved, 31 is an indefinite length


@dataclass(frozen=True, slots=True)
class AuthenticatorData:
    """Authenticator data, read but not yet verified (Web Authentication Level 3 section 6.1).

    `aaguid` (lower case, with hyphens) and `credential_id` are there at registration only, else None.
    """

    backup_eligible: bool
    backed_up: bool
    sign_count: int
    aaguid: str | None
    credential_id: bytes | None


def check_cbor(unverified: bytes) -> None:
    """Check that `unverified` is exactly one plain CBOR item: bounded, definite lengths, no tags, nothing after it.

    The walk looks at heads only, so it costs next to nothing and runs before any decoder.

    Raises:
        CheckFailed: with what is wrong.
    Source: RFC 8949 section 3, CTAP 2.2 section 8.
    """
    if _end_of_item(unverified, 0, 0) != len(unverified):
        raise CheckFailed("bytes follow the CBOR item")


def read_authenticator_data(unverified: bytes, *, at_registration: bool) -> AuthenticatorData:
    """Return the fields of authenticator data; the new credential must be there at registration and nowhere else.

    Raises:
        CheckFailed: too long, cut short, bytes left over, or a credential id beyond 1023 bytes.
    Source: Web Authentication Level 3 sections 6.1 and 6.5.1.
    """
    if not _HEADER <= len(unverified) <= AUTHENTICATOR_DATA_LIMIT:
        raise CheckFailed(f"authenticator data of {len(unverified)} bytes")
    flags = unverified[32]
    if bool(flags & _ATTESTED_CREDENTIAL) != at_registration:
        raise CheckFailed("attested credential data belongs to registration, and to nothing else")
    position = _HEADER
    aaguid = credential_id = None
    if at_registration:
        credential_id, position = _read_credential_id(unverified)
        aaguid = str(uuid.UUID(bytes=unverified[_HEADER : _HEADER + 16]))
        position = _end_of_item(unverified, position, 0)  # the public key
    if flags & _EXTENSIONS:
        position = _end_of_item(unverified, position, 0)
    if position != len(unverified):
        raise CheckFailed("bytes follow the authenticator data")
    return AuthenticatorData(
        backup_eligible=bool(flags & _BACKUP_ELIGIBLE),
        backed_up=bool(flags & _BACKED_UP),
        sign_count=int.from_bytes(unverified[33:37], "big"),
        aaguid=aaguid,
        credential_id=credential_id,
    )


def _read_credential_id(unverified: bytes) -> tuple[bytes, int]:
    start = _HEADER + 18  # the AAGUID (16) and the length (2)
    length = int.from_bytes(unverified[_HEADER + 16 : start], "big")
    if not 1 <= length <= CREDENTIAL_ID_LIMIT:
        raise CheckFailed(f"a credential id of {length} bytes")
    if start + length > len(unverified):
        raise CheckFailed("the credential id is cut short")
    return unverified[start : start + length], start + length


def _end_of_item(data: bytes, position: int, depth: int) -> int:
    """Return where the item at `position` ends."""
    major, argument, position = _read_head(data, position)
    if major in (_BYTES, _TEXT):
        if argument > len(data) - position:
            raise CheckFailed("a CBOR string is cut short")
        return position + argument
    if major not in (_ARRAY, _MAP):
        return position
    if depth == _DEEPEST:
        raise CheckFailed("CBOR nested too deeply")
    items = argument * 2 if major == _MAP else argument
    if items > len(data) - position:  # every item takes at least one byte
        raise CheckFailed("a CBOR container is cut short")
    for _ in range(items):
        position = _end_of_item(data, position, depth + 1)
    return position


def _read_head(data: bytes, position: int) -> tuple[int, int, int]:
    """Return major type, argument, and where the head ends."""
    if position >= len(data):
        raise CheckFailed("CBOR is cut short")
    major, argument = data[position] >> 5, data[position] & 0x1F
    position += 1
    if major == _TAG:
        raise CheckFailed("CBOR tags have no place here")
    if argument > _LARGEST_ARGUMENT:
        raise CheckFailed("CBOR of indefinite length or reserved form")
    if argument < _ARGUMENT_IN_HEAD:
        return major, argument, position
    width = 1 << (argument - _ARGUMENT_IN_HEAD)
    if position + width > len(data):
        raise CheckFailed("CBOR is cut short")
    return major, int.from_bytes(data[position : position + width], "big"), position + width
