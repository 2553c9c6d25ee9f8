"""Sends one logout token to one relying party (OpenID Connect Back-Channel Logout section 2.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp import clock
from idp.errors import NoAnswer
from idp.protocol.logout import logout_token
from idp.worker.answers import Undeliverable, require_received

if TYPE_CHECKING:
    from idp.outbox import ClaimedDelivery
    from idp.services import Services

SUCCEEDED = (200, 204)
"""204 because some frameworks make it of an empty answer (section 2.8)."""
REFUSED = (400,)


def send(claimed: ClaimedDelivery, *, services: Services) -> None:
    """Make a logout token with the key of now, and post it.

    Raises:
        Unwanted: the relying party answers 400; another time it would answer the same.
        Undeliverable: there is nobody to send it to any more.
        Unready: this logout breaks something there.
        OutboundError: it is suspended for now, cannot be reached, or answers otherwise.

    Source: OpenID Connect Back-Channel Logout sections 2.5 and 2.8.
    """
    provider = services.provider
    client = provider.directory.find(claimed.target)
    if client is None and provider.directory.may_work_again(claimed.target):
        raise NoAnswer("It is suspended, and hears of this when it works again.")
    if client is None or client.logout.backchannel_uri is None:
        raise Undeliverable("It is no longer registered for this.")
    token = logout_token(
        client=client,
        subject=claimed.payload["subject"],
        session_id=claimed.payload["session_id"],
        provider=provider,
        now=clock.now(),
    )
    status = provider.outbound.post_form(client.logout.backchannel_uri, {"logout_token": token})
    require_received(status, claimed=claimed, what="logout token", succeeded=SUCCEEDED, refused=REFUSED, needed=200)
