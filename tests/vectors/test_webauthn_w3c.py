"""The W3C's published test vectors (Web Authentication Level 3, section 16), through our rules and the library alone.

Our rules refuse many of them on purpose: no user verification, framed by another site, an algorithm we do not offer.
The library alone, with every algorithm and without user verification, shows that nothing else is wrong with those;
what it cannot do stands in a table here, so that a change is noticed.
"""

from __future__ import annotations

import base64
import json
import uuid
from pathlib import Path
from typing import Any

import cbor2
import pytest
import webauthn
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import AttestationFormat

from idp.citizens.credentials import Passkey
from idp.errors import AssertionRefused, RegistrationRefused
from idp.login.authenticator_metadata import AuthenticatorMetadata
from idp.login.passkey import ExpectedCeremony, read_assertion, verify_assertion, verify_registration
from tests.support.authenticator import base64url
from tests.support.authenticator_maker import AuthenticatorMaker
from tests.support.login.passkey_site import NOON

VECTORS = json.loads(Path(__file__).with_name("webauthn-w3c.json").read_text())
CEREMONIES = {ceremony["name"]: ceremony for ceremony in VECTORS["ceremonies"]}
ROOT = bytes.fromhex(VECTORS["attestation_ca_cert"])
RP_ID = "example.org"
ORIGIN = "https://example.org"

UV = "User verification is required"
FRAMED = "crossOrigin"

# name: what our rules say to the registration, and to the login. "attested" and "unattested" are registered.
OURS = {
    "none-es256": (UV, UV),
    "packed-self-es256": ("unattested", UV),
    "none-es256-crossOrigin": (FRAMED, FRAMED),
    "none-es256-topOrigin": (FRAMED, FRAMED),
    "none-es256-long-credential-id": (UV, "accepted"),
    "packed-es256": ("attested", "accepted"),
    "packed-es384": (UV, "Unrecognized EC2 signature alg -35"),
    "packed-es512": ('Unsupported credential public key alg "-36"', UV),
    "packed-rs256": ("attested", UV),
    "packed-eddsa": (UV, UV),
    "packed-ed448": (UV, "alg -53 and crv 7 is not supported"),
    "tpm-es256": ('Unrecognized TPM Manufacturer "id:00000000"', "accepted"),
    "android-key-es256": ("x5c was empty", UV),
    "apple-es256": (UV, UV),
    "fido-u2f-es256": (UV, UV),
}

# What the library cannot do even without our rules: an algorithm it lacks; a maker of TPMs that exists in the vectors
# only; a chain without its root, which Android always sends; a U2F statement with an AAGUID, which U2F does not have.
LIBRARY_CANNOT_REGISTER = {
    "packed-es384": 'Unsupported credential public key alg "-35"',
    "packed-ed448": 'Unsupported credential public key alg "-53"',
    "tpm-es256": 'Unrecognized TPM Manufacturer "id:00000000"',
    "android-key-es256": "x5c was empty",
    "fido-u2f-es256": "was not expected 00000000-0000-0000-0000-000000000000",
}
LIBRARY_CANNOT_LOG_IN = {
    "packed-es384": "Unrecognized EC2 signature alg -35",
    "packed-ed448": "alg -53 and crv 7 is not supported",
}


def test_every_published_ceremony_has_its_line() -> None:
    assert set(CEREMONIES) == set(OURS)


@pytest.mark.spec("WR-06", "WR-09", "WR-11", "WR-12")
@pytest.mark.parametrize("name", OURS)
def test_a_published_registration_gets_the_answer_of_its_line(name: str) -> None:
    ours = OURS[name][0]

    if ours in ("attested", "unattested"):
        verified = register(name)
        assert verified.attested is (ours == "attested")
        assert verified.credential_id.hex() == CEREMONIES[name]["registration"]["credential_id"]
        assert uuid.UUID(verified.aaguid).hex == CEREMONIES[name]["registration"]["aaguid"]
    else:
        with pytest.raises(RegistrationRefused) as refused:
            register(name)
        assert ours in refused.value.detail


@pytest.mark.spec("WV-04", "WV-05", "WV-07")
@pytest.mark.parametrize("name", OURS)
def test_a_published_login_gets_the_answer_of_its_line(name: str) -> None:
    ours = OURS[name][1]

    if ours == "accepted":
        assert log_in(name).phishing_resistant
    else:
        with pytest.raises(AssertionRefused) as refused:
            log_in(name)
        assert ours in refused.value.detail


@pytest.mark.parametrize("name", OURS)
def test_the_library_alone_registers_all_but_those_listed(name: str) -> None:
    reason = LIBRARY_CANNOT_REGISTER.get(name)

    if reason is None:
        assert library_registers(name).credential_id.hex() == CEREMONIES[name]["registration"]["credential_id"]
    else:
        with pytest.raises(Exception, match=reason):
            library_registers(name)


@pytest.mark.parametrize("name", OURS)
def test_the_library_alone_logs_in_all_but_those_listed(name: str) -> None:
    reason = LIBRARY_CANNOT_LOG_IN.get(name)

    if reason is None:
        assert library_logs_in(name).credential_id.hex() == CEREMONIES[name]["registration"]["credential_id"]
    else:
        with pytest.raises(Exception, match=reason):
            library_logs_in(name)


def register(name: str) -> Any:
    ceremony = CEREMONIES[name]["registration"]
    statement = AuthenticatorMaker(aaguid=uuid.UUID(ceremony["aaguid"])).statement()
    statement["attestationRootCertificates"] = [base64.b64encode(ROOT).decode()]
    return verify_registration(
        unverified_response=json.dumps(as_json(name, "registration")).encode(),
        expected=ExpectedCeremony(challenge=bytes.fromhex(ceremony["challenge"]), origin=ORIGIN, rp_id=RP_ID),
        user_handle=b"u" * 32,
        name="",
        metadata=AuthenticatorMetadata.from_statements([statement]),
        now=NOON,
    )


def log_in(name: str) -> Any:
    credential_id, public_key, backup_eligible = stored(name)
    passkey = Passkey(
        id="1",
        citizen_id="1",
        credential_id=credential_id,
        public_key=public_key,
        user_handle=b"u" * 32,
        sign_count=0,
        aaguid="",
        backup_eligible=backup_eligible,
        backed_up=False,
        transports=(),
        attested=False,
        biometric_only=False,
        hardware_bound=False,
        name="",
        created_at=NOON,
        last_used_at=None,
        ended_at=None,
    )
    challenge = bytes.fromhex(CEREMONIES[name]["authentication"]["challenge"])
    return verify_assertion(
        unverified=read_assertion(json.dumps(as_json(name, "authentication")).encode()),
        expected=ExpectedCeremony(challenge=challenge, origin=ORIGIN, rp_id=RP_ID),
        passkey=passkey,
        allowed=frozenset({credential_id}),
    ).evidence


def library_registers(name: str) -> Any:
    pem = x509.load_der_x509_certificate(ROOT).public_bytes(Encoding.PEM)
    return webauthn.verify_registration_response(
        credential=as_json(name, "registration"),
        expected_challenge=bytes.fromhex(CEREMONIES[name]["registration"]["challenge"]),
        expected_rp_id=RP_ID,
        expected_origin=ORIGIN,
        supported_pub_key_algs=list(COSEAlgorithmIdentifier),
        pem_root_certs_bytes_by_fmt={kind: [pem] for kind in AttestationFormat},
    )


def library_logs_in(name: str) -> Any:
    return webauthn.verify_authentication_response(
        credential=as_json(name, "authentication"),
        expected_challenge=bytes.fromhex(CEREMONIES[name]["authentication"]["challenge"]),
        expected_rp_id=RP_ID,
        expected_origin=ORIGIN,
        credential_public_key=stored(name)[1],
        credential_current_sign_count=0,
    )


def stored(name: str) -> tuple[bytes, bytes, bool]:
    """Return credential id, public key and backup eligibility, as a registration would have kept them."""
    ceremony = CEREMONIES[name]["registration"]
    credential_id = bytes.fromhex(ceremony["credential_id"])
    data = cbor2.loads(bytes.fromhex(ceremony["attestationObject"]))["authData"]
    return credential_id, data[55 + len(credential_id) :], bool(data[32] & 0x08)


def as_json(name: str, kind: str) -> dict[str, Any]:
    """Return a ceremony as a browser's toJSON() would."""
    ceremony = CEREMONIES[name]
    credential_id = base64url(bytes.fromhex(ceremony["registration"]["credential_id"]))
    names = ("clientDataJSON", "attestationObject", "authenticatorData", "signature")
    response = {key: base64url(bytes.fromhex(ceremony[kind][key])) for key in names if key in ceremony[kind]}
    return {
        "id": credential_id,
        "rawId": credential_id,
        "type": "public-key",
        "clientExtensionResults": {},
        "response": response,
    }
