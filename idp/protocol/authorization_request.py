"""From parameters to a checked authorization request; and which errors may be sent to which address."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from idp.ephemeral import Read, Write
from idp.errors import InvalidRequest, InvalidRequestUri, ProtocolError
from idp.protocol import request_object
from idp.protocol.authorization_response import default_mode
from idp.protocol.records import AuthorizationRequest
from idp.protocol.request_checks import BEFORE_REDIRECT, CHECKS, LONGEST_LOCALES, LONGEST_STATE
from idp.protocol.request_checks.draft import Draft

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from idp.protocol.authorization_response import Asked
    from idp.protocol.client_auth import Mark
    from idp.protocol.provider import Provider
    from idp.relying_parties.client import RelyingParty

REQUEST_URI_PREFIX = "urn:ietf:params:oauth:request_uri:"
URI_BYTES = 32


class RefusedAtRedirect(Exception):
    """A refusal that the relying party is told at a redirect address that has been checked."""

    def __init__(self, error: ProtocolError, *, asked: Asked, client: RelyingParty) -> None:
        """Keep the refusal, and where and how it goes."""
        super().__init__(error.public)
        self.error = error
        self.asked = asked
        self.client = client


@dataclass(frozen=True, slots=True)
class _Refused:
    """What an answer has to know of a request that was refused."""

    redirect_uri: str
    state: str | None
    response_mode: str
    ui_locales: str | None


@dataclass(frozen=True, slots=True)
class Taken:
    """A checked request, and the marks that must still be claimed so that its object is used once."""

    request: AuthorizationRequest
    marks: tuple[Mark, ...] = ()


def take(
    *, unverified: Mapping[str, str], client: RelyingParty, provider: Provider, pushed: bool, now: datetime
) -> Taken:
    """Open the signed request object, where one was sent, and run every check that applies.

    Raises:
        ProtocolError: the redirect address is not good: say so on a page (or at PAR, in the answer).
        RefusedAtRedirect: anything else.

    Source: RFC 9101 section 6, OpenID Connect Core section 3.1.2.2, RFC 9126 sections 2.1 and 3.
    """
    try:
        found = request_object.opened(unverified=unverified, client=client, provider=provider, pushed=pushed, now=now)
    except ProtocolError as error:
        said = request_object.said_unverified(unverified)
        if not client.accepts_redirect(said.get("redirect_uri", "")):
            raise
        raise _refused(error, said=said, client=client, mode=default_mode(client)) from error
    return Taken(check(unverified=found.parameters, client=client, provider=provider, pushed=pushed), found.marks)


def check(
    *, unverified: Mapping[str, str], client: RelyingParty, provider: Provider, pushed: bool
) -> AuthorizationRequest:
    """Run every check that applies to parameters that lie open; `take` opens an object first.

    Raises:
        ProtocolError: the redirect address is not good: say so on a page (or at PAR, in the answer).
        RefusedAtRedirect: anything else.

    Source: OpenID Connect Core section 3.1.2.2, RFC 9126 section 2.1.
    """
    draft = Draft(unverified=unverified, client=client, provider=provider, pushed=pushed)
    established: dict[str, object] = {"client_id": client.client_id, "generation": client.generation}
    for check_row in BEFORE_REDIRECT:
        established.update(check_row.run(draft))
    try:
        for check_row in CHECKS:
            if check_row.par if pushed else check_row.authorize:
                established.update(check_row.run(draft))
    except ProtocolError as error:
        mode = str(established.get("response_mode") or default_mode(client))
        raise _refused(error, said=unverified, client=client, mode=mode) from error
    return AuthorizationRequest(**established)  # type: ignore[arg-type]  # each check names its fields


def _refused(error: ProtocolError, *, said: Mapping[str, str], client: RelyingParty, mode: str) -> RefusedAtRedirect:
    """Return the refusal that goes to the address that has been compared already; a state too long stays here."""
    state = said.get("state")
    asked = _Refused(
        redirect_uri=said["redirect_uri"],
        state=state if state is None or len(state) <= LONGEST_STATE else None,
        response_mode=mode,
        ui_locales=said.get("ui_locales", "")[:LONGEST_LOCALES] or None,
    )
    return RefusedAtRedirect(error, asked=asked, client=client)


def pushed_key(pushed_id: str) -> str:
    """Return the memory's key for a pushed request."""
    return f"par:{pushed_id}"


def keep_step(request: AuthorizationRequest, *, seconds: int) -> tuple[str, Write]:
    """Return a new `request_uri`, and the step that keeps a checked request under it (RFC 9126 section 2.2)."""
    pushed_id = secrets.token_urlsafe(URI_BYTES)
    return REQUEST_URI_PREFIX + pushed_id, Write(pushed_key(pushed_id), request.to_json(), seconds)


def read_step(unverified: Mapping[str, str]) -> Read | None:
    """Return the step that reads the pushed request that is named, if one is.

    One that is not ours names nothing here; `take` refuses it.

    Raises:
        InvalidRequest: `request` stands beside it.
    """
    uri = unverified.get("request_uri", "")
    if not uri.startswith(REQUEST_URI_PREFIX):
        return None
    if "request" in unverified:
        raise InvalidRequest("request and request_uri exclude each other.")
    return Read(pushed_key(uri.removeprefix(REQUEST_URI_PREFIX)))


def from_pushed(*, unverified: Mapping[str, str], stored: bytes | None, client: RelyingParty) -> AuthorizationRequest:
    """Open the pushed request; everything beside it in the front channel is ignored.

    Raises:
        InvalidRequestUri: it is unknown, too old, used, was pushed by another relying party, or was checked against
            addresses and keys that are no longer registered.

    Source: RFC 9126 section 4, RFC 9101 section 6.3.
    """
    if stored is None:
        raise InvalidRequestUri("The pushed request is unknown, used or too old. Start again at the portal.")
    pushed_id = unverified["request_uri"].removeprefix(REQUEST_URI_PREFIX)
    request = AuthorizationRequest.from_members({**orjson.loads(stored), "pushed_id": pushed_id})
    if request.client_id != client.client_id:
        raise InvalidRequestUri("The request was pushed by another relying party.")
    if request.generation != client.generation:
        raise InvalidRequestUri("The portal has changed its registration since. Start again at the portal.")
    return request
