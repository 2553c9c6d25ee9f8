"""GET or POST /userinfo: what the citizen agreed to share, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.endpoints._http import Request, Response, json_response
from idp.errors import InvalidRequest, InvalidToken
from idp.protocol.claims import values
from idp.protocol.tokens import authorization_of

if TYPE_CHECKING:
    from idp.services import Services

BEARER = "bearer "


def answer(request: Request, services: Services) -> Response:
    """Answer with the claims that are agreed, as the register has them now.

    1. one access token, in one place; 2. the authorization behind it, through every gate, in one read; 3. the claims.

    Raises:
        InvalidRequest: a token in two places. InvalidToken: none, or not good, or no longer.

    Source: OpenID Connect Core section 5.3, RFC 6750 section 2.
    """
    provider = services.provider
    token = _token(request)  # 1
    authorization_id = authorization_of(unverified_token=token, provider=provider)
    live = provider.authorizations.live(authorization_id=authorization_id)  # 2
    if live is None or live.known is None or live.resource is not None:
        raise InvalidToken("The access token is not good, or no longer.")
    claims = values(known=live.known, names=live.claims.split())  # 3
    return json_response({**claims, "sub": live.subject})


def _token(request: Request) -> str:
    """Find the token: in the Authorization header or in a form, never in the query (RFC 6750 section 2)."""
    header, body = request.authorization, request.form.get("access_token")
    if header is not None and body is not None:
        raise InvalidRequest("Send the access token in one place.")
    if header is None and body is None:
        raise InvalidToken("Send an access token as Authorization: Bearer.")
    if header is None:
        return body or ""
    if header[: len(BEARER)].lower() != BEARER or " " in header[len(BEARER) :]:
        raise InvalidToken("Send an access token as Authorization: Bearer.")
    return header[len(BEARER) :]
