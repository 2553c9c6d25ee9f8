"""Calls to others: the one client for every address that a relying party gave us, and so for no address of ours.

One that the operator has chosen may be in the operator's own network (`own_network`).

A name is resolved once and every address that it has must be public; the call then goes to the address that was
checked, so a name that changes its mind in between reaches nobody, and TLS still proves the name.
"""

from idp.outbound.addresses import addresses_of, is_public
from idp.outbound.client import Fetched, OutboundClient

__all__ = ["Fetched", "OutboundClient", "addresses_of", "is_public"]
