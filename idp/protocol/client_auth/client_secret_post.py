"""client_secret_post: an identifier and a high-entropy secret in the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.errors import InvalidClient
from idp.protocol.client_auth.proof import CLIENT_ID, METHODS_SHARED_TEXT, Credentials, Proof

if TYPE_CHECKING:
    from idp.protocol.provider import Provider

LONGEST_SECRET = 1024


def verify(credentials: Credentials, provider: Provider) -> Proof:
    """Verify an identifier and a secret.

    Raises:
        InvalidClient: they do not fit; one answer for every reason.

    Source: RFC 6749 section 2.3.1, OpenID Connect Core section 9.
    """
    unverified_id, unverified_secret = credentials.client_id or "", credentials.secret or ""
    if not CLIENT_ID.fullmatch(unverified_id) or len(unverified_secret) > LONGEST_SECRET:
        raise InvalidClient(METHODS_SHARED_TEXT, detail="no client_id, or a secret too long")
    client = provider.directory.find(unverified_id)
    if client is None:
        raise InvalidClient(METHODS_SHARED_TEXT, detail="unknown relying party")
    try:
        client.check_secret(unverified_secret)
    except InvalidClient as error:
        raise InvalidClient(METHODS_SHARED_TEXT, detail=error.detail) from error
    return Proof(client=client)
