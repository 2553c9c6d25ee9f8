"""client_credentials: a token for the relying party itself, for one resource, with nobody behind it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import uuid_utils

from idp.audit.events import MachineAuthorized
from idp.errors import InvalidAuthorizationDetails, InvalidGrant, InvalidScope, InvalidTarget, UnauthorizedClient
from idp.protocol import tokens
from idp.protocol.claims.released import LEGACY_SCOPE
from idp.protocol.client_auth import spend
from idp.protocol.grants.call import MICROS, TokenAnswer
from idp.protocol.records import AnyAuthorization, NewMachineAuthorization
from idp.relying_parties.metadata_rules import SCOPES
from idp.relying_parties.purposes import SCOPE_PREFIX

if TYPE_CHECKING:
    from idp.protocol.grants.call import GrantCall
    from idp.relying_parties.client import RelyingParty

GRANT = "client_credentials"
ABOUT_CITIZENS = SCOPES | {LEGACY_SCOPE}
"""Scopes that mean a citizen, beside those of purposes: they are registered for logins, and stand in no token here."""


def answer(call: GrantCall) -> TokenAnswer:
    """Give a relying party a token for itself.

    1. the replay marks and the limit, in one wave; 2. the resource and the scopes are ones that it is registered for,
    and about no citizen; 3. the token is signed; 4. the authorization is written by an INSERT that selects on the
    relying party's gate, with its event; 5. only then is anything told. There is no refresh token.

    Raises:
        UnauthorizedClient: it is not registered for this. InvalidTarget: no resource, or another one.
        InvalidScope: a scope that it is not registered for, or one about citizens. InvalidGrant: it was ended.

    Source: RFC 6749 section 4.4, RFC 8707 section 2.2, RFC 9068 section 2.2.
    """
    client, provider = call.proof.client, call.provider
    if GRANT not in client.grant_types:
        raise UnauthorizedClient("This relying party is not registered for client_credentials.")
    spend(call.proof, provider=provider)  # 1
    if "authorization_details" in call.form:
        raise InvalidAuthorizationDetails("authorization_details are for a citizen to agree to.")
    new = NewMachineAuthorization(
        id=str(uuid_utils.uuid7()),
        grant_type=GRANT,
        client_id=client.client_id,
        scope=_scope(call.form.get("scope"), client=client),  # 2
        resource=_resource(call.form.get("resource"), client=client),
        subject=client.client_id,
        dpop_jkt=call.sender.jkt,
        certificate_x5t=call.sender.x5t,
        at=int(call.now.timestamp() * MICROS),
    )
    token = tokens.resource_token(authorization=_as_written(new), provider=provider, now=call.now)  # 3
    event = MachineAuthorized(
        actor=f"client:{client.client_id}",
        client_id=client.client_id,
        object=new.id,
        scope=new.scope,
        resource=new.resource,
    )
    if not provider.machine_authorizations.create(new, event=event):  # 4
        raise InvalidGrant("This relying party has been ended.")
    return TokenAnswer(  # 5
        {
            "access_token": token,
            "token_type": tokens.token_type(call.sender),
            "expires_in": provider.settings.tokens.access_token_seconds,
            **({"scope": new.scope} if new.scope else {}),
        }
    )


def _resource(unverified: str | None, *, client: RelyingParty) -> str:
    if unverified is None:
        raise InvalidTarget("resource is missing: name the resource that the token is for (RFC 8707).")
    if unverified not in client.resources:
        raise InvalidTarget("This relying party is not registered for that resource; a token is for one.")
    return unverified


def _scope(unverified: str | None, *, client: RelyingParty) -> str:
    """Return what is asked for, or else everything registered, of the scopes that are about no citizen."""
    registered = _of_systems(client.scopes)
    asked = registered if unverified is None else tuple(dict.fromkeys(unverified.split(" ")))
    if not set(registered).issuperset(asked):
        raise InvalidScope("scope holds one that this relying party is not registered for, or one about citizens.")
    return " ".join(asked)


@functools.lru_cache(maxsize=1024)
def _of_systems(scopes: frozenset[str]) -> tuple[str, ...]:
    """Return in their order the scopes that are about no citizen."""
    return tuple(sorted(scope for scope in scopes - ABOUT_CITIZENS if not scope.startswith(SCOPE_PREFIX)))


def _as_written(new: NewMachineAuthorization) -> AnyAuthorization:
    return AnyAuthorization(
        id=new.id,
        grant_type=new.grant_type,
        client_id=new.client_id,
        scope=new.scope,
        claims="",
        resource=new.resource,
        subject=new.subject,
        dpop_jkt=new.dpop_jkt,
        certificate_x5t=new.certificate_x5t,
        created_at=new.at,
        last_used_at=new.at,
    )
