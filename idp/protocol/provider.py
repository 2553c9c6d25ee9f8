"""The bag of what protocol functions work with, typed; made once per process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idp.assurance import Assurance
    from idp.ephemeral import Ephemeral
    from idp.outbound import OutboundClient
    from idp.protocol.store import ApprovalStore, AuthorizationStore, MachineAuthorizationStore
    from idp.relying_parties.details_types import DetailsTypes
    from idp.relying_parties.directory import Directory
    from idp.relying_parties.purposes import PurposeCatalogue
    from idp.settings import Settings
    from keys import KeyRing, Sealer
    from keys.certificates import Authorities


@dataclass(frozen=True, slots=True)
class Provider:
    """What the provider is made of, as far as the protocol is concerned."""

    settings: Settings
    ephemeral: Ephemeral
    authorizations: AuthorizationStore
    machine_authorizations: MachineAuthorizationStore
    directory: Directory
    purposes: PurposeCatalogue
    details_types: DetailsTypes
    assurance: Assurance
    ring: KeyRing
    sealer: Sealer
    outbound: OutboundClient
    approvals: ApprovalStore
    client_authorities: Authorities

    @property
    def issuer(self) -> str:
        """The issuer, byte for byte as in every token and document."""
        return self.settings.server.issuer
