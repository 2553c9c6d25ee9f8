"""POST /introspect: what a token is at this moment, told to whom it was given and to whom it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from idp import clock
from idp.endpoints._http import NO_STORE, Request, Response, json_response
from idp.errors import InvalidClient, InvalidRequest, InvalidToken
from idp.protocol import messages, tokens
from idp.protocol.client_auth import authenticate, spend
from idp.protocol.grants import alive

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from idp.protocol.grants.alive import AliveToken
    from idp.protocol.provider import Provider
    from idp.relying_parties.client import RelyingParty
    from idp.services import Services

SIGNED = "application/token-introspection+jwt"
TYP = "token-introspection+jwt"
INACTIVE: Mapping[str, Any] = {"active": False}
"""What is told of everything that is not good, for whatever reason, or none of the caller's business."""


def answer(request: Request, services: Services) -> Response:
    """Say whether a token is good, and what it stands for.

    1. who asks; 2. the replay marks and the limit, in one wave; 3. the authorization behind the token, through every
    gate, in one read; 4. who was given the token, and who serves the resource that it is for, learns of it, and nobody
    else; 5. plain, or signed, and encrypted after that, as it is asked for or registered.

    Raises:
        InvalidRequest: no token. InvalidClient: who asks has not proved who it is.
        UnauthorizedClient: the answer is to be encrypted and none of the caller's keys fits.

    Source: RFC 7662 sections 2.1 and 2.2, RFC 9701 sections 4 and 5.
    """
    provider, now = services.provider, clock.now()
    proof = authenticate(request, provider=provider, now=now)  # 1
    if proof.client.authentication_method == "none":
        raise InvalidClient("Who asks about tokens has to prove who it is.")
    token = request.form.get("token")
    if token is None:
        raise InvalidRequest("token is missing.")
    spend(proof, provider=provider)  # 2
    told = _told(token, caller=proof.client, provider=provider)
    accepted = {kind.partition(";")[0].strip().lower() for kind in (request.header("Accept") or "").split(",")}
    return _rendered(told, caller=proof.client, asked=SIGNED in accepted, provider=provider, now=now)  # 5


def _told(unverified_token: str, *, caller: RelyingParty, provider: Provider) -> Mapping[str, Any]:
    try:
        token = alive.find(unverified_token=unverified_token, provider=provider)  # 3
    except InvalidToken:
        return INACTIVE
    is_its_own = token.authorization.client_id == caller.client_id
    is_for_it = token.resource is not None and token.resource in caller.resources_served
    return _members(token, provider=provider) if is_its_own or is_for_it else INACTIVE  # 4


def _members(token: AliveToken, *, provider: Provider) -> Mapping[str, Any]:
    """Return what is said of a good token; what does not apply is left out."""
    behind, details = token.authorization, token.details
    said = {
        "active": True,
        "iss": provider.issuer,
        "client_id": behind.client_id,
        "sub": behind.subject,
        "aud": None if token.is_refresh else token.resource or provider.issuer,
        "scope": token.scope or None,
        "token_type": None if token.is_refresh else tokens.token_type(token.sender),
        "iat": token.issued_at,
        "exp": token.ends_at,
        "jti": None if token.said is None else token.said["jti"],
        "cnf": tokens.confirmation(token.sender),
        "acr": behind.acr,
        "auth_time": behind.auth_time,
        "authorization_details": None if details is None else orjson.loads(details),
        "act": None if behind.act is None else orjson.loads(behind.act),
    }
    return {name: value for name, value in said.items() if value is not None}


def _rendered(
    told: Mapping[str, Any], *, caller: RelyingParty, asked: bool, provider: Provider, now: datetime
) -> Response:
    """Render plain where nothing else is asked for or registered (RFC 9701 sections 5 and 6)."""
    registered = caller.messages
    if not (asked or registered.introspection_algorithm or registered.introspection_encryption):
        return json_response(told)
    claims = {
        "iss": provider.issuer,
        "aud": caller.client_id,
        "iat": int(now.timestamp()),
        "token_introspection": told,
    }
    algorithm = registered.introspection_algorithm or caller.profile.default_algorithm
    protection = messages.Protection(algorithm, registered.introspection_encryption, typ=TYP)
    token = messages.signed(claims, protection=protection, client=caller, provider=provider, now=now)
    return Response(200, (("Content-Type", SIGNED), *NO_STORE), token.encode())
