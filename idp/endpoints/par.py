"""POST /par: a relying party pushes its request before the citizen sees anything."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from idp import clock
from idp.endpoints._http import Request, Response, json_response
from idp.ephemeral import Write
from idp.errors import InvalidRequest
from idp.protocol.authorization_request import REQUEST_URI_PREFIX, RefusedAtRedirect, check, pushed_key
from idp.protocol.client_auth import authenticate, spend

if TYPE_CHECKING:
    from idp.services import Services

URI_BYTES = 32


def answer(request: Request, services: Services) -> Response:
    """Take a request, check all of it, and keep it for a short while.

    1. who it is; 2. every check of an authorization request; 3. kept, with the replay mark and the limit, in one wave.

    Raises:
        ProtocolError: what was wrong, in plain words; nothing is kept.

    Source: RFC 9126 sections 2.1 and 2.2.
    """
    provider = services.provider
    if request.query:
        raise InvalidRequest("Parameters belong into the body.")
    proof = authenticate(
        form=request.form, authorization=request.authorization, provider=provider, now=clock.now()
    )  # 1
    if "request_uri" in request.form:
        raise InvalidRequest("request_uri does not belong into a pushed request.")
    try:
        checked = check(unverified=request.form, client=proof.client, provider=provider, pushed=True)  # 2
    except RefusedAtRedirect as refused:
        raise refused.error from refused
    pushed_id = secrets.token_urlsafe(URI_BYTES)
    seconds = provider.settings.tokens.pushed_request_seconds
    keep = Write(pushed_key(pushed_id), checked.to_json(), seconds)
    spend(proof, keep, provider=provider)  # 3
    return json_response({"request_uri": REQUEST_URI_PREFIX + pushed_id, "expires_in": seconds}, status=201)
