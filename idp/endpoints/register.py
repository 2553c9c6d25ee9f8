"""/register: a relying party registers itself, and reads, changes and ends its registration by the token it was given.

One path for all: whose registration is meant stands in the query, as RFC 7592 section 3 leaves to us.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson

from idp import limits
from idp.endpoints._http import NO_STORE, Request, Response, check_address, json_response, read_body
from idp.errors import InvalidRequest, InvalidToken
from idp.relying_parties.refusals import InvalidClientMetadata

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from idp.relying_parties.registration import RegistrationAnswer
    from idp.services import Services

PATH = "/register"
BEARER = "bearer "
LONGEST_TOKEN = 256
JSON = "application/json"
CREATED = 201
INTERNAL = frozenset({"owner"})
"""What is registered and concerns the relying party itself less than others: not told here."""


def answer(request: Request, services: Services) -> Response:
    """Answer one of the four requests: POST registers; GET reads, PUT changes and DELETE ends one registration.

    Raises:
        SlowDown: too many requests from this address.
        InvalidToken: no token, or not a good one; one answer for every reason.
        ProtocolError: what is wrong, every broken rule of it; nothing was changed.

    Source: RFC 7591 section 3, RFC 7592 section 2, OpenID Connect Registration sections 3 and 4.
    """
    _count(request, services)
    return METHODS[request.method](request, services)


def _register(request: Request, services: Services) -> Response:
    if request.query:
        raise InvalidRequest("Metadata belongs into the body.")
    token = _token(request)
    registered = services.registrar.register(_metadata(request), unverified_token=token)
    return json_response(_members(registered, services), status=CREATED)


def _read(request: Request, services: Services) -> Response:
    registered = services.registrar.read(unverified_client_id=_client_id(request), unverified_token=_token(request))
    return json_response(_members(registered, services))


def _change(request: Request, services: Services) -> Response:
    changed = services.registrar.change(
        _metadata(request), unverified_client_id=_client_id(request), unverified_token=_token(request)
    )
    return json_response(_members(changed, services))


def _end(request: Request, services: Services) -> Response:
    services.registrar.end(unverified_client_id=_client_id(request), unverified_token=_token(request))
    return Response(204, NO_STORE)


METHODS: dict[str, Callable[[Request, Services], Response]] = {
    "POST": _register,
    "GET": _read,
    "HEAD": _read,
    "PUT": _change,
    "DELETE": _end,
}


def _count(request: Request, services: Services) -> None:
    """Count the request before anything is looked at."""
    settings = services.provider.settings.limits
    steps = limits.steps("registration", settings=settings, address=request.address)
    check_address("registration", services.provider.ephemeral.wave(*steps), settings=settings)


def _token(request: Request) -> str | None:
    """Return the bearer token of the Authorization header (RFC 6750 section 2.1); it stands nowhere else."""
    header = request.authorization
    if header is None:
        return None
    token = header[len(BEARER) :]
    if header[: len(BEARER)].lower() != BEARER or not token or len(token) > LONGEST_TOKEN or not token.isascii():
        raise InvalidToken("Send the token as Authorization: Bearer.")
    return token


def _client_id(request: Request) -> str:
    if set(request.query) != {"client_id"}:
        raise InvalidRequest("Call the registration_client_uri as it was given.")
    return request.query["client_id"]


def _metadata(request: Request) -> Mapping[str, Any]:
    """Read the body: one JSON object (RFC 7591 section 3.1)."""
    try:
        metadata = orjson.loads(read_body(request.environ, kind=JSON))
        orjson.dumps(metadata)  # what lies deeper than this could not be kept
    except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
        raise InvalidClientMetadata("The body is not JSON.") from error
    if not isinstance(metadata, dict):
        raise InvalidClientMetadata("The body has to be one JSON object.")
    return metadata


def _members(registered: RegistrationAnswer, services: Services) -> dict[str, Any]:
    """Return all that is registered, and how to come back to it (RFC 7591 section 3.2.1, RFC 7592 section 3)."""
    client = registered.client
    members = {name: value for name, value in client.metadata.items() if name not in INTERNAL}
    members |= {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created_at.timestamp()),
        "registration_client_uri": f"{services.provider.issuer}{PATH}?{urlencode({'client_id': client.client_id})}",
        "registration_access_token": registered.token,
        "registration_status": client.status,
    }
    if registered.secret is not None:
        members["client_secret"] = registered.secret
    if client.secret_hash is not None:
        members["client_secret_expires_at"] = 0
    return members
