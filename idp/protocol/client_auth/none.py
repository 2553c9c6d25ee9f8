"""none: a public client names itself and proves nothing; its profile decides what it may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.errors import InvalidClient
from idp.protocol.client_auth.proof import METHODS_SHARED_TEXT, Credentials, Proof

if TYPE_CHECKING:
    from idp.protocol.provider import Provider


def verify(credentials: Credentials, provider: Provider) -> Proof:
    """Find the public client that is named.

    Raises:
        InvalidClient: there is none.

    Source: RFC 6749 section 3.2.1.
    """
    client = provider.directory.find(credentials.client_id) if credentials.client_id else None
    if client is None:
        raise InvalidClient(METHODS_SHARED_TEXT, detail="no authentication, or unknown relying party")
    return Proof(client=client)
