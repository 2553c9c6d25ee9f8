"""client_secret_basic: an identifier and a high-entropy secret in the Authorization header."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from idp.errors import InvalidClient
from idp.protocol.client_auth.client_secret_post import by_secret
from idp.protocol.client_auth.proof import METHODS_SHARED_TEXT, Credentials, Proof

if TYPE_CHECKING:
    from idp.protocol.provider import Provider

LONGEST_HEADER = 1024


def verify(credentials: Credentials, provider: Provider) -> Proof:
    """Verify an identifier and a secret.

    Raises:
        InvalidClient: they do not fit; one answer for every reason.

    Source: RFC 6749 section 2.3.1.
    """
    scheme, _, encoded = (credentials.authorization or "").partition(" ")
    if scheme.lower() != "basic" or len(encoded) > LONGEST_HEADER:
        raise InvalidClient(METHODS_SHARED_TEXT, detail="not Basic, or too long")
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (ValueError, binascii.Error) as error:
        raise InvalidClient(METHODS_SHARED_TEXT, detail="malformed Authorization") from error
    unverified_id = unquote_plus(client_id)
    if credentials.client_id not in {None, unverified_id}:
        raise InvalidClient(METHODS_SHARED_TEXT, detail="client_id differs")
    return by_secret(unverified_id=unverified_id, unverified_secret=unquote_plus(secret), provider=provider)
