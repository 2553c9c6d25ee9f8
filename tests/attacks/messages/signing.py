"""Relying parties that sign their requests, and what the tests of request objects share."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jwt
import orjson

from idp import clock
from keys import compact
from tests.support.house import ISSUER, members

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import Portal


@dataclass(frozen=True, slots=True)
class Signer:
    """A relying party that signs its requests, and puts nothing else into them than it is told."""

    portal: Portal
    typ: str | None = "oauth-authz-req+jwt"

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return what an honest object says; a change to None leaves a member out."""
        now = int(clock.now().timestamp())
        said = {
            **self.portal.asks().parameters,
            "iss": self.portal.client_id,
            "aud": ISSUER,
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "jti": secrets.token_urlsafe(16),
            **changes,
        }
        return {name: value for name, value in said.items() if value is not None}

    def signs(self, **changes: Any) -> str:
        """Return a signed request object."""
        headers = {"kid": "k1", "typ": self.typ}
        return jwt.encode(self.claims(**changes), self.portal.key, algorithm="ES256", headers=headers)

    def pushes(self, token: str | None = None, /, **beside: str) -> TestResponse:
        """Push an object, by default an honest one, and what stands beside it."""
        return self.portal.post("/par", request=token or self.signs(), **beside)

    def link(self, token: str, **beside: str) -> str:
        """Return a link that carries an object by value."""
        return "/authorize?" + urlencode({"client_id": self.portal.client_id, "request": token, **beside})


def is_refused(response: TestResponse, error: str = "invalid_request_object") -> bool:
    """Tell whether a push was refused with this error."""
    assert (response.status_code, members(response)["error"]) == (400, error), response.text
    return True


def altered(token: str, **header: Any) -> str:
    """Return a token with another header and the signature as it was."""
    return ".".join([compact.encode(orjson.dumps(header)).decode(), *token.split(".")[1:]])
