"""client_secret_post: an identifier and a high-entropy secret in the form."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from idp.errors import InvalidClient
from idp.protocol.client_auth.proof import CLIENT_ID, METHODS_SHARED_TEXT, Credentials, Proof

if TYPE_CHECKING:
    from idp.protocol.provider import Provider

LONGEST_SECRET = 1024


def verify(credentials: Credentials, provider: Provider) -> Proof:
    """Verify the identifier and the secret of a form.

    Raises:
        InvalidClient: they do not fit; one answer for every reason.

    Source: RFC 6749 section 2.3.1, OpenID Connect Core section 9.
    """
    return by_secret(
        unverified_id=credentials.client_id or "", unverified_secret=credentials.secret or "", provider=provider
    )


def by_secret(*, unverified_id: str, unverified_secret: str, provider: Provider) -> Proof:
    """Verify an identifier and a secret, wherever they stood; secrets are compared in constant time.

    Raises:
        InvalidClient: they do not fit, or there is no secret; one answer for every reason.
    """
    if not CLIENT_ID.fullmatch(unverified_id) or len(unverified_secret) > LONGEST_SECRET:
        raise InvalidClient(METHODS_SHARED_TEXT, detail="no client_id, or a secret too long")
    client = provider.directory.find(unverified_id)
    if client is None:
        raise InvalidClient(METHODS_SHARED_TEXT, detail="unknown relying party")
    given = hashlib.sha256(unverified_secret.encode()).digest()
    if not hmac.compare_digest(given, client.secret_hash or b""):
        reason = "wrong secret" if client.secret_hash else f"registered for {client.authentication_method}"
        raise InvalidClient(METHODS_SHARED_TEXT, detail=reason)
    return Proof(client=client)
