"""What a token request may ask less of: one of several resources, fewer scopes, less of the authorization details."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from idp.errors import InvalidAuthorizationDetails, InvalidScope, InvalidTarget
from idp.protocol.records import LiveAuthorization
from idp.relying_parties import authorization_details

if TYPE_CHECKING:
    from collections.abc import Mapping

Authorization = TypeVar("Authorization", bound=LiveAuthorization)


def narrowed(authorization: Authorization, *, form: Mapping[str, str], scope: str | None = None) -> Authorization:
    """Return the authorization as the one token that is asked for sees it; the row that is kept stays as it is.

    One token is for one resource: the one that is named, else the first of those that were asked for at the
    authorization endpoint. A token for userinfo says nothing of its scope, so nothing of it can be left out. `scope` is
    what a refresh request asks for; where a code is redeemed there is no such parameter.

    Raises:
        InvalidTarget, InvalidScope, InvalidAuthorizationDetails: it is more than what was agreed, or something else.

    Source: RFC 8707 section 2.2, RFC 6749 section 6, RFC 9396 section 6.
    """
    resource = _resource(authorization.resource, form.get("resource"))
    details = form.get("authorization_details")
    if scope is not None and not set(scope.split(" ")) <= set(authorization.scope.split(" ")):
        raise InvalidScope("scope may not be wider than what was agreed.")
    if details is not None and resource is None:
        raise InvalidAuthorizationDetails("authorization_details can be narrowed in a token for a resource only.")
    if resource == authorization.resource and scope is None and details is None:
        return authorization  # which is nearly always so, and a copy of that many fields is not free
    return replace(
        authorization,
        resource=resource,
        scope=authorization.scope if scope is None or resource is None else scope,
        authorization_details=authorization.authorization_details
        if details is None
        else authorization_details.narrowed(details, granted=authorization.authorization_details),
    )


def _resource(granted: str | None, unverified: str | None) -> str | None:
    """Return the one resource of this token."""
    offered = granted.split(" ") if granted else []
    if unverified is None:
        return offered[0] if offered else None
    if unverified not in offered:
        raise InvalidTarget("resource is one of those of the authorization request, and one for each token.")
    return unverified
