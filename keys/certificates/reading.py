"""A certificate as bytes: read once, strictly, and named by its thumbprint."""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography import x509

from keys.compact import encode
from keys.errors import KeysError

LONGEST_CERTIFICATE: Final = 16 * 1024
PARTS: Final = ("subject", "not_valid_before_utc", "not_valid_after_utc", "extensions")
"""What the library reads only when it is asked for: looked at now, so that nothing malformed raises later."""

MALFORMED: Final = (
    ValueError,
    TypeError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


class CertificateRefused(KeysError):
    """A certificate is malformed, not the expected one, or issued by nobody we believe; the text is for the log."""


def certificate_thumbprint(certificate: bytes) -> str:
    """Return `x5t#S256` of a certificate in DER: SHA-256 in base64url, 43 characters (RFC 8705 section 3.1)."""
    return encode(hashlib.sha256(certificate).digest()).decode()


def read_certificate(unverified: bytes) -> x509.Certificate:
    """Read one X.509 certificate of version 3 in DER, with nothing behind it.

    Raises:
        CertificateRefused: it is none, too long, or cannot be read to the end.

    Source: RFC 5280 section 4.1.
    """
    if len(unverified) > LONGEST_CERTIFICATE:
        raise CertificateRefused("a certificate longer than any honest one")
    try:
        certificate = x509.load_der_x509_certificate(unverified)
        for part in PARTS:
            getattr(certificate, part)
    except MALFORMED as error:
        raise CertificateRefused("bytes that are no certificate") from error
    if certificate.version != x509.Version.v3:
        raise CertificateRefused("a certificate of an old version")
    return certificate
