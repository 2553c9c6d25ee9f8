"""Certificates for one's own machine: an authority, a server under it, and clients; never for service."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence

AUTHORITY_DAYS: Final = 3650
LEAF_DAYS: Final = 365
"""Browsers refuse a server's certificate that lives longer than 398 days."""

RSA_BITS: Final = 2048

_HOUR: Final = timedelta(hours=1)


PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key: RSA for a server, P-256 for everybody else."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate in PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def certificate_der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        """The private key in PEM (PKCS #8), not encrypted."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


@dataclass(frozen=True, slots=True)
class DevelopmentAuthority:
    """An authority of our own, which nobody else has a reason to believe."""

    pair: Pair

    @classmethod
    def make(cls, *, name: str, now: datetime) -> Self:
        """Make an authority that may issue certificates to servers and clients, and to no further authority."""
        key, subject = ec.generate_private_key(ec.SECP256R1()), _name(name)
        builder = _begun(subject=subject, issuer=subject, key=key, now=now, days=AUTHORITY_DAYS)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
        return cls(Pair(builder.sign(key, hashes.SHA256()), key))

    @classmethod
    def read(cls, *, certificate_pem: bytes, key_pem: bytes) -> Self:
        """Read back what `make` made.

        Raises:
            ValueError: it cannot be read.
        """
        return cls(read_pair(certificate_pem=certificate_pem, key_pem=key_pem))

    def issue_server(self, *, hosts: Sequence[str], now: datetime) -> Pair:
        """Issue a certificate for a server under these names and addresses.

        Its key is RSA: with TLS 1.2, FAPI 1.0 Part 2 section 8.5 knows no other, nor does what tests CIBA by it.
        """
        key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        names = _general(hosts)
        return self._issue(_name(hosts[0]), ExtendedKeyUsageOID.SERVER_AUTH, key=key, now=now, alternatives=names)

    def issue_client(self, *, name: str, now: datetime) -> Pair:
        """Issue a certificate for a TLS client whose subject is `CN=name`."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self._issue(_name(name), ExtendedKeyUsageOID.CLIENT_AUTH, key=key, now=now, alternatives=[])

    def _issue(
        self,
        subject: x509.Name,
        usage: x509.ObjectIdentifier,
        *,
        key: PrivateKey,
        now: datetime,
        alternatives: Sequence[x509.GeneralName],
    ) -> Pair:
        ours = self.pair.certificate
        builder = _begun(subject=subject, issuer=ours.subject, key=key, now=now, days=LEAF_DAYS)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        identifier = ours.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        by = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
        builder = builder.add_extension(by, critical=False)
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        return Pair(builder.sign(self.pair.key, hashes.SHA256()), key)


def make_self_signed(*, name: str, now: datetime) -> Pair:
    """Make a certificate for a TLS client that nobody but its own key vouches for (RFC 8705 section 2.2)."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), _name(name)
    builder = _begun(subject=subject, issuer=subject, key=key, now=now, days=LEAF_DAYS)
    return Pair(builder.sign(key, hashes.SHA256()), key)


def read_pair(*, certificate_pem: bytes, key_pem: bytes) -> Pair:
    """Read a certificate and its key.

    Raises:
        ValueError: they cannot be read, or do not belong together.
    """
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    key = serialization.load_pem_private_key(key_pem, password=None)
    if not isinstance(key, PrivateKey) or key.public_key() != certificate.public_key():
        raise ValueError("a certificate and a key that do not belong together")
    return Pair(certificate, key)


def _begun(
    *, subject: x509.Name, issuer: x509.Name, key: PrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    """Begin a certificate; it is good from an hour ago, for clocks that are late."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _HOUR)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(hosts: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for host in hosts:
        try:
            found.append(x509.IPAddress(ip_address(host)))
        except ValueError:
            found.append(x509.DNSName(host))
    return found


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
