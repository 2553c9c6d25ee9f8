"""GET or POST /userinfo: what the citizen agreed to share, and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import uuid_utils

from idp import clock
from idp.endpoints._access import presented
from idp.endpoints._http import NO_STORE, Request, Response, json_response
from idp.errors import InvalidToken
from idp.protocol import messages
from idp.protocol.claims.released import released
from idp.protocol.sender import dpop
from idp.protocol.sender.access import check

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from idp.protocol.provider import Provider
    from idp.relying_parties.client import RelyingParty
    from idp.services import Services

JWT_HEADERS = (("Content-Type", "application/jwt"), *NO_STORE)
INTERACTION = "X-FAPI-Interaction-Id"
UUID_TEXT = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def answer(request: Request, services: Services) -> Response:
    """Answer with the claims that are agreed, as the register has them now.

    1. one access token, in one place, sent by who holds the key that it is bound to, if it is; 2. the authorization
    behind it, through every gate, in one read; 3. the claims;
    4. plain, signed, encrypted or both, as the relying party has registered.

    Raises:
        InvalidRequest: a token in two places. InvalidToken: none, or not good, or no longer. DpopProofRefused,
            DpopNonceNeeded: it is bound to a key, and the proof is not good.
        UnauthorizedClient: its answer is to be encrypted and none of the relying party's keys fits.

    Source: OpenID Connect Core section 5.3, RFC 6750 section 2.
    """
    provider, now = services.provider, clock.now()
    access = check(presented(request), provider=provider, now=now)  # 1
    live = provider.authorizations.live(authorization_id=access.authorization_id)  # 2
    client = provider.directory.find(live.client_id) if live else None
    if client is None or live is None or live.known is None or live.resource is not None:
        raise InvalidToken("The access token is not good, or no longer.")
    register = provider.settings.register
    words = live.claims.split()
    claims = released(known=live.known, words=words, scope=live.scope, subject=live.subject, register=register)  # 3
    response = _rendered({**claims, "sub": live.subject}, client=client, provider=provider)  # 4
    more = dpop.answer_headers(provider, now=now) if access.sender.jkt else ()
    headers = (*response.headers, (INTERACTION, _interaction(request)), *more)
    return Response(response.status, headers, response.body)


def _interaction(request: Request) -> str:
    """Return by what both sides find this call in their logs: the caller's word where it is a UUID, else one of ours.

    Source: FAPI 1.0 Baseline section 6.2.1, which FAPI CIBA rests on.
    """
    sent = request.header(INTERACTION) or ""
    return sent if UUID_TEXT.fullmatch(sent) else str(uuid_utils.uuid4())


def _rendered(claims: Mapping[str, Any], *, client: RelyingParty, provider: Provider) -> Response:
    """Render as registered (OpenID Connect Core section 5.3.2); a signed answer says from whom and for whom it is.

    It has no `exp`, so that it is no ID token, neither to the relying party nor to us as a hint (RFC 8725 3.12).
    """
    algorithm, encryption = client.messages.userinfo_algorithm, client.messages.userinfo_encryption
    if algorithm is not None:
        said = {**claims, "iss": provider.issuer, "aud": client.client_id}
        protection = messages.Protection(algorithm, encryption)
        token = messages.signed(said, protection=protection, client=client, provider=provider, now=clock.now())
    elif encryption is not None:
        token = messages.unsigned(claims, encryption=encryption, client=client)
    else:
        return json_response(claims)
    return Response(200, JWT_HEADERS, token.encode())
