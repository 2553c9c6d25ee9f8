"""How a relying party is shown to a citizen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.pages._words import current_language

if TYPE_CHECKING:
    from idp.relying_parties.client import RelyingParty


@dataclass(frozen=True, slots=True)
class PortalView:
    """The portal that stands at the top of a page."""

    name: str
    owner: str
    uri: str | None
    verified: bool
    sandbox: bool


def portal_view(client: RelyingParty | None) -> PortalView | None:
    """Return what the page shows of a portal, in the page's language."""
    if client is None:
        return None
    language = current_language()
    return PortalView(
        name=client.text(client.name, language),
        owner=client.text(client.owner, language),
        uri=client.uri,
        verified=True,
        sandbox=client.sandbox,
    )
