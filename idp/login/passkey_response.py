"""Reading what navigator.credentials.create() and .get() return: strict, bounded, and nothing is believed yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cbor2

from idp.errors import AssertionRefused, RegistrationRefused
from idp.login.attestation import FORMATS
from idp.login.authenticator_data import (
    ATTESTATION_OBJECT_LIMIT,
    CREDENTIAL_ID_LIMIT,
    check_cbor,
    read_authenticator_data,
)
from idp.login.client_data import decode_base64url, read_json_object
from idp.login.passkey_refusal import CheckFailed, one_answer

REGISTRATION_LIMIT: Final = 65_536  # bytes of JSON; the largest honest one (TPM) has about 12,000
ASSERTION_LIMIT: Final = 16_384  # bytes of JSON; usually about 800
_USER_HANDLE_LIMIT: Final = 64
_SIGNATURE_LIMIT: Final = 1024
_TRANSPORTS: Final = frozenset({"usb", "nfc", "ble", "smart-card", "hybrid", "internal"})


@dataclass(frozen=True, slots=True)
class UnverifiedRegistration:
    """A registration that has been read and not verified.

    `x5c` are the certificates of the attestation statement (DER, leaf first); `transports` are sorted, unknown ones
    left out. Client extension results are passed over: we ask for none.
    """

    credential_id: bytes
    client_data: bytes
    attestation_object: bytes
    attestation_format: str
    aaguid: str
    x5c: tuple[bytes, ...]
    transports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnverifiedAssertion:
    """An assertion that has been read and not verified: enough to look the passkey up."""

    credential_id: bytes
    user_handle: bytes | None
    client_data: bytes
    authenticator_data: bytes
    signature: bytes


def read_registration(unverified_response: bytes) -> UnverifiedRegistration:
    """Read the answer to navigator.credentials.create(), the JSON of `toJSON()`, at most 64 KiB; nothing is believed.

    1. strict JSON of the attestation kind, 2. plain CBOR within bounds, 3. the credential id inside is the one outside,
    4. a format that can be verified.

    Raises:
        RegistrationRefused: for every reason; the reason is in `detail`.
    Source: Web Authentication Level 3 section 7.1 steps 3, 13, 21 and 25.
    """
    with one_answer(RegistrationRefused):
        outer = read_json_object(unverified_response, limit=REGISTRATION_LIMIT, name="the registration")  # 1
        credential_id, response = _read_credential(outer)
        attestation_object = decode_base64url(response.get("attestationObject"), name="attestationObject")
        if len(attestation_object) > ATTESTATION_OBJECT_LIMIT:  # 2
            raise CheckFailed(f"an attestation object of {len(attestation_object)} bytes")
        check_cbor(attestation_object)
        found = cbor2.loads(attestation_object)
        data = read_authenticator_data(found["authData"], at_registration=True)
        if data.aaguid is None or data.credential_id != credential_id:  # 3
            raise CheckFailed("the credential id inside is not the one outside")
        if found["fmt"] not in FORMATS:  # 4
            raise CheckFailed(f"attestation format {found['fmt']!r}")
        return UnverifiedRegistration(
            credential_id=credential_id,
            client_data=decode_base64url(response.get("clientDataJSON"), name="clientDataJSON"),
            attestation_object=attestation_object,
            attestation_format=found["fmt"],
            aaguid=data.aaguid,
            x5c=tuple(found["attStmt"].get("x5c", ())),
            transports=_read_transports(response.get("transports")),
        )


def read_assertion(unverified_response: bytes) -> UnverifiedAssertion:
    """Read the answer to navigator.credentials.get(), the JSON of `toJSON()`, at most 16 KiB; nothing is believed.

    Raises:
        AssertionRefused: for every reason; the reason is in `detail`.
    Source: Web Authentication Level 3 section 7.2 steps 3 and 4.
    """
    with one_answer(AssertionRefused):
        outer = read_json_object(unverified_response, limit=ASSERTION_LIMIT, name="the assertion")
        credential_id, response = _read_credential(outer)
        user_handle = None
        if response.get("userHandle") is not None:
            user_handle = decode_base64url(response["userHandle"], name="userHandle")
            if not 1 <= len(user_handle) <= _USER_HANDLE_LIMIT:
                raise CheckFailed(f"a user handle of {len(user_handle)} bytes")
        signature = decode_base64url(response.get("signature"), name="signature")
        if len(signature) > _SIGNATURE_LIMIT:
            raise CheckFailed(f"a signature of {len(signature)} bytes")
        return UnverifiedAssertion(
            credential_id=credential_id,
            user_handle=user_handle,
            client_data=decode_base64url(response.get("clientDataJSON"), name="clientDataJSON"),
            authenticator_data=decode_base64url(response.get("authenticatorData"), name="authenticatorData"),
            signature=signature,
        )


def _read_credential(outer: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """Return the raw id and the response of a PublicKeyCredential in JSON."""
    credential_id = decode_base64url(outer.get("rawId"), name="rawId")
    if outer.get("type") != "public-key" or outer.get("id") != outer.get("rawId"):
        raise CheckFailed("no public-key credential whose id is its rawId")
    if not 1 <= len(credential_id) <= CREDENTIAL_ID_LIMIT:
        raise CheckFailed(f"a credential id of {len(credential_id)} bytes")
    response = outer.get("response")
    if not isinstance(response, dict):
        raise CheckFailed("the credential has no response")
    return credential_id, response


def _read_transports(unverified: object) -> tuple[str, ...]:
    """Return the transports that we know; they are hints, so an odd list is an empty one."""
    if not isinstance(unverified, list):
        return ()
    return tuple(sorted(_TRANSPORTS.intersection(item for item in unverified if isinstance(item, str))))
