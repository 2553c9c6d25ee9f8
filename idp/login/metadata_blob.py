"""Reading the signed blob of the FIDO Metadata Service, offline."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from idp.login.certificate_chain import check_chain
from idp.login.client_data import decode_base64url
from idp.login.passkey_refusal import CheckFailed

if TYPE_CHECKING:
    from datetime import datetime

BLOB_LIMIT: Final = 64 * 1024 * 1024  # bytes; the published file has about 10 million
FIDO_NAME: Final = "mds.fidoalliance.org"

# The root that FIDO Metadata Service 3.1 section 3.2 names: GlobalSign Root CA - R3, until 2029-03-18, SHA-256
# cbb522d7b7f127ad6a0113865bdf1cd4102e7d0759af635a7cf4720dc963c53b.
FIDO_ROOT_PEM: Final = b"""\
-----BEGIN CERTIFICATE-----
MIIDXzCCAkegAwIBAgILBAAAAAABIVhTCKIwDQYJKoZIhvcNAQELBQAwTDEgMB4G
A1UECxMXR2xvYmFsU2lnbiBSb290IENBIC0gUjMxEzARBgNVBAoTCkdsb2JhbFNp
Z24xEzARBgNVBAMTCkdsb2JhbFNpZ24wHhcNMDkwMzE4MTAwMDAwWhcNMjkwMzE4
MTAwMDAwWjBMMSAwHgYDVQQLExdHbG9iYWxTaWduIFJvb3QgQ0EgLSBSMzETMBEG
A1UEChMKR2xvYmFsU2lnbjETMBEGA1UEAxMKR2xvYmFsU2lnbjCCASIwDQYJKoZI
hvcNAQEBBQADggEPADCCAQoCggEBAMwldpB5BngiFvXAg7aEyiie/QV2EcWtiHL8
RgJDx7KKnQRfJMsuS+FggkbhUqsMgUdwbN1k0ev1LKMPgj0MK66X17YUhhB5uzsT
gHeMCOFJ0mpiLx9e+pZo34knlTifBtc+ycsmWQ1z3rDI6SYOgxXG71uL0gRgykmm
KPZpO/bLyCiR5Z2KYVc3rHQU3HTgOu5yLy6c+9C7v/U9AOEGM+iCK65TpjoWc4zd
QQ4gOsC0p6Hpsk+QLjJg6VfLuQSSaGjlOCZgdbKfd/+RFO+uIEn8rUAVSNECMWEZ
XriX7613t2Saer9fwRPvm2L7DWzgVGkWqQPabumDk3F2xmmFghcCAwEAAaNCMEAw
DgYDVR0PAQH/BAQDAgEGMA8GA1UdEwEB/wQFMAMBAf8wHQYDVR0OBBYEFI/wS3+o
LkUkrk1Q+mOai97i3Ru8MA0GCSqGSIb3DQEBCwUAA4IBAQBLQNvAUKr+yAzv95ZU
RUm7lgAJQayzE4aGKAczymvmdLm6AC2upArT9fHxD4q/c2dKg8dEe3jgr25sbwMp
jjM5RcOO5LlXbKr8EpbsU8Yt5CRsuZRj+9xTaGdWPoO4zzUhw8lo/s7awlOqzJCK
6fBdRoyV3XpYKBovHd7NADdBj+1EbddTKJd+82cEHhXXipa0095MJ6RMG3NzdvQX
mcIfeg7jLQitChws/zyrVQ4PkX4268NXSb7hLi18YIvDQVETI53O9zJrlAGomecs
Mx86OyXShkDOOyyGeMlhLxS67ttVb9+E7gUJTb0o2HLO02JQZR7rkpeDMdmztcpH
WD9f
-----END CERTIFICATE-----
"""

_HALF: Final = 32  # an ES256 signature is two numbers of 32 bytes, RFC 7518 section 3.4


def read_blob(blob: bytes, *, trusted_root_pem: bytes, now: datetime) -> dict[str, Any]:
    """Return the payload of a metadata blob, a signed JWT whose header carries the signer's certificates.

    1. size and form, 2. the chain ends at the root and is valid now, 3. the leaf belongs to the FIDO Alliance (the root
    signs web sites too, so a chain alone would let any of them sign), 4. the signature.

    Raises:
        CheckFailed: with the step that failed.
    Source: FIDO Metadata Service 3.1 section 3.2.
    """
    parts = blob.strip().split(b".")
    if len(blob) > BLOB_LIMIT or len(parts) != 3:  # noqa: PLR2004  header, payload, signature    # 1
        raise CheckFailed("no signed metadata blob")
    raw_header, raw_payload, raw_signature = (
        decode_base64url(part.decode("ascii"), name="a part of the blob") for part in parts
    )
    header = orjson.loads(raw_header)
    chain = [x509.load_der_x509_certificate(base64.b64decode(item)) for item in header["x5c"]]
    check_chain(chain, expected_anchors=[x509.load_pem_x509_certificate(trusted_root_pem)], now=now)  # 2
    names = chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if FIDO_NAME not in names.get_values_for_type(x509.DNSName):  # 3
        raise CheckFailed(f"the blob is not signed by {FIDO_NAME}")
    _check_signature(chain[0], header["alg"], raw_signature, parts[0] + b"." + parts[1])  # 4
    payload: dict[str, Any] = orjson.loads(raw_payload)
    return payload


def _check_signature(signer: x509.Certificate, algorithm: object, signature: bytes, message: bytes) -> None:
    key = signer.public_key()
    try:
        if algorithm == "RS256" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        elif algorithm == "ES256" and isinstance(key, ec.EllipticCurvePublicKey):
            numbers = (int.from_bytes(half, "big") for half in (signature[:_HALF], signature[_HALF:]))
            key.verify(encode_dss_signature(*numbers), message, ec.ECDSA(hashes.SHA256()))
        else:
            raise CheckFailed(f"a blob signed with {algorithm!r}")
    except InvalidSignature as failed:
        raise CheckFailed("the signature of the blob does not fit") from failed
