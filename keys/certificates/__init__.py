"""Client certificates: one is read, named, compared with what is registered, and judged by its authorities.

reading        bytes of a certificate that a stranger sent        read_certificate, certificate_thumbprint
names          whom it names, and whether that is who we expect   check_expected, check_name
authorities    whether those whom we believe have issued it       Authorities
"""

from __future__ import annotations

from keys.certificates.authorities import Authorities
from keys.certificates.names import NAME_KINDS, check_expected, check_name
from keys.certificates.reading import CertificateRefused, certificate_thumbprint, read_certificate

__all__ = [
    "NAME_KINDS",
    "Authorities",
    "CertificateRefused",
    "certificate_thumbprint",
    "check_expected",
    "check_name",
    "read_certificate",
]
