"""Refresh tokens that are replaced at each use: each made from the one before, so that none is kept.

A token is the id of its authorization, 32 secret bytes and a tag. The tag tells a token that was ours, however old,
from what somebody made up: only the former ends anything when it is used again.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Final

import uuid_utils

from idp.errors import InvalidGrant
from idp.protocol.records import Rotation
from idp.protocol.tokens import REFRESH_PREFIX, refresh_hash

if TYPE_CHECKING:
    from keys import Sealer

SUCCESSOR: Final = "refresh token successor"
TAG: Final = "refresh token tag"
ID_BYTES, SECRET_BYTES, TAG_BYTES = 16, 32, 16
LETTERS: Final = 86
GRACE_MICROS: Final = 10_000_000
"""For this long the token before the newest may be used again: its answer may have been lost on the way."""

NOT_GOOD: Final = "The refresh token is not good, or no longer."


def first(*, authorization_id: str, sealer: Sealer) -> str:
    """Return the first refresh token of an authorization."""
    return _spelled(uuid_utils.UUID(authorization_id).bytes + secrets.token_bytes(SECRET_BYTES), sealer=sealer)


def rotated(unverified_token: str, *, sealer: Sealer) -> tuple[str, Rotation]:
    """Return the token that follows this one, the same at every try, and what the store has to know.

    Raises:
        InvalidGrant: it never was one of ours.

    Source: RFC 9700 section 4.14.2.
    """
    text = unverified_token.removeprefix(REFRESH_PREFIX)
    try:
        raw = urlsafe_b64decode(f"{text}==") if len(text) == LETTERS else b""
    except ValueError as error:
        raise InvalidGrant(NOT_GOOD) from error
    body = raw[: ID_BYTES + SECRET_BYTES]
    if not hmac.compare_digest(_spelled(body, sealer=sealer).encode(), unverified_token.encode()):
        raise InvalidGrant(NOT_GOOD, detail="not a refresh token of ours")
    family = body[:ID_BYTES]
    token = _spelled(family + sealer.keyed_hash(purpose=SUCCESSOR, message=body), sealer=sealer)
    family_id = str(uuid_utils.UUID(bytes=family))
    return token, Rotation(authorization_id=family_id, next_hash=refresh_hash(token), grace=GRACE_MICROS)


def _spelled(body: bytes, *, sealer: Sealer) -> str:
    tag = sealer.keyed_hash(purpose=TAG, message=body)[:TAG_BYTES]
    return REFRESH_PREFIX + urlsafe_b64encode(body + tag).rstrip(b"=").decode()
