"""POST /token: who it is, which grant, and what that grant answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from idp import clock
from idp.endpoints._http import JSON_HEADERS, Request, Response
from idp.errors import InvalidRequest, UnsupportedGrantType
from idp.protocol import mtls
from idp.protocol.client_auth import authenticate
from idp.protocol.grants import GRANTS
from idp.protocol.grants.call import GrantCall
from idp.protocol.records import SenderKey

if TYPE_CHECKING:
    from idp.services import Services


def answer(request: Request, services: Services) -> Response:
    """Answer a token request (RFC 6749 section 3.2).

    Raises:
        ProtocolError: what was wrong; a code or assertion that was taken stays taken.
    """
    if request.query:
        raise InvalidRequest("Parameters belong into the body.")
    grant_type = request.form.get("grant_type")
    if grant_type is None:
        raise InvalidRequest("grant_type is missing.")
    grant = GRANTS.get(grant_type)
    if grant is None:
        raise UnsupportedGrantType(f"grant_type is one of {', '.join(GRANTS)}.")
    provider, now = services.provider, clock.now()
    proof = authenticate(
        form=request.form,
        authorization=request.authorization,
        certificate=request.certificate,
        provider=provider,
        now=now,
    )
    sender = SenderKey(x5t=mtls.thumbprint(request.certificate) if request.certificate else None)
    answered = grant(GrantCall(form=request.form, proof=proof, provider=provider, now=now, sender=sender))
    return Response(200, JSON_HEADERS, orjson.dumps(answered.members))
