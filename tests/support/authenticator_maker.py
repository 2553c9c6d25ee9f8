"""Who makes authenticators, and who publishes signed metadata about them: certificates made on the spot."""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FAR_AHEAD = datetime(2049, 1, 1, tzinfo=UTC)
_AAGUID_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")


@dataclass(slots=True)
class Authority:
    """A certification authority with an EC key; `is_authority` False makes one that may not issue, but does.

    `says` False leaves basic constraints out; `signs_certificates` adds a key usage that allows it or not.
    """

    common_name: str = "Test root"
    is_authority: bool = True
    path_length: int | None = None
    parent: Authority | None = None
    says: bool = True
    signs_certificates: bool | None = None
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        """Sign its own certificate, or have the parent sign it."""
        extensions: list[x509.ExtensionType] = []
        if self.says:
            length = self.path_length if self.is_authority else None
            extensions.append(x509.BasicConstraints(ca=self.is_authority, path_length=length))
        if self.signs_certificates is not None:
            extensions.append(_usage(signs_certificates=self.signs_certificates))
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.common_name)])
        self.certificate = (self.parent or self)._sign(subject, self.key, extensions, LONG_AGO, FAR_AHEAD)

    def issue(
        self,
        subject: dict[x509.ObjectIdentifier, str],
        *,
        key: PrivateKey,
        extensions: list[x509.ExtensionType],
        until: datetime = FAR_AHEAD,
    ) -> x509.Certificate:
        """Return a leaf certificate for `key`."""
        name = x509.Name([x509.NameAttribute(oid, value) for oid, value in subject.items()])
        leaf = x509.BasicConstraints(ca=False, path_length=None)
        return self._sign(name, key, [leaf, *extensions], LONG_AGO, until)

    def pem(self) -> bytes:
        """Return its certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    def _sign(
        self,
        subject: x509.Name,
        key: PrivateKey,
        extensions: list[x509.ExtensionType],
        since: datetime,
        until: datetime,
    ) -> x509.Certificate:
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.common_name)])
        builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number(), since, until)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256())


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass(slots=True)
class AuthenticatorMaker:
    """Makes one model of authenticator and attests with the packed format.

    `certified_aaguid` is what the attestation certificate says (None: nothing), `intermediates` stand between the root
    and the leaf, `verification` is userVerificationDetails, and `statuses` what the metadata service reports.
    `pins_leaf` publishes the attestation certificate itself instead of the root; `signing_key` signs in place of the
    key in the certificate.
    """

    root: Authority = field(default_factory=Authority)
    aaguid: uuid.UUID = field(default_factory=uuid.uuid4)
    certified_aaguid: uuid.UUID | None = None
    intermediates: list[Authority] = field(default_factory=list)
    verification: list[list[str]] = field(default_factory=lambda: [["fingerprint_internal"]])
    protection: list[str] = field(default_factory=lambda: ["hardware", "secure_element"])
    options: dict[str, bool] = field(default_factory=lambda: {"rk": True, "uv": True})
    statuses: list[dict[str, Any]] = field(default_factory=lambda: [{"status": "FIDO_CERTIFIED_L1"}])
    until: datetime = FAR_AHEAD
    pins_leaf: bool = False
    signing_key: ec.EllipticCurvePrivateKey | None = None
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    _leaf: x509.Certificate | None = field(init=False, default=None)

    def chain(self) -> list[x509.Certificate]:
        """Return the attestation certificate and its intermediates, without the root."""
        if self._leaf is None:
            self._leaf = self._issue_leaf()
        return [self._leaf, *(authority.certificate for authority in self.intermediates)]

    def _issue_leaf(self) -> x509.Certificate:
        named = self.aaguid if self.certified_aaguid is None else self.certified_aaguid
        issuer = self.intermediates[0] if self.intermediates else self.root
        return issuer.issue(
            {
                NameOID.COUNTRY_NAME: "VN",
                NameOID.ORGANIZATION_NAME: "Test maker",
                NameOID.ORGANIZATIONAL_UNIT_NAME: "Authenticator Attestation",
                NameOID.COMMON_NAME: "Test model",
            },
            key=self.key,
            extensions=[x509.UnrecognizedExtension(_AAGUID_EXTENSION, b"\x04\x10" + named.bytes)],
            until=self.until,
        )

    def attest(self, message: bytes) -> dict[str, Any]:
        """Return a packed attestation statement over `message`."""
        return {
            "alg": -7,
            "sig": (self.signing_key or self.key).sign(message, ec.ECDSA(hashes.SHA256())),
            "x5c": [certificate.public_bytes(Encoding.DER) for certificate in self.chain()],
        }

    def statement(self) -> dict[str, Any]:
        """Return the metadata statement of the model (FIDO Metadata Statements 3.1)."""
        pinned = self.chain()[0] if self.pins_leaf else self.root.certificate
        return {
            "aaguid": str(self.aaguid),
            "description": "Test model",
            "authenticatorVersion": 1,
            "protocolFamily": "fido2",
            "schema": 3,
            "upv": [{"major": 1, "minor": 0}],
            "authenticationAlgorithms": ["secp256r1_ecdsa_sha256_raw"],
            "publicKeyAlgAndEncodings": ["cose"],
            "attestationTypes": ["basic_full"],
            "userVerificationDetails": [
                [{"userVerificationMethod": method} for method in row] for row in self.verification
            ],
            "keyProtection": self.protection,
            "matcherProtection": ["on_chip"],
            "attachmentHint": ["internal"],
            "tcDisplay": [],
            "attestationRootCertificates": [base64.b64encode(pinned.public_bytes(Encoding.DER)).decode()],
            "authenticatorGetInfo": {"versions": ["FIDO_2_1"], "options": self.options},
        }

    def entry(self) -> dict[str, Any]:
        """Return its entry in the metadata blob (FIDO Metadata Service 3.1)."""
        return {
            "aaguid": str(self.aaguid),
            "metadataStatement": self.statement(),
            "statusReports": self.statuses,
            "timeOfLastStatusChange": "2025-01-01",
        }


@dataclass(slots=True)
class MetadataService:
    """Publishes signed blobs as the FIDO Alliance does; `host` is whose certificate it signs with."""

    root: Authority = field(default_factory=Authority)
    host: str = "mds.fidoalliance.org"
    key: PrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    until: datetime = FAR_AHEAD

    def publish(self, entries: list[dict[str, Any]], *, next_update: date, algorithm: str = "ES256") -> bytes:
        """Return the blob: a JWT with the signer's certificates in its header."""
        leaf = self.root.issue(
            {NameOID.COMMON_NAME: self.host},
            key=self.key,
            extensions=[x509.SubjectAlternativeName([x509.DNSName(self.host)])],
            until=self.until,
        )
        x5c = [base64.b64encode(leaf.public_bytes(Encoding.DER)).decode()]
        payload = {"legalHeader": "-", "no": 7, "nextUpdate": next_update.isoformat(), "entries": entries}
        message = b".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
            for part in ({"alg": algorithm, "typ": "JWT", "x5c": x5c}, payload)
        )
        return message + b"." + base64.urlsafe_b64encode(self._sign(message)).rstrip(b"=")

    def _sign(self, message: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        numbers = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
        return b"".join(number.to_bytes(32, "big") for number in numbers)


def in_a_month(now: datetime) -> date:
    """Return a date that is a usual nextUpdate."""
    return (now + timedelta(days=30)).date()
