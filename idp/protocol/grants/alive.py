"""What a token of ours stands for at this moment: read, and looked up through every gate, in one read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from idp.errors import InvalidToken
from idp.protocol.grants.call import MICROS
from idp.protocol.records import AnyAuthorization, SenderKey
from idp.protocol.tokens import REFRESH_PREFIX, AccessToken, read_access_token, refresh_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.protocol.provider import Provider

NOT_GOOD = "The token is not good, or no longer."


@dataclass(frozen=True, slots=True)
class AliveToken:
    """A token that is good, and the authorization behind it; `said` is what a token for a resource says itself.

    Instants are seconds since 1970.
    """

    authorization: AnyAuthorization
    sender: SenderKey
    is_refresh: bool
    issued_at: int
    ends_at: int | None
    said: Mapping[str, Any] | None

    @property
    def resource(self) -> str | None:
        """The resource that it is for; None: userinfo, or a refresh token."""
        return None if self.said is None else str(self.said["aud"])

    @property
    def scope(self) -> str:
        """The scope of this one token."""
        return self.authorization.scope if self.said is None else str(self.said.get("scope", ""))

    @property
    def details(self) -> str | None:
        """The authorization details of this one token, as JSON."""
        if self.said is None:
            return self.authorization.authorization_details
        details = self.said.get("authorization_details")
        return None if details is None else orjson.dumps(details).decode()


def find(*, unverified_token: str, provider: Provider) -> AliveToken:
    """Return what a token stands for, if every gate behind it is open.

    Raises:
        InvalidToken: it is none of ours, or its time is over, or something behind it was ended.

    Source: RFC 7662 section 2.2, RFC 9068 section 4.
    """
    if unverified_token.startswith(REFRESH_PREFIX):
        return _refresh(unverified_token, provider=provider)
    token = read_access_token(unverified_token=unverified_token, provider=provider)
    found = provider.machine_authorizations.find(authorization_id=token.authorization_id)
    if found is None or not _fits(token, found):
        raise InvalidToken(NOT_GOOD)
    lasting = provider.settings.tokens.access_token_seconds
    issued = token.ends_at - lasting if token.claims is None else int(token.claims["iat"])
    return AliveToken(found, token.sender, is_refresh=False, issued_at=issued, ends_at=token.ends_at, said=token.claims)


def _fits(token: AccessToken, authorization: AnyAuthorization) -> bool:
    """Tell whether a token is one that this authorization gives: a token for userinfo, or for one of its resources."""
    if token.claims is None:
        return authorization.resource is None
    resources = (authorization.resource or "").split(" ")
    return token.claims["client_id"] == authorization.client_id and token.claims["aud"] in resources


def _refresh(unverified_token: str, *, provider: Provider) -> AliveToken:
    found = provider.machine_authorizations.find_by_refresh(refresh_hash=refresh_hash(unverified_token))
    if found is None:
        raise InvalidToken(NOT_GOOD)
    return AliveToken(
        found,
        SenderKey(jkt=found.dpop_jkt, x5t=found.certificate_x5t),
        is_refresh=True,
        issued_at=found.created_at // MICROS,
        ends_at=None if found.refresh_expires_at is None else found.refresh_expires_at // MICROS,
        said=None,
    )
