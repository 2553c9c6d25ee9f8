"""none: a public client names itself and proves nothing; its profile decides what it may have.

Anybody may use its name, so its requests are counted by the network that they come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.errors import InvalidClient
from idp.limits import prefix_of
from idp.protocol.client_auth.proof import CLIENT_ID, METHODS_SHARED_TEXT, Credentials, Proof

if TYPE_CHECKING:
    from idp.protocol.provider import Provider


def verify(credentials: Credentials, provider: Provider) -> Proof:
    """Find the public client that is named.

    Raises:
        InvalidClient: there is none.

    Source: RFC 6749 section 3.2.1.
    """
    unverified_id = credentials.client_id or ""
    client = provider.directory.find(unverified_id) if CLIENT_ID.fullmatch(unverified_id) else None
    if client is None:
        raise InvalidClient(METHODS_SHARED_TEXT, detail="no authentication, or unknown relying party")
    return Proof(client=client, share=prefix_of(credentials.address))
