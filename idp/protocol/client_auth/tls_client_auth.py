"""tls_client_auth: a certificate from an authority that we believe, naming exactly what is registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.errors import InvalidClient
from idp.protocol.client_auth import none
from idp.protocol.client_auth.proof import METHODS_SHARED_TEXT, Credentials, Proof
from keys.certificates import CertificateRefused, check_name, read_certificate

if TYPE_CHECKING:
    from idp.protocol.provider import Provider


def verify(credentials: Credentials, provider: Provider) -> Proof:
    """Verify a certificate; that its key is the sender's, the handshake has proved.

    1. client_id names a relying party that has registered a name; 2. a path leads from the certificate to an authority
    that is configured; 3. the certificate, and no other of its path, bears that name.

    Raises:
        InvalidClient: one of these does not hold; which, is in the log.

    Source: RFC 8705 section 2.1.
    """
    client = none.verify(credentials, provider).client  # 1
    if client.tls is None or credentials.certificate is None:
        raise InvalidClient(METHODS_SHARED_TEXT, detail="no certificate, or no registered name")
    try:
        certificate = read_certificate(credentials.certificate)
        provider.client_authorities.check(certificate, now=credentials.at)  # 2
        check_name(certificate, kind=client.tls.kind, expected=client.tls.value)  # 3
    except CertificateRefused as error:
        raise InvalidClient(METHODS_SHARED_TEXT, detail=str(error)) from error
    return Proof(client)
