"""POST /revoke: a relying party gives a token back, and with it the whole authorization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp import clock
from idp.endpoints._http import Request, Response, json_response
from idp.errors import InvalidRequest, InvalidToken
from idp.protocol.client_auth import authenticate, spend
from idp.protocol.tokens import REFRESH_PREFIX, read_access_token, refresh_hash

if TYPE_CHECKING:
    from idp.protocol.provider import Provider
    from idp.services import Services

REASON = "revoked by the relying party"


def answer(request: Request, services: Services) -> Response:
    """Revoke; a token that is unknown or another's changes nothing and is answered the same way.

    Raises:
        InvalidRequest: no token. InvalidClient: not authenticated.

    Source: RFC 7009 sections 2.1 and 2.2.
    """
    provider = services.provider
    proof = authenticate(request, provider=provider, now=clock.now())
    token = request.form.get("token")
    if token is None:
        raise InvalidRequest("token is missing.")
    spend(proof, provider=provider)
    client_id = proof.client.client_id
    if token.startswith(REFRESH_PREFIX):
        provider.authorizations.end_by_refresh(refresh_hash=refresh_hash(token), client_id=client_id, reason=REASON)
    else:
        _end_by_access_token(token=token, client_id=client_id, provider=provider)
    return json_response({})


def _end_by_access_token(*, token: str, client_id: str, provider: Provider) -> None:
    try:
        authorization_id = read_access_token(unverified_token=token, provider=provider).authorization_id
    except InvalidToken:
        return
    provider.authorizations.end(authorization_id=authorization_id, reason=REASON, client_id=client_id)
