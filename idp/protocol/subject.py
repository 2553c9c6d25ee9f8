"""The `sub` that a relying party sees: pairwise per sector, never the number, never reversible."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idp.relying_parties.client import RelyingParty
    from keys import Sealer

PUBLIC_SECTOR = "*"


def subject_for(*, client: RelyingParty, citizen_id: str, sealer: Sealer) -> str:
    """Return 43 characters that are the same for one citizen at every relying party of one sector.

    Source: OpenID Connect Core section 8.1.
    """
    sector = PUBLIC_SECTOR if client.subject_type == "public" else client.sector
    digest = sealer.keyed_hash(purpose="pairwise subject", message=f"{sector}\x00{citizen_id}".encode())
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def session_for(*, client: RelyingParty, session_id: str, sealer: Sealer) -> str:
    """Return the `sid` that a relying party sees: one session, but not the same to two relying parties.

    Source: OpenID Connect Back-Channel Logout section 2.1.
    """
    digest = sealer.keyed_hash(purpose="pairwise session", message=f"{client.client_id}\x00{session_id}".encode())
    return urlsafe_b64encode(digest[:18]).decode()
