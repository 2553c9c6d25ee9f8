"""PKCE, S256 only."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

from idp.errors import InvalidGrant, InvalidRequest

CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def check_challenge(*, unverified_challenge: str | None, unverified_method: str | None) -> str:
    """Return the challenge of an authorization request.

    Raises:
        InvalidRequest: there is none, it is malformed, or the method is not S256.

    Source: RFC 7636 sections 4.2 and 4.3.
    """
    if unverified_method != "S256":
        raise InvalidRequest("code_challenge_method must be S256.")
    if unverified_challenge is None or not CHALLENGE.fullmatch(unverified_challenge):
        raise InvalidRequest("code_challenge must be the 43 characters of a base64url SHA-256.")
    return unverified_challenge


def check_verifier(*, unverified_verifier: str | None, expected_challenge: str) -> None:
    """Compare a verifier with the challenge of its code, in constant time.

    Raises:
        InvalidGrant: it is missing, malformed or does not fit.

    Source: RFC 7636 section 4.6.
    """
    if unverified_verifier is None or not VERIFIER.fullmatch(unverified_verifier):
        raise InvalidGrant("code_verifier is missing or malformed.")
    digest = urlsafe_b64encode(hashlib.sha256(unverified_verifier.encode()).digest()).rstrip(b"=")
    if not hmac.compare_digest(digest, expected_challenge.encode()):
        raise InvalidGrant("code_verifier does not fit the code.")
