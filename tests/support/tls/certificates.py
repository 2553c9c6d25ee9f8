"""Whoever issues certificates, honestly or not, and what they issue."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from idp import clock
from keys.certificates.development import Pair

if TYPE_CHECKING:
    from collections.abc import Sequence


CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH
AUTHORITY = frozenset({"key_cert_sign", "crl_sign"})


def a_name(common_name: str, *, organization: str | None = "Cơ quan thử nghiệm") -> x509.Name:
    """Return `O=..., CN=...`, the most special attribute last as in a certificate."""
    attributes = [x509.NameAttribute(NameOID.COUNTRY_NAME, "VN")]
    if organization is not None:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


@dataclass(frozen=True)
class Paper(Pair):
    """A certificate and its key, and what is made of them."""

    @property
    def x5t(self) -> str:
        """The thumbprint by which tokens are bound (RFC 8705 section 3.1)."""
        digest = self.certificate.fingerprint(hashes.SHA256())
        return jwt.utils.base64url_encode(digest).decode()

    @property
    def jwk(self) -> dict[str, Any]:
        """The key with the certificate, for a key set (RFC 7517 section 4.7)."""
        public = self.key.public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        return {
            **jwt.algorithms.ECAlgorithm.to_jwk(public, as_dict=True),
            "alg": "ES256",
            "use": "sig",
            "x5c": [b64encode(self.certificate_der).decode()],
        }

    @property
    def as_client_cert(self) -> dict[str, str]:
        """The header of RFC 9440."""
        return {"Client-Cert": f":{b64encode(self.certificate_der).decode()}:"}

    @property
    def as_escaped_pem(self) -> dict[str, str]:
        """The header that nginx makes."""
        return {"X-SSL-Client-Cert": quote(self.certificate_pem.decode(), safe="")}


@dataclass(frozen=True)
class Issuer(Paper):
    """Somebody who issues certificates."""

    @classmethod
    def alone(cls, name: str = "Test authority") -> Self:
        """Make one that signed itself."""
        paper = issue(subject=a_name(name), by=None, authority=AUTHORITY)
        return cls(paper.certificate, paper.key)

    def authority(self, name: str = "Test authority in between") -> Self:
        """Make another one under it."""
        paper = issue(subject=a_name(name), by=self, authority=AUTHORITY)
        return type(self)(paper.certificate, paper.key)

    def client(self, name: str = "portal.example", **unusual: Any) -> Paper:
        """Issue a client's certificate, by default an honest one."""
        return issue(**{"subject": a_name(name), "by": self, "usage": CLIENT_AUTH, **unusual})


def issue(
    *,
    subject: x509.Name,
    by: Paper | None,
    authority: frozenset[str] | None = None,
    usage: x509.ObjectIdentifier | None = None,
    names: Sequence[x509.GeneralName] = (),
    days: tuple[float, float] = (-1, 30),
) -> Paper:
    """Issue whatever is asked for; `by` None: it signs itself.

    `authority` is what the key of one may be used for, `days` is from when to when it is valid.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    signer, issuer = (key, subject) if by is None else (by.key, by.certificate.subject)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.now() + timedelta(days=days[0]))
        .not_valid_after(clock.now() + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=authority is not None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(identifier, critical=False)
    )
    if authority is not None:
        signs = {name: name in authority for name in USAGES}
        builder = builder.add_extension(x509.KeyUsage(**signs), critical=True)
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return Paper(builder.sign(signer, hashes.SHA256()), key)


USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
