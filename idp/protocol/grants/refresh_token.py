"""refresh_token: the authorization is touched through every gate, and answers with fresh tokens.

A confidential relying party keeps its refresh token (FAPI 2.0 section 5.3.2.1), which is bound to it by its
authentication: it may prove another key at each use (RFC 9449 section 5, RFC 8705 section 7.1), but never none where it
once proved one. A public client's is bound to its key, and replaced at each use (RFC 9700 section 4.14.2).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from idp.audit.events import AuthorizationRefreshed
from idp.errors import InvalidGrant, InvalidRequest, UnauthorizedClient
from idp.protocol import tokens
from idp.protocol.client_auth import spend
from idp.protocol.grants import rotation
from idp.protocol.grants.call import TokenAnswer
from idp.protocol.grants.narrowing import narrowed
from idp.protocol.records import SenderKey
from idp.protocol.subject import session_for
from idp.protocol.tokens import IdTokenExtras

if TYPE_CHECKING:
    from idp.protocol.grants.call import GrantCall
    from idp.protocol.records import LiveAuthorization

UNBOUND = SenderKey()
NARROWING = frozenset({"resource", "scope", "authorization_details"})


def answer(call: GrantCall) -> TokenAnswer:
    """Use a refresh token.

    1. the replay mark and the limit, in one wave; 2. one UPDATE finds the authorization, if it is this relying
    party's and every gate is open, and puts the next token in place of this one where tokens are replaced; 3. in the
    same transaction scope and key are compared, and the event written; 4. tokens are signed.

    Raises:
        InvalidRequest: no refresh token, or a key was proved once, and none is now. InvalidGrant: not good, not this
            relying party's, or a gate is shut. InvalidScope: more was asked than was agreed.

    Source: RFC 6749 section 6, OpenID Connect Core section 12, RFC 9449 section 5.
    """
    token = call.form.get("refresh_token")
    client, provider = call.proof.client, call.provider
    if token is None:
        raise InvalidRequest("refresh_token is missing.")
    if "refresh_token" not in client.grant_types:
        raise UnauthorizedClient("This relying party is not registered for refresh_token.")
    spend(call.proof, provider=provider)  # 1
    answered, replaced = token, None
    if client.profile.rotates_refresh:
        answered, replaced = rotation.rotated(token, sealer=provider.sealer)
    live = provider.authorizations.refresh(  # 2, 3
        refresh_hash=tokens.refresh_hash(token),
        client_id=client.client_id,
        accept=partial(_check, call),
        event=AuthorizationRefreshed(actor=f"client:{client.client_id}", client_id=client.client_id),
        rotation=replaced,
        accepts_bound=_accepts_bound(call),
    )
    if live is None:
        raise InvalidGrant(rotation.NOT_GOOD)
    sid = session_for(client=client, session_id=live.session_id, sealer=provider.sealer)
    members = tokens.answer_members(  # 4
        authorization=narrowed(
            replace(live, sid=sid, dpop_jkt=call.sender.jkt, certificate_x5t=call.sender.x5t),
            form=call.form,
            scope=call.form.get("scope"),
        ),
        client=client,
        extras=IdTokenExtras(),
        provider=provider,
        now=call.now,
    )
    return TokenAnswer({**members, "refresh_token": answered})


def _accepts_bound(call: GrantCall) -> bool | None:
    """Say what `_check` will without seeing the row, or None where it has to see it."""
    if call.proof.client.authentication_method == "none" or not call.form.keys().isdisjoint(NARROWING):
        return None
    return call.sender != UNBOUND


def _check(call: GrantCall, live: LiveAuthorization) -> None:
    """Compare the request with what the refresh token stands for, before anything is changed for good."""
    narrowed(live, form=call.form, scope=call.form.get("scope"))
    former, sender = SenderKey(jkt=live.dpop_jkt, x5t=live.certificate_x5t), call.sender
    if call.proof.client.authentication_method == "none":
        if former != sender:
            raise InvalidGrant("The refresh token is bound to another key than the one that was proved.")
    elif former != UNBOUND and sender == UNBOUND:
        raise InvalidRequest("This authorization was given to the holder of a key: prove one.")
