"""refresh_token: the authorization is touched through every gate, and answers with fresh tokens.

A confidential relying party keeps its refresh token: rotation is for public clients (FAPI 2.0 section 5.3.2.1).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from idp.audit.events import AuthorizationRefreshed
from idp.errors import InvalidGrant, InvalidRequest, InvalidScope, UnauthorizedClient
from idp.protocol import tokens
from idp.protocol.client_auth import spend
from idp.protocol.grants.call import TokenAnswer
from idp.protocol.subject import session_for
from idp.protocol.tokens import IdTokenExtras

if TYPE_CHECKING:
    from idp.protocol.grants.call import GrantCall
    from idp.protocol.records import LiveAuthorization


def answer(call: GrantCall) -> TokenAnswer:
    """Use a refresh token.

    1. the replay mark and the limit, in one wave; 2. one UPDATE finds the authorization, if it is this relying
    party's and every gate is open; 3. in the same transaction the scope is compared, and the event written; 4. tokens
    are signed.

    Raises:
        InvalidRequest: no refresh token. InvalidGrant: not good, not this relying party's, or a gate is shut.
        InvalidScope: more was asked than was agreed.

    Source: RFC 6749 section 6, OpenID Connect Core section 12.
    """
    token = call.form.get("refresh_token")
    client, provider = call.proof.client, call.provider
    if token is None:
        raise InvalidRequest("refresh_token is missing.")
    if "refresh_token" not in client.grant_types:
        raise UnauthorizedClient("This relying party is not registered for refresh_token.")
    spend(call.proof, provider=provider)  # 1
    event = AuthorizationRefreshed(actor=f"client:{client.client_id}", client_id=client.client_id)

    def not_wider(live: LiveAuthorization) -> None:  # 3
        if not set(call.form.get("scope", live.scope).split(" ")) <= set(live.scope.split(" ")):
            raise InvalidScope("scope may not be wider than what was agreed.")
        if live.certificate_x5t not in {None, call.sender.x5t}:
            raise InvalidGrant("The refresh token is bound to a client certificate: use it with that certificate.")

    live = provider.authorizations.refresh(  # 2
        refresh_hash=tokens.refresh_hash(token), client_id=client.client_id, accept=not_wider, event=event
    )
    if live is None:
        raise InvalidGrant("The refresh token is not good, or no longer.")
    sid = session_for(client=client, session_id=live.session_id, sealer=provider.sealer)
    members = tokens.answer_members(  # 4
        authorization=replace(live, sid=sid), client=client, extras=IdTokenExtras(), provider=provider, now=call.now
    )
    return TokenAnswer({**members, "refresh_token": token})
