"""Tells one relying party that its citizen has answered (OpenID Connect CIBA Core section 10.2)."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

import orjson

from idp.protocol.grants.decoupled import waiting
from idp.worker.answers import Undeliverable, Unready, require_received

if TYPE_CHECKING:
    from idp.outbox import ClaimedDelivery
    from idp.services import Services

SUCCEEDED = (200, 204)
REFUSED = range(300, 500)
"""Redirects among them: a relying party must not send one, and none is followed."""


def send(claimed: ClaimedDelivery, *, services: Services) -> None:
    """Post the name of the request, with the token that the relying party made for it.

    Raises:
        Unwanted: the relying party does not take it; its own questions are answered all the same.
        Undeliverable: there is nobody to tell any more, or nothing that could still be asked for: it is over, or the
            relying party has asked by itself and has its tokens.
        Unready: the answer is not there yet, or this ping breaks something there.
        SealBroken: what the ping needs does not open.
        OutboundError: it cannot be reached, or answers otherwise.

    Source: OpenID Connect CIBA Core section 10.2.
    """
    provider = services.provider
    client = provider.directory.registered(claimed.target)
    address = client.backchannel.notification_endpoint if client is not None and client.backchannel else None
    found = waiting.untaken(name=claimed.payload["request"], client_id=claimed.target, ephemeral=provider.ephemeral)
    if address is None or found is None or found.sealed_notice is None:
        raise Undeliverable("The request is over, or answered, or the relying party is no longer registered for this.")
    if found.status == "waiting":
        raise Unready("Its answer is about to be written.")
    sealed = b64decode(found.sealed_notice)
    notice = orjson.loads(provider.sealer.unseal(purpose=waiting.NOTICE_PURPOSE, sealed=sealed))
    members = {"auth_req_id": notice["auth_req_id"]}
    status = provider.outbound.post_json(address, members, bearer=notice["token"])
    require_received(status, claimed=claimed, what="notification", succeeded=SUCCEEDED, refused=REFUSED, needed=204)
