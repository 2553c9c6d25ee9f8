"""self_signed_tls_client_auth: the very certificate that is registered in the key set, whoever has issued it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.errors import InvalidClient
from idp.protocol.client_auth import none
from idp.protocol.client_auth.proof import METHODS_SHARED_TEXT, Credentials, Proof
from keys.certificates import certificate_thumbprint, read_certificate

if TYPE_CHECKING:
    from idp.protocol.provider import Provider


def verify(credentials: Credentials, provider: Provider) -> Proof:
    """Verify a certificate; that its key is the sender's, the handshake has proved.

    1. client_id names a relying party; 2. its key set holds this certificate; 3. which is valid at this time.

    Raises:
        InvalidClient: one of these does not hold; which, is in the log.

    Source: RFC 8705 section 2.2; no authority is asked.
    """
    client = none.verify(credentials, provider).client  # 1
    if credentials.certificate is None:
        raise InvalidClient(METHODS_SHARED_TEXT, detail="no certificate")
    thumbprint = certificate_thumbprint(credentials.certificate)
    if thumbprint not in client.certificates:  # 2
        renewed = provider.directory.renewed(client)  # a published key set may have changed
        if renewed is None or thumbprint not in renewed.certificates:
            raise InvalidClient(METHODS_SHARED_TEXT, detail="a certificate that is not registered")
    certificate = read_certificate(credentials.certificate)  # as the front has read it already
    if not certificate.not_valid_before_utc <= credentials.at <= certificate.not_valid_after_utc:  # 3
        raise InvalidClient(METHODS_SHARED_TEXT, detail="a certificate that is not valid now")
    return Proof(client)
