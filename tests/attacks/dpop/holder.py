"""A portal with tokens that are bound to its key, the proofs that it sends, and how a refusal looks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.foreign.dpop import DpopKey  # noqa: TC001  the annotation of a field
from tests.support.house import members

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import Portal
    from tests.support.signed_in import Tokens


@dataclass
class Holder:
    """A portal with tokens that are bound to its key, and what it sends to use them."""

    portal: Portal
    tokens: Tokens
    key: DpopKey = field(init=False)

    def __post_init__(self) -> None:
        """Take the portal's key in hand."""
        assert self.portal.dpop is not None
        self.key = self.portal.dpop

    def refreshes_with(self, *proofs: str) -> TestResponse:
        """Use the refresh token with proofs of one's own making."""
        form = {**self.portal.authentication(), "grant_type": "refresh_token", "refresh_token": self.tokens.refresh}
        return self.portal.http.post("/token", data=form, headers=[("DPoP", proof) for proof in proofs])

    def asks_with(self, *proofs: str, scheme: str = "DPoP", method: str = "GET") -> TestResponse:
        """Use the access token with proofs of one's own making."""
        headers = [("Authorization", f"{scheme} {self.tokens.access}"), *(("DPoP", proof) for proof in proofs)]
        return self.portal.http.open("/userinfo", method=method, headers=headers)

    def proof(self, path: str, **changes: Any) -> str:
        """Make the proof that `path` needs, changed."""
        if path == "/token":
            return self.key.proof(**changes)
        return self.key.proof("/userinfo", "GET", **{"token": self.tokens.access, **changes})

    def sends(self, path: str, *proofs: str) -> TestResponse:
        """Send proofs to either endpoint."""
        return self.refreshes_with(*proofs) if path == "/token" else self.asks_with(*proofs)


def is_refused(response: TestResponse, path: str, error: str = "invalid_dpop_proof") -> bool:
    """Tell whether it is the right refusal: 400 where tokens are given, 401 and how it is done where one is used."""
    assert members(response)["error"] == error
    if path == "/token":
        return response.status_code == 400
    challenge = response.headers.getlist("WWW-Authenticate")[-1]
    assert challenge.startswith("DPoP ")
    assert f'error="{error}"' in challenge
    assert 'algs="ES256 EdDSA PS256"' in challenge
    return response.status_code == 401


PATHS = ("/token", "/userinfo")
at_both = pytest.mark.parametrize("path", PATHS)


def pushed_with(portal: Portal, key: DpopKey | None, **parameters: str) -> TestResponse:
    """Push a request with a proof by a key."""
    form = {**portal.authentication(), **portal.asks(**parameters).parameters}
    return portal.http.post("/par", data=form, headers={} if key is None else key.header("/par"))
