"""A request on its way through CHECKS, and those of them that are about more than scopes and claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from idp.errors import InvalidRequest, InvalidTarget
from idp.protocol.claims import requested
from idp.relying_parties import authorization_details

if TYPE_CHECKING:
    from idp.protocol.claims.requested import ClaimsParameter
    from idp.protocol.provider import Provider
    from idp.relying_parties.client import RelyingParty

Established = Mapping[str, Any]


@dataclass(frozen=True)  # without slots, so that `claims` is read once
class Draft:
    """A request on its way through the checks; `unverified` holds single, non-empty parameters."""

    unverified: Mapping[str, str]
    client: RelyingParty
    provider: Provider
    pushed: bool

    @cached_property
    def claims(self) -> ClaimsParameter:
        """The claims parameter, taken apart when the first check asks for it.

        Raises:
            InvalidRequest: as `requested.read`.
        """
        return requested.read(self.unverified.get("claims"), register=self.provider.settings.register)


def resource(draft: Draft) -> Established:
    """Read the resource servers that access tokens may be for, each for one (RFC 8707 section 2)."""
    asked = dict.fromkeys(draft.unverified.get("resource", "").split())
    if not set(asked) <= set(draft.client.resources):
        raise InvalidTarget("This relying party is not registered for that resource.")
    return {"resource": " ".join(asked) or None}


def details(draft: Draft) -> Established:
    """Read what is asked for in terms of the registry of types (RFC 9396 section 2)."""
    text = draft.unverified.get("authorization_details")
    if text is None:
        return {}
    allowed, types = draft.client.details_types, draft.provider.details_types
    checked = authorization_details.check(text, types=types, allowed=allowed)
    items = tuple(authorization_details.item_of(one, types=types) for one in orjson.loads(checked))
    return {"authorization_details": checked, "details_items": items}


def grant_management(draft: Draft) -> Established:
    """Read whether the relying party wants to manage what it is given (Grant Management for OAuth 2.0 section 4)."""
    action = draft.unverified.get("grant_management_action")
    if action not in {None, "create"} or "grant_id" in draft.unverified:
        raise InvalidRequest("grant_management_action is create; a grant that is there is not changed by a request.")
    return {"tells_grant": action is not None}
