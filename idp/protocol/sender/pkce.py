"""PKCE, S256 only: what an authorization request sends; the grant compares the verifier with it."""

from __future__ import annotations

import re

from idp.errors import InvalidRequest

CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
NO_CHALLENGE = ""
"""What stands for the challenge of a relying party that is spared PKCE and has sent none."""

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
