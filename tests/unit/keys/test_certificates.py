"""Certificates: names as RFC 4514 writes them, paths to authorities, and what one's own machine makes for itself."""

from __future__ import annotations

import warnings
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from keys.certificates import (
    Authorities,
    CertificateRefused,
    certificate_thumbprint,
    check_name,
    read_certificate,
)
from keys.certificates.development import DevelopmentAuthority, make_self_signed, read_pair
from keys.certificates.names import read_subject
from tests.support.tls.certificates import CLIENT_AUTH, Issuer, issue

NOW = datetime.now(UTC)
SELF_SIGNED = make_self_signed(name="x", now=NOW).certificate_der
LONGEST_NAME = 64  # in UTF-8; the library warns of longer ones (RFC 5280 appendix A.1)
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30).filter(
    lambda text: len(text.encode()) <= LONGEST_NAME
)


@given(common_name=TEXT, organization=TEXT)
def test_a_name_is_found_again_whatever_letters_it_has(common_name: str, organization: str) -> None:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    assert read_subject(name.rfc4514_string()) == name


@pytest.mark.parametrize(
    ("text", "oid"),
    [
        ("emailAddress=a@b.example,CN=x", "1.2.840.113549.1.9.1"),
        ("serialNumber=7,CN=x", "2.5.4.5"),
        ("2.5.4.97=VN-1,CN=x", "2.5.4.97"),
        ("organizationIdentifier=VN-1,CN=x", "2.5.4.97"),
    ],
)
def test_attributes_may_be_named_as_certificates_in_use_name_them(text: str, oid: str) -> None:
    assert list(read_subject(text))[-1].oid.dotted_string == oid


@pytest.mark.parametrize(
    "text", ["", "x", "CN", "CN=a,", ",CN=a", "nobody=a", "CN=a;O=b", "CN=a, O=b", 'CN="a"', "/CN=a"]
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(CertificateRefused):
        read_subject(text)


@pytest.mark.spec("MT-03")
def test_an_authority_in_between_counts_where_the_operator_has_named_it() -> None:
    root = Issuer.alone()
    between = root.authority()
    client = between.client()
    Authorities.read(root.certificate_pem + between.certificate_pem).check(client.certificate, now=NOW)
    for pem in (root.certificate_pem, Issuer.alone().certificate_pem + between.certificate_pem):
        with pytest.raises(CertificateRefused):
            Authorities.read(pem).check(client.certificate, now=NOW)


@pytest.mark.spec("MT-03")
def test_authorities_without_an_anchor_are_none() -> None:
    root = Issuer.alone()
    for pem in (b"", b"x", root.authority().certificate_pem, root.key_pem):
        with pytest.raises(CertificateRefused):
            Authorities.read(pem)
    with pytest.raises(CertificateRefused, match="cannot be read"):
        Authorities.load("/nowhere/authorities.pem")
    for nobody in (Authorities.nobody(), Authorities.load("")):
        with pytest.raises(CertificateRefused):
            nobody.check(root.client().certificate, now=NOW)


@pytest.mark.spec("MT-03")
def test_an_authority_that_may_not_sign_certificates_has_signed_none() -> None:
    root = Issuer.alone()
    subject = root.certificate.subject
    no_authority = issue(subject=subject, by=None, usage=CLIENT_AUTH)
    of_lists = issue(subject=subject, by=None, authority=frozenset({"crl_sign"}))
    for paper in (no_authority, of_lists):
        impostor = Issuer(paper.certificate, paper.key)
        with pytest.raises(CertificateRefused):
            Authorities.read(impostor.certificate_pem).check(impostor.client().certificate, now=NOW)
    Authorities.read(root.certificate_pem).check(root.client().certificate, now=NOW)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_certificate_are_refused_in_one_way(noise: bytes) -> None:
    good = make_self_signed(name="x", now=NOW).certificate_der
    for unverified in (noise, good + noise[:1], good[: len(noise)], noise + good):
        if unverified != good:
            with pytest.raises(CertificateRefused):
                read_certificate(unverified)


@given(place=st.integers(0), value=st.integers(0, 255))
def test_a_certificate_with_one_wrong_byte_is_refused_in_one_way_or_can_be_read_to_the_end(
    place: int, value: int
) -> None:
    worn = bytearray(SELF_SIGNED)
    worn[place % len(worn)] = value
    with suppress(CertificateRefused), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's, of serial numbers and of names that are too long
        found = read_certificate(bytes(worn))
        assert found.not_valid_before_utc is not None
        assert list(found.subject) is not None


def test_a_certificate_far_too_long_is_not_even_read() -> None:
    with pytest.raises(CertificateRefused):
        read_certificate(bytes(20_000))


def test_ones_own_machine_believes_its_own_authority_and_no_other() -> None:
    ours, theirs = (DevelopmentAuthority.make(name="development", now=NOW) for _ in range(2))
    client, server = ours.issue_client(name="a", now=NOW), ours.issue_server(hosts=["localhost", "::1"], now=NOW)
    believed = Authorities.read(ours.pair.certificate_pem)
    believed.check(client.certificate, now=NOW)
    check_name(client.certificate, kind="tls_client_auth_subject_dn", expected="CN=a")
    for paper, now in (
        (server, NOW),
        (client, NOW + timedelta(days=366)),
        (theirs.issue_client(name="a", now=NOW), NOW),
        (make_self_signed(name="a", now=NOW), NOW),
    ):
        with pytest.raises(CertificateRefused):
            believed.check(paper.certificate, now=now)


def test_a_pair_that_does_not_belong_together_is_not_read() -> None:
    one, other = (make_self_signed(name="x", now=NOW) for _ in range(2))
    assert read_pair(certificate_pem=one.certificate_pem, key_pem=one.key_pem).certificate == one.certificate
    with pytest.raises(ValueError, match="belong together"):
        read_pair(certificate_pem=one.certificate_pem, key_pem=other.key_pem)


def test_a_thumbprint_is_the_one_of_the_standards_example() -> None:
    assert certificate_thumbprint(b"abc") == "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"  # FIPS 180-2 appendix B.1
