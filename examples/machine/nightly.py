"""A system without people (profile machine): a nightly job that gets a token for one other system, and calls it.

It needs requests and joserfc. What it does, in the order of the code:

1. it proves who it is with a statement that it signs (private_key_jwt), good once and for a minute;
2. it names the system that the token is for (RFC 8707), so that the token is good nowhere else;
3. it keeps the token until shortly before its end, and asks again then: there is no refresh token.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from pathlib import Path
from typing import Any

import requests
from joserfc import jwk, jwt

ISSUER = os.environ.get("ISSUER", "https://localhost:8443")
CLIENT = json.loads(Path(os.environ["CLIENT_FILE"]).read_text(encoding="utf-8"))
RESOURCE = CLIENT["resources"][0]
EARLY_SECONDS = 30  # ask again this long before the end: a call under way must not fail
kept: dict[str, tuple[str, float]] = {}


def client_assertion() -> dict[str, str]:
    """Sign a new statement of who we are (RFC 7523)."""
    (key,), now = CLIENT["jwks"]["keys"], int(time.time())
    claims = {
        "iss": CLIENT["client_id"],
        "sub": CLIENT["client_id"],
        "aud": ISSUER,  # the issuer as one string; the address of an endpoint is refused
        "jti": secrets.token_urlsafe(24),
        "iat": now,
        "exp": now + 60,
    }
    header = {"alg": key["alg"], "kid": key["kid"], "typ": "client-authentication+jwt"}
    return {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(header, claims, jwk.import_key(key), algorithms=[key["alg"]]),
    }


def access_token(*, resource: str, scope: str) -> str:
    """Return a token for a system: the kept one, or a new one when that ends soon.

    Raises:
        requests.HTTPError: Sen refuses; the answer's `error_description` says why.
    """
    token, ends_at = kept.get(resource, ("", 0.0))
    if ends_at > time.monotonic() + EARLY_SECONDS:
        return token
    metadata: dict[str, Any] = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=10).json()
    form = {"grant_type": "client_credentials", "resource": resource, "scope": scope, **client_assertion()}
    answer = requests.post(metadata["token_endpoint"], data=form, timeout=10)
    answer.raise_for_status()
    given = answer.json()
    kept[resource] = given["access_token"], time.monotonic() + given["expires_in"]
    return str(given["access_token"])


if __name__ == "__main__":
    headers = {"Authorization": f"Bearer {access_token(resource=RESOURCE, scope='figures.write')}"}
    if os.environ.get("SEND") == "yes":  # the system of the example does not exist
        requests.put(f"{RESOURCE}today", headers=headers, json={"births": 41}, timeout=10).raise_for_status()
    print("A token for", RESOURCE, "is kept for the next call.")  # noqa: T201  a job says what it did
