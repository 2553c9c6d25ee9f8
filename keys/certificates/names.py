"""Whom a certificate names: its subject, or one of its alternative names, compared with exactly one expected value."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from keys.certificates.reading import CertificateRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MORE_NAMES: Final = MappingProxyType(
    {
        "emailAddress": NameOID.EMAIL_ADDRESS,
        "serialNumber": NameOID.SERIAL_NUMBER,
        "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
        "SN": NameOID.SURNAME,
        "GN": NameOID.GIVEN_NAME,
    }
)
"""Names of attributes that certificates in use carry, beside the nine of RFC 4514 section 3."""


def read_subject(text: str) -> x509.Name:
    """Read a distinguished name as RFC 4514 writes it: most special attribute first, `CN=a,O=b,C=VN`.

    Raises:
        CertificateRefused: it is empty or cannot be read.
    """
    try:
        name = x509.Name.from_rfc4514_string(text, dict(MORE_NAMES))
    except (ValueError, TypeError) as error:
        raise CertificateRefused("a distinguished name that RFC 4514 does not know") from error
    if not list(name):
        raise CertificateRefused("an empty distinguished name")
    return name


def _has_subject(certificate: x509.Certificate, expected: str) -> bool:
    """Compare attribute by attribute in order, letter by letter; how a text is encoded does not count."""
    return [_attributes(rdn) for rdn in certificate.subject.rdns] == [
        _attributes(rdn) for rdn in read_subject(expected).rdns
    ]


def _attributes(rdn: x509.RelativeDistinguishedName) -> frozenset[tuple[str, str | bytes]]:
    return frozenset((attribute.oid.dotted_string, attribute.value) for attribute in rdn)


def _has_dns(certificate: x509.Certificate, expected: str) -> bool:
    """Hosts are compared without regard to case, and an asterisk is a letter like any other."""
    found = _alternative(certificate).get_values_for_type(x509.DNSName)
    return expected.lower() in {name.lower() for name in found}


def _has_uri(certificate: x509.Certificate, expected: str) -> bool:
    return expected in _alternative(certificate).get_values_for_type(x509.UniformResourceIdentifier)


def _has_email(certificate: x509.Certificate, expected: str) -> bool:
    return expected in _alternative(certificate).get_values_for_type(x509.RFC822Name)


def _has_ip(certificate: x509.Certificate, expected: str) -> bool:
    """Compare addresses as numbers, so that every way to write an IPv6 address is the same one."""
    return _read_ip(expected) in _alternative(certificate).get_values_for_type(x509.IPAddress)


def _read_ip(text: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(text)
    except ValueError as error:
        raise CertificateRefused("no IP address") from error


def _alternative(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound as error:
        raise CertificateRefused("a certificate without alternative names") from error


NAME_KINDS: Mapping[str, Callable[[x509.Certificate, str], bool]] = MappingProxyType(
    {
        "tls_client_auth_subject_dn": _has_subject,
        "tls_client_auth_san_dns": _has_dns,
        "tls_client_auth_san_uri": _has_uri,
        "tls_client_auth_san_ip": _has_ip,
        "tls_client_auth_san_email": _has_email,
    }
)
"""The members of RFC 8705 section 2.1.2, and how the value of each is looked for in a certificate."""


READ_FIRST: Final = MappingProxyType({"tls_client_auth_subject_dn": read_subject, "tls_client_auth_san_ip": _read_ip})
"""Those whose value has a form of its own."""


def check_expected(*, kind: str, expected: str) -> None:
    """Check that a certificate could bear this name: whoever registers by another one would never get in.

    Raises:
        CertificateRefused: none can.

    Source: RFC 8705 section 2.1.2.
    """
    if not expected:
        raise CertificateRefused("an empty name")
    if kind in READ_FIRST:
        READ_FIRST[kind](expected)


def check_name(certificate: x509.Certificate, *, kind: str, expected: str) -> None:
    """Check that this certificate, and no other of its chain, names whom we expect.

    Args:
        certificate: the one whose key the sender holds.
        kind: one of NAME_KINDS.
        expected: the registered value.

    Raises:
        CertificateRefused: it names somebody else, or nobody in this way.

    Source: RFC 8705 section 2.1.
    """
    if not NAME_KINDS[kind](certificate, expected):
        raise CertificateRefused(f"{kind} differs from what is registered")
