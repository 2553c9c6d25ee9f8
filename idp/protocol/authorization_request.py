"""From parameters to a checked authorization request; and which errors may be sent to which address."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from idp.ephemeral import Read
from idp.errors import InvalidRequest, InvalidRequestUri, ProtocolError, RequestUriNotSupported
from idp.protocol.records import AuthorizationRequest
from idp.protocol.request_checks import BEFORE_REDIRECT, CHECKS, Draft

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.protocol.provider import Provider
    from idp.relying_parties.client import RelyingParty

REQUEST_URI_PREFIX = "urn:ietf:params:oauth:request_uri:"


class RefusedAtRedirect(Exception):
    """A refusal that the relying party is told at a redirect address that has been checked."""

    def __init__(self, *, error: ProtocolError, redirect_uri: str, state: str | None) -> None:
        """Keep the refusal and where it goes."""
        super().__init__(error.public)
        self.error = error
        self.redirect_uri = redirect_uri
        self.state = state


def check(
    *, unverified: Mapping[str, str], client: RelyingParty, provider: Provider, pushed: bool
) -> AuthorizationRequest:
    """Run every check that applies.

    Raises:
        ProtocolError: the redirect address is not good: say so on a page (or at PAR, in the answer).
        RefusedAtRedirect: anything else.

    Source: OpenID Connect Core section 3.1.2.2, RFC 9126 section 2.1.
    """
    draft = Draft(unverified=unverified, client=client, provider=provider, pushed=pushed)
    established: dict[str, object] = {"client_id": client.client_id}
    for check_row in BEFORE_REDIRECT:
        established.update(check_row.run(draft))
    try:
        for check_row in CHECKS:
            if check_row.par if pushed else check_row.authorize:
                established.update(check_row.run(draft))
    except ProtocolError as error:
        address = str(established["redirect_uri"])
        state = established.get("state")
        raise RefusedAtRedirect(
            error=error, redirect_uri=address, state=state if isinstance(state, str) else None
        ) from error
    return AuthorizationRequest(**established)  # type: ignore[arg-type]  # each check names its fields


def pushed_key(pushed_id: str) -> str:
    """Return the memory's key for a pushed request."""
    return f"par:{pushed_id}"


def read_step(unverified: Mapping[str, str]) -> Read | None:
    """Return the step that reads the pushed request that is named, if one is.

    Raises:
        InvalidRequest: `request` stands beside it.
        RequestUriNotSupported: it is not one of ours; nothing is ever fetched.
    """
    uri = unverified.get("request_uri")
    if uri is None:
        return None
    if "request" in unverified:
        raise InvalidRequest("request and request_uri exclude each other.")
    if not uri.startswith(REQUEST_URI_PREFIX):
        raise RequestUriNotSupported("request_uri must come from this issuer's PAR endpoint.")
    return Read(pushed_key(uri.removeprefix(REQUEST_URI_PREFIX)))


def from_pushed(*, unverified: Mapping[str, str], stored: bytes | None) -> AuthorizationRequest:
    """Open the pushed request; everything beside it in the front channel is ignored.

    Raises:
        InvalidRequestUri: it is unknown, too old, used, or was pushed by another relying party.

    Source: RFC 9126 section 4, RFC 9101 section 6.3.
    """
    if stored is None:
        raise InvalidRequestUri("The pushed request is unknown, used or too old. Start again at the portal.")
    request = AuthorizationRequest.from_json(stored)
    if request.client_id != unverified.get("client_id"):
        raise InvalidRequestUri("The request was pushed by another relying party.")
    return replace(request, pushed_id=unverified["request_uri"].removeprefix(REQUEST_URI_PREFIX))
