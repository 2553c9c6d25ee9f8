"""token-exchange: a token for another resource out of one that is there, narrower, and never longer alive."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import uuid_utils

from idp.audit.events import TokenExchanged
from idp.errors import InvalidGrant, InvalidRequest, InvalidScope, InvalidTarget, InvalidToken, UnauthorizedClient
from idp.protocol import tokens
from idp.protocol.client_auth import spend
from idp.protocol.grants import alive
from idp.protocol.grants.call import MICROS, TokenAnswer
from idp.protocol.records import NewMachineAuthorization
from idp.relying_parties import authorization_details
from idp.relying_parties.profiles import TOKEN_EXCHANGE

if TYPE_CHECKING:
    from idp.protocol.grants.alive import AliveToken
    from idp.protocol.grants.call import GrantCall
    from idp.relying_parties.client import ExchangePolicy

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  the name of a kind
JWT = "urn:ietf:params:oauth:token-type:jwt"
TOKEN_TYPES = frozenset({ACCESS_TOKEN, JWT})
MOST_ACTORS = 3
"""How many may stand one behind the other in `act`; the stores look no deeper either."""


def answer(call: GrantCall) -> TokenAnswer:
    """Exchange a token.

    1. the replay marks and the limit, in one wave; 2. the subject token is alive, and was issued to this relying party
    or for a resource that it serves; 3. an actor token, where one is sent, is its own: who exchanges a token acts for
    its subject, and says so;
    4. resource, scope and details are within its policy and within what the subject token allows; 5. the token is
    signed, to end no later than the subject token; 6. the authorization is written by an INSERT that selects on every
    gate of its parent and copies who stands behind it, with its event; 7. only then is anything told.

    Raises:
        UnauthorizedClient: it is not registered for this. InvalidRequest: a token is missing, not good, or not its to
            exchange. InvalidTarget, InvalidScope, InvalidAuthorizationDetails: more than what may be had.
        InvalidGrant: something behind the subject token was ended just now.

    Source: RFC 8693 sections 2.1, 2.2 and 4.1.
    """
    client, provider = call.proof.client, call.provider
    policy = client.exchange
    if TOKEN_EXCHANGE not in client.grant_types or policy is None:
        raise UnauthorizedClient("This relying party is not registered for token exchange.")
    _check_kinds(call)
    spend(call.proof, provider=provider)  # 1
    subject = _subject(call)  # 2
    _check_actor(call)  # 3
    new = _new(call, subject=subject, policy=policy)  # 4
    seconds = provider.settings.tokens.access_token_seconds
    ends = min(int(call.now.timestamp()) + seconds, subject.ends_at or 0)
    token = tokens.resource_token(  # 5
        authorization=replace(subject.authorization, **_differences(new)), provider=provider, now=call.now, ends=ends
    )
    event = TokenExchanged(
        actor=f"client:{client.client_id}",
        citizen_id=subject.authorization.citizen_id,
        client_id=client.client_id,
        object=new.id,
        scope=new.scope,
        resource=new.resource,
        parent_id=subject.authorization.id,
    )
    if not provider.machine_authorizations.exchange(new, event=event):  # 6
        raise InvalidGrant("What stands behind the subject token was ended, or it was exchanged too often already.")
    return TokenAnswer(_members(token, new=new, seconds=ends - int(call.now.timestamp()), call=call))  # 7


def _check_kinds(call: GrantCall) -> None:
    """Take access tokens, and give access tokens (RFC 8693 section 3)."""
    if call.form.get("subject_token_type") not in TOKEN_TYPES:
        raise InvalidRequest(f"subject_token_type is {ACCESS_TOKEN}.")
    if call.form.get("requested_token_type", ACCESS_TOKEN) not in TOKEN_TYPES:
        raise InvalidRequest(f"requested_token_type is {ACCESS_TOKEN}.")
    if ("actor_token" in call.form) != ("actor_token_type" in call.form):
        raise InvalidRequest("actor_token and actor_token_type stand together.")
    if call.form.get("actor_token_type", ACCESS_TOKEN) not in TOKEN_TYPES:
        raise InvalidRequest(f"actor_token_type is {ACCESS_TOKEN}.")
    if "audience" in call.form:
        raise InvalidTarget("Name the target by resource, not by audience.")


def _alive(call: GrantCall, name: str) -> AliveToken:
    token = call.form.get(name)
    if token is None:
        raise InvalidRequest(f"{name} is missing.")
    try:
        found = alive.find(unverified_token=token, provider=call.provider)
    except InvalidToken as error:
        raise InvalidRequest(f"{name} is not good, or no longer.", detail=error.detail) from error
    if found.is_refresh:
        raise InvalidRequest(f"{name} is no access token.")
    return found


def _subject(call: GrantCall) -> AliveToken:
    """Return the subject token, if it is this relying party's to exchange; what is unknown is answered the same way.

    One that was issued to it and is bound comes with its key; of one that came to it as a resource server, it has
    checked that itself.
    """
    found, client = _alive(call, "subject_token"), call.proof.client
    if found.authorization.client_id == client.client_id:
        for bound, shown in ((found.sender.jkt, call.sender.jkt), (found.sender.x5t, call.sender.x5t)):
            if bound not in {None, shown}:
                raise InvalidRequest("subject_token is bound to a key: prove that key.")
    elif found.resource not in client.resources_served:
        raise InvalidRequest("subject_token is not good, or no longer.", detail="neither issued to it nor for it")
    return found


def _check_actor(call: GrantCall) -> None:
    """Check an actor token, where one is sent: it is the relying party's own, for itself."""
    if "actor_token" not in call.form:
        return
    found, client_id = _alive(call, "actor_token").authorization, call.proof.client.client_id
    if found.client_id != client_id or found.subject != client_id:
        raise InvalidRequest("actor_token is not good, or no longer.", detail="not the relying party's own")


def _act(subject: AliveToken, *, actor: str) -> str:
    """Return the chain of those who act, the newest outside (RFC 8693 section 4.1): nobody is impersonated.

    Raises:
        InvalidRequest: it would be longer than anybody can follow.
    """
    before = None if subject.authorization.act is None else orjson.loads(subject.authorization.act)
    chain: dict[str, Any] = {"sub": actor} if before is None else {"sub": actor, "act": before}
    if _length(chain) > MOST_ACTORS:
        raise InvalidRequest(f"A token may be handed on {MOST_ACTORS} times.")
    return orjson.dumps(chain).decode()


def _length(chain: dict[str, Any]) -> int:
    return 1 + (_length(chain["act"]) if "act" in chain else 0)


def _new(call: GrantCall, *, subject: AliveToken, policy: ExchangePolicy) -> NewMachineAuthorization:
    resource = call.form.get("resource")
    if resource is None or resource not in policy.resources:
        raise InvalidTarget("resource is one of those that this relying party may exchange tokens for.")
    details = call.form.get("authorization_details")
    return NewMachineAuthorization(
        id=str(uuid_utils.uuid7()),
        grant_type=TOKEN_EXCHANGE,
        client_id=call.proof.client.client_id,
        parent_id=subject.authorization.id,
        scope=_scope(call.form.get("scope"), subject=subject, policy=policy),
        resource=resource,
        dpop_jkt=call.sender.jkt,
        certificate_x5t=call.sender.x5t,
        act=_act(subject, actor=call.proof.client.client_id),
        authorization_details=None
        if details is None
        else authorization_details.narrowed(details, granted=subject.details),
        at=int(call.now.timestamp() * MICROS),
    )


def _scope(unverified: str | None, *, subject: AliveToken, policy: ExchangePolicy) -> str:
    """Return what is asked for, or everything that both the subject token and the policy allow."""
    allowed = [scope for scope in subject.scope.split(" ") if scope in policy.scopes]
    asked = allowed if unverified is None else list(dict.fromkeys(unverified.split(" ")))
    if not asked or not set(asked) <= set(allowed):
        raise InvalidScope("scope is wider than the subject token, or than what this relying party may exchange.")
    return " ".join(asked)


def _differences(new: NewMachineAuthorization) -> dict[str, Any]:
    """Return in what the new authorization differs from the one that it comes from."""
    names = ("id", "grant_type", "client_id", "scope", "resource", "dpop_jkt", "certificate_x5t", "act")
    return {**{name: getattr(new, name) for name in names}, "authorization_details": new.authorization_details}


def _members(token: str, *, new: NewMachineAuthorization, seconds: int, call: GrantCall) -> dict[str, Any]:
    """Return the answer (RFC 8693 section 2.2.1)."""
    details = {} if new.authorization_details is None else orjson.loads(new.authorization_details)
    return {
        "access_token": token,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": tokens.token_type(call.sender),
        "expires_in": seconds,
        "scope": new.scope,
        **({"authorization_details": details} if details else {}),
    }
