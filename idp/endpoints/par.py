"""POST /par: a relying party pushes its request before the citizen sees anything."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from idp import clock
from idp.endpoints._http import Request, Response, json_response
from idp.ephemeral import Drop
from idp.errors import InvalidRequest, ProtocolError
from idp.protocol.authorization_request import RefusedAtRedirect, keep_step, take
from idp.protocol.client_auth import authenticate, spend
from idp.protocol.sender import dpop

if TYPE_CHECKING:
    from idp.services import Services


def answer(request: Request, services: Services) -> Response:
    """Take a request, check all of it, and keep it for a short while.

    1. who it is; 2. the signed object is opened, and every check of an authorization request; 3. bound to the key that
    is proved, where one is; 4. kept, with the replay marks and the limit, in one wave; what one of them refuses is
    dropped again, for anybody may push in the name of an app.

    Raises:
        ProtocolError: what was wrong, in plain words; nothing is kept.

    Source: RFC 9126 sections 2.1 and 2.2, RFC 9449 section 10.1.
    """
    provider, now = services.provider, clock.now()
    proof = authenticate(request, provider=provider, now=now)  # 1
    if "request_uri" in request.form:
        raise InvalidRequest("request_uri does not belong into a pushed request.")
    try:
        taken = take(unverified=request.form, client=proof.client, provider=provider, pushed=True, now=now)  # 2
    except RefusedAtRedirect as refused:
        raise refused.error from refused
    header = request.header("DPoP")
    pushed, marks = dpop.bound(  # 3
        taken.request, unverified_proof=header, path=request.path, provider=provider, now=now
    )
    seconds = provider.settings.tokens.pushed_request_seconds
    request_uri, keep = keep_step(pushed, seconds=seconds)
    try:
        spend(replace(proof, marks=proof.marks + taken.marks + marks), keep, provider=provider)  # 4
    except ProtocolError:
        provider.ephemeral.wave(Drop(keep.key))
        raise
    response = json_response({"request_uri": request_uri, "expires_in": seconds}, status=201)
    more = () if header is None else dpop.answer_headers(provider, now=now)
    return Response(response.status, response.headers + more, response.body)
