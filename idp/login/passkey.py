"""Passkeys: registering one and logging in with one. The only file that imports the WebAuthn library.

The functions are pure: no storage, no clock, no session. The caller has taken the challenge (once, before it calls),
keeps what comes back, and looks after uniqueness (a credential id belongs to one citizen) in its store.

The library verifies formats, signatures, rpIdHash, presence, user verification and the consistency of backup flags;
all else is checked here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict

import webauthn
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    CredentialDeviceType,
    RegistrationCredential,
)

from idp.assurance import Evidence
from idp.citizens.credentials import NewPasskey
from idp.errors import AssertionRefused, RegistrationRefused
from idp.login.attestation import weigh
from idp.login.authenticator_data import read_authenticator_data
from idp.login.client_data import check_client_data, encode_base64url
from idp.login.passkey_options import (
    ALGORITHMS,
    PasskeyUser,
    authentication_options,
    decoy_allow_list,
    registration_options,
)
from idp.login.passkey_refusal import CheckFailed, CounterWentBack, one_answer
from idp.login.passkey_response import UnverifiedAssertion, read_assertion, read_registration

if TYPE_CHECKING:
    from datetime import datetime

    from webauthn.registration.verify_registration_response import VerifiedRegistration

    from idp.citizens.credentials import Passkey
    from idp.login.authenticator_metadata import AuthenticatorMetadata
    from idp.login.passkey_response import UnverifiedRegistration

__all__ = [
    "CounterWentBack",
    "ExpectedCeremony",
    "PasskeyUser",
    "UnverifiedAssertion",
    "VerifiedAssertion",
    "authentication_options",
    "decoy_allow_list",
    "evidence_of",
    "read_assertion",
    "registration_options",
    "verify_assertion",
    "verify_registration",
]

_RSA_BITS: Final = range(2048, 4096 + 1)
_OFFERED: Final = [COSEAlgorithmIdentifier(number) for number in ALGORITHMS]
# Formats whose verifier in the library insists on roots; the others are judged by weigh() alone.
_ROOTS_WANTED: Final = (AttestationFormat.ANDROID_KEY, AttestationFormat.APPLE)


@dataclass(frozen=True, slots=True)
class VerifiedAssertion:
    """A login whose every check has passed: what to store with the passkey, and what it proves."""

    sign_count: int
    backed_up: bool
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCeremony:
    """What a ceremony must have been made for: our challenge, our origin (with its scheme) and our RP ID."""

    challenge: bytes
    origin: str
    rp_id: str

    def check_client_data(self, unverified: bytes, *, kind: str) -> None:
        """Check clientDataJSON; `kind` is webauthn.create or webauthn.get."""
        check_client_data(
            unverified, expected_type=kind, expected_challenge=self.challenge, expected_origin=self.origin
        )

    def for_library(self) -> _LibraryExpectation:
        """Return the same in the library's names."""
        return {"expected_challenge": self.challenge, "expected_origin": self.origin, "expected_rp_id": self.rp_id}


class _LibraryExpectation(TypedDict):
    expected_challenge: bytes
    expected_origin: str
    expected_rp_id: str


def verify_registration(
    *,
    unverified_response: bytes,
    expected: ExpectedCeremony,
    user_handle: bytes,
    name: str,
    metadata: AuthenticatorMetadata | None,
    now: datetime,
) -> NewPasskey:
    """Verify the answer to navigator.credentials.create(), as the JSON of `toJSON()`, and return its new passkey.

    1. read strictly, 2. clientDataJSON, 3. the library's checks, 4. a key of an offered kind and a sound size, 5. what
    the attestation proves. `metadata` None: no attestation was asked for, none counts. `user_handle` is the one that
    the ceremony was begun with; `name` is what its owner calls the passkey.

    Raises:
        RegistrationRefused: for every reason; the reason is in `detail`.
    Source: Web Authentication Level 3 section 7.1.
    """
    unverified = read_registration(unverified_response)  # 1
    with one_answer(RegistrationRefused):
        expected.check_client_data(unverified.client_data, kind="webauthn.create")  # 2
        verified = _verify_by_library(unverified, expected=expected, metadata=metadata)  # 3
        _check_key(verified.credential_public_key)  # 4
        worth = weigh(  # 5
            verified_x5c=unverified.x5c,
            verified_aaguid=verified.aaguid,
            verified_backup_eligible=verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
            metadata=metadata,
            now=now,
        )
    return NewPasskey(
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        user_handle=user_handle,
        sign_count=verified.sign_count,
        aaguid=verified.aaguid,
        backup_eligible=verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        backed_up=verified.credential_backed_up,
        transports=unverified.transports,
        attested=worth.attested,
        biometric_only=worth.biometric_only,
        hardware_bound=worth.hardware_bound,
        name=name,
    )


def _verify_by_library(
    unverified: UnverifiedRegistration, *, expected: ExpectedCeremony, metadata: AuthenticatorMetadata | None
) -> VerifiedRegistration:
    return webauthn.verify_registration_response(
        credential=_as_library_registration(unverified),
        require_user_verification=True,
        supported_pub_key_algs=_OFFERED,
        pem_root_certs_bytes_by_fmt=_library_roots(unverified, metadata),
        **expected.for_library(),
    )


def verify_assertion(
    *,
    unverified: UnverifiedAssertion,
    expected: ExpectedCeremony,
    passkey: Passkey,
    allowed: frozenset[bytes] | None,
) -> VerifiedAssertion:
    """Verify an assertion against the stored passkey that it names.

    `allowed` are the credential ids that were offered; None means that none were (a discoverable login), and then the
    authenticator must say whose passkey it is.

    1. the passkey lives, is the one named, and was offered, 2. its owner, 3. clientDataJSON, 4. authenticator data and
    backup eligibility as stored, 5. the library's checks, the signature last, 6. the counter, once the signature says
    that it is genuine. The caller stores the result only after this returns.

    Raises:
        CounterWentBack: genuine, but perhaps from a copy; an AssertionRefused.
        AssertionRefused: for every other reason; the reason is in `detail`.
    Source: Web Authentication Level 3 section 7.2.
    """
    with one_answer(AssertionRefused):
        _check_belongs(unverified, passkey=passkey, allowed=allowed)  # 1, 2
        expected.check_client_data(unverified.client_data, kind="webauthn.get")  # 3
        data = read_authenticator_data(unverified.authenticator_data, at_registration=False)  # 4
        if data.backup_eligible != passkey.backup_eligible:
            raise CheckFailed("backup eligibility is not what it was at registration")
        verified = webauthn.verify_authentication_response(  # 5
            credential=_as_library_assertion(unverified),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,  # the library compares before the signature; step 6 compares after it
            require_user_verification=True,
            **expected.for_library(),
        )
        _check_counter(received=verified.new_sign_count, stored=passkey.sign_count)  # 6
    return VerifiedAssertion(verified.new_sign_count, verified.credential_backed_up, evidence_of(passkey))


def _check_counter(*, received: int, stored: int) -> None:
    if (received or stored) and received <= stored:
        raise CounterWentBack(received=received, stored=stored)


def evidence_of(passkey: Passkey | NewPasskey) -> Evidence:
    """Say what using or making a passkey proves (RFC 8176 section 2); hardware counts only where it was attested."""
    return Evidence(
        method="passkey",
        amr=("pop", "user", "hwk" if passkey.hardware_bound else "swk", "mfa"),
        factors=frozenset({"possession", "biometric" if passkey.attested and passkey.biometric_only else "local"}),
        phishing_resistant=True,
        hardware_bound=passkey.hardware_bound,
        attested=passkey.attested,
    )


def _check_belongs(unverified: UnverifiedAssertion, *, passkey: Passkey, allowed: frozenset[bytes] | None) -> None:
    if passkey.ended_at is not None:
        raise CheckFailed("the passkey has been ended")
    if unverified.credential_id != passkey.credential_id:
        raise CheckFailed("the assertion names another passkey")
    if allowed is not None and unverified.credential_id not in allowed:
        raise CheckFailed("the passkey was not among those offered")
    if allowed is None and unverified.user_handle is None:
        raise CheckFailed("a discoverable login without a user handle")
    if unverified.user_handle not in (None, passkey.user_handle):
        raise CheckFailed("the user handle is of another account")


def _check_key(public_key: bytes) -> None:
    """Check that a COSE key is what its algorithm asks for: the library lets ES256 run on any curve, RSA at any size.

    Source: Web Authentication Level 3 section 5.8.5.
    """
    decoded = decode_credential_public_key(public_key)
    key = decoded_public_key_to_cryptography(decoded)
    fits = {
        "ES256": isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1),
        "EdDSA": isinstance(key, ed25519.Ed25519PublicKey),
        "RS256": isinstance(key, rsa.RSAPublicKey) and key.key_size in _RSA_BITS,
    }
    if not fits[ALGORITHMS[decoded.alg]]:
        raise CheckFailed(f"the key does not fit algorithm {decoded.alg}")


def _as_library_registration(unverified: UnverifiedRegistration) -> RegistrationCredential:
    return RegistrationCredential(
        id=encode_base64url(unverified.credential_id),
        raw_id=unverified.credential_id,
        response=AuthenticatorAttestationResponse(unverified.client_data, unverified.attestation_object),
    )


def _as_library_assertion(unverified: UnverifiedAssertion) -> AuthenticationCredential:
    return AuthenticationCredential(
        id=encode_base64url(unverified.credential_id),
        raw_id=unverified.credential_id,
        response=AuthenticatorAssertionResponse(
            unverified.client_data, unverified.authenticator_data, unverified.signature
        ),
    )


def _library_roots(
    unverified: UnverifiedRegistration, metadata: AuthenticatorMetadata | None
) -> dict[AttestationFormat, list[bytes]]:
    """Return the model's roots for the formats that the library refuses without; new lists, because it appends."""
    if metadata is None or unverified.attestation_format not in _ROOTS_WANTED:
        return {}
    model = metadata.model(unverified.aaguid)
    roots = () if model is None else model.roots
    return {AttestationFormat(unverified.attestation_format): [root.public_bytes(Encoding.PEM) for root in roots]}
