"""One question of a relying party: has the citizen answered, and if so, the tokens, once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import orjson

from idp.errors import InvalidGrant, InvalidRequest, UnauthorizedClient
from idp.protocol.client_auth import spend
from idp.protocol.grants import authorization_code
from idp.protocol.grants.decoupled import waiting
from idp.protocol.grants.decoupled.refusals import AuthorizationPending, CitizenDenied, ExpiredToken, PolledTooFast
from idp.protocol.records import CodeRecord

if TYPE_CHECKING:
    from idp.errors import ProtocolError
    from idp.protocol.grants.call import GrantCall, TokenAnswer
    from idp.protocol.grants.decoupled.waiting import Kind, Polled


def answer(call: GrantCall, *, kind: Kind, parameter: str, grant_type: str) -> TokenAnswer:
    """Answer a question.

    1. the request is read, what is there for this relying party is taken, with the replay mark and the limit, in one
    wave; 2. where nothing was there, why; 3. what was taken was made for the registration and the key of now;
    4. tokens, through every gate, once by the hash of the secret.

    Raises:
        InvalidRequest: no secret. AuthorizationPending, PolledTooFast, ExpiredToken, CitizenDenied: as named.
        InvalidGrant: unknown, another relying party's, taken before, or a gate is shut.

    Source: RFC 8628 sections 3.4 and 3.5, OpenID Connect CIBA Core sections 10.1 and 11.
    """
    secret, client = call.form.get(parameter), call.proof.client
    if secret is None:
        raise InvalidRequest(f"{parameter} is missing.")
    if grant_type not in client.grant_types:
        raise UnauthorizedClient(f"This relying party is not registered for {grant_type}.")
    name = waiting.name_of(kind, secret)
    steps = waiting.poll_steps(name=name, client_id=client.client_id)
    found = waiting.polled(spend(call.proof, *steps, provider=call.provider))  # 1
    if found.taken is None or found.waiting is None or found.waiting.is_over:
        if found.waiting is not None and found.waiting.is_open and found.is_too_fast:
            call.provider.ephemeral.wave(waiting.slower_step(found, name=name))
        raise _refusal(found, client_id=client.client_id, parameter=parameter)  # 2
    record = CodeRecord(**orjson.loads(found.taken))
    _check(record, call=call)  # 3
    code_hash = hashlib.sha256(secret.encode()).digest()
    return authorization_code.grant(call=call, record=record, code_hash=code_hash, grant_type=grant_type)  # 4


def _refusal(found: Polled, *, client_id: str, parameter: str) -> ProtocolError:
    """Return why there is nothing to take."""
    asked = found.waiting
    if asked is None or asked.request.client_id != client_id or asked.status == "approved":
        return InvalidGrant(f"The {parameter} is not good, or no longer.")
    if asked.status == "denied":
        return CitizenDenied("The citizen said no. Do not ask again with this request.")
    if not asked.is_open:
        return ExpiredToken("Nobody answered in time. Begin a new request.")
    if found.is_too_fast:
        return PolledTooFast(f"Wait {waiting.SLOWER_SECONDS} seconds longer between two questions from now on.")
    return AuthorizationPending("The citizen has not answered yet. Ask again after the interval.")


def _check(record: CodeRecord, *, call: GrantCall) -> None:
    """Compare what was taken with the request for it."""
    if record.generation != call.proof.client.generation:
        raise InvalidGrant("The registration was changed meanwhile. Begin a new request.")
    if record.dpop_jkt not in {None, call.sender.jkt}:
        raise InvalidGrant("The request was made with another DPoP key.")
