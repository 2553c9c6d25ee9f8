"""GET or DELETE /grants/<grant_id>: a relying party looks at one authorization of its own, or gives it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from idp import clock
from idp.endpoints._access import presented
from idp.endpoints._http import NO_STORE, Request, Response, json_response
from idp.errors import InsufficientScope, InvalidToken, NotFound
from idp.protocol.claims import names_of
from idp.protocol.grants import alive
from idp.protocol.sender import access

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.protocol.grants.alive import AliveToken
    from idp.protocol.provider import Provider
    from idp.protocol.records import AnyAuthorization
    from idp.services import Services

PATH = "/grants/"
SCOPES = {"GET": "grant_management_query", "HEAD": "grant_management_query", "DELETE": "grant_management_revoke"}
"""What an access token must be for, by the method that it is used with."""

REASON = "revoked by the relying party"
LONGEST_ID = 64


def answer(request: Request, services: Services) -> Response:
    """Answer with what was granted, or end it and all that was issued for it.

    1. an access token for this endpoint, of the relying party itself, sent by whom it is bound to; 2. its scope;
    3. the grant, if it is this relying party's and a citizen stands behind it: another's is not there.

    Raises:
        InvalidToken: no access token, or not a good one. InsufficientScope: it does not reach this far.
        NotFound: 3 does not hold.

    Source: Grant Management for OAuth 2.0 section 6.
    """
    provider = services.provider
    token = _token(request, provider=provider)  # 1
    needed = SCOPES[request.method]
    if needed not in token.scope.split(" "):  # 2
        raise InsufficientScope(f"An access token with the scope {needed} is needed.")
    grant_id = request.path.removeprefix(PATH)
    found = provider.machine_authorizations.find(authorization_id=grant_id) if len(grant_id) <= LONGEST_ID else None
    if found is None or found.client_id != token.authorization.client_id or found.citizen_id is None:  # 3
        raise NotFound("There is no such grant.")
    if request.method == "DELETE":
        provider.authorizations.end(authorization_id=found.id, reason=REASON, client_id=found.client_id)
        return Response(204, NO_STORE)
    return json_response(_granted(found))


def _token(request: Request, *, provider: Provider) -> AliveToken:
    """Return the access token of a request; only one whose audience is this endpoint counts."""
    brought = presented(request)
    found = alive.find(unverified_token=brought.token, provider=provider)
    if found.resource != provider.issuer + PATH.rstrip("/"):
        raise InvalidToken("The access token is for another resource.")
    access.check_sender(brought, expected=found.sender, provider=provider, now=clock.now())
    return found


def _granted(authorization: AnyAuthorization) -> Mapping[str, Any]:
    """Return what one grant holds, in the words that it was asked for with."""
    resources = authorization.resource.split(" ") if authorization.resource else []
    scopes: dict[str, Any] = {"scope": authorization.scope, **({"resources": resources} if resources else {})}
    details = authorization.authorization_details
    return {
        "scopes": [scopes],
        "claims": names_of(authorization.claims.split()),
        **({"authorization_details": orjson.loads(details)} if details else {}),
    }
