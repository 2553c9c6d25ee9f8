"""The access token that a request brings, in one place of it, and what its sender proves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.errors import InvalidRequest, InvalidToken
from idp.protocol.sender.access import BEARER, DPOP, Presented

if TYPE_CHECKING:
    from idp.endpoints._http import Request


def presented(request: Request) -> Presented:
    """Find the token: in the Authorization header or in a form, never in the query.

    Raises:
        InvalidRequest: it is sent in two places. InvalidToken: there is none, or it is not sent as one.

    Source: RFC 6750 section 2, RFC 9449 section 7.1.
    """
    header, body = request.authorization, request.form.get("access_token")
    if header is not None and body is not None:
        raise InvalidRequest("Send the access token in one place.")
    scheme, _, token = (BEARER, "", body) if header is None else header.partition(" ")
    known = scheme.lower() in {BEARER, DPOP}
    if not token or " " in token or not known:
        text = "Send an access token as Authorization: Bearer, or as Authorization: DPoP with a proof."
        raise InvalidToken(text, sent=known and (header is not None or body is not None))
    return Presented(
        token=token,
        scheme=scheme.lower(),
        method=request.method,
        path=request.path,
        proof=request.header("DPoP"),
        certificate=request.certificate,
    )
