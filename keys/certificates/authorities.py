"""Authorities whose client certificates are believed, and the path from a certificate to one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from cryptography import x509
from cryptography.x509.verification import Criticality, ExtensionPolicy, Policy, PolicyBuilder, Store, VerificationError

from keys.certificates.reading import CertificateRefused

if TYPE_CHECKING:
    from datetime import datetime

LONGEST_PATH: Final = 4


def _may_sign(_policy: Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    """Let an authority that restricts its key sign certificates only if it says so (RFC 5280 section 4.2.1.3)."""
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("an authority that may not sign certificates")


def _policies() -> tuple[ExtensionPolicy, ExtensionPolicy]:
    """Return the rules for authorities and for clients: those of the web, but a client need not name a host."""
    authority = ExtensionPolicy.webpki_defaults_ca().may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_sign)
    client = ExtensionPolicy.webpki_defaults_ee().may_be_present(
        x509.SubjectAlternativeName, Criticality.AGNOSTIC, None
    )
    return authority, client


@dataclass(frozen=True, slots=True)
class Authorities:
    """Anchors that end a path, and authorities between, both from one file that the operator keeps."""

    anchors: Store | None = field(repr=False)
    between: tuple[x509.Certificate, ...] = field(repr=False)

    @classmethod
    def read(cls, pem: bytes) -> Self:
        """Read certificates in PEM: those that signed themselves are anchors, the others stand between.

        Raises:
            CertificateRefused: none of them is an anchor, or one cannot be read.
        """
        try:
            found = x509.load_pem_x509_certificates(pem)
            anchors = [one for one in found if one.subject == one.issuer]
            store = Store(anchors)
        except ValueError as error:
            raise CertificateRefused("a file of authorities without a certificate that signed itself") from error
        return cls(store, tuple(one for one in found if one.subject != one.issuer))

    @classmethod
    def load(cls, file: str) -> Self:
        """Read a file; an empty name stands for nobody.

        Raises:
            CertificateRefused: it cannot be read, or holds no anchor.
        """
        try:
            return cls.read(Path(file).read_bytes()) if file else cls.nobody()
        except OSError as error:
            raise CertificateRefused(f"{file}, a file of authorities, cannot be read: {error.strerror}") from error

    @classmethod
    def nobody(cls) -> Self:
        """Return authorities under which no certificate is good."""
        return cls(None, ())

    def check(self, certificate: x509.Certificate, *, now: datetime) -> None:
        """Check that a path of good signatures leads from a client's certificate to an anchor.

        Every certificate on it is valid now, every issuer is an authority for as many below it, names and key usages
        are kept, keys and signatures are strong; where the certificate says what for, it says: for TLS clients.

        Raises:
            CertificateRefused: there is no such path.

        Source: RFC 5280 section 6, RFC 8705 section 2.1.
        """
        if self.anchors is None:
            raise CertificateRefused("no authority is configured")
        authority, client = _policies()
        builder = PolicyBuilder().store(self.anchors).time(now).max_chain_depth(LONGEST_PATH)
        verifier = builder.extension_policies(ca_policy=authority, ee_policy=client).build_client_verifier()
        try:
            verifier.verify(certificate, list(self.between))
        except VerificationError as error:
            raise CertificateRefused(f"no path to an authority: {error}") from error
