"""POST /token: who it is, which grant, and what that grant answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from idp import clock
from idp.endpoints._http import JSON_HEADERS, Request, Response
from idp.errors import InvalidRequest, UnsupportedGrantType
from idp.protocol.client_auth import Proof, authenticate
from idp.protocol.grants import GRANTS
from idp.protocol.grants.call import GrantCall
from idp.protocol.records import SenderKey
from idp.protocol.sender import dpop

if TYPE_CHECKING:
    from idp.services import Services


def answer(request: Request, services: Services) -> Response:
    """Answer a token request.

    1. who it is; 2. which key it proves to hold, and whether that will do for this relying party; 3. the grant.

    Raises:
        ProtocolError: what was wrong; a code or assertion that was taken stays taken, but for a code over the limit.

    Source: RFC 6749 section 3.2, RFC 9449 section 5, RFC 8705 section 3, FAPI 2.0 Security Profile section 5.3.2.1.
    """
    grant_type = request.form.get("grant_type")
    if grant_type is None:
        raise InvalidRequest("grant_type is missing.")
    grant = GRANTS.get(grant_type)
    if grant is None:
        raise UnsupportedGrantType(f"grant_type is one of {', '.join(GRANTS)}.")
    request.environ["sen.grant"] = grant_type  # for the log and the counters
    provider, now = services.provider, clock.now()
    proof = authenticate(request, provider=provider, now=now)
    sender = SenderKey()
    if "HTTP_DPOP" in request.environ or request.certificate is not None or proof.client.sender_constraint:
        marks, sender = dpop.prove_sender(
            unverified_proof=request.environ.get("HTTP_DPOP"),
            certificate=request.certificate,
            path=request.path,
            client=proof.client,
            provider=provider,
            now=now,
        )
        proof = Proof(proof.client, proof.marks + marks, proof.share)
    answered = grant(GrantCall(form=request.form, proof=proof, provider=provider, now=now, sender=sender))
    headers = JSON_HEADERS + dpop.answer_headers(provider, now=now) if sender.jkt else JSON_HEADERS
    return Response(200, headers, orjson.dumps(answered.members))
