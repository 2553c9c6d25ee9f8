"""Answers: what an operation may answer, from its success to every refusal, with status, headers and body."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from idp.endpoints._http import EVERYWHERE, INCIDENT, NO_STORE
from idp.errors import (
    InvalidRequest,
    MethodNotAllowed,
    ServerError,
    TemporarilyUnavailable,
    TooLarge,
    UnsupportedMediaType,
    UseDpopNonce,
)
from idp.openapi.schemas import TEXT, Schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from idp.endpoints import Route
    from idp.errors import ProtocolError

ALWAYS: tuple[type[ProtocolError], ...] = (
    InvalidRequest,
    MethodNotAllowed,
    TooLarge,
    ServerError,
    TemporarilyUnavailable,
)
"""What any endpoint may say: of a request that cannot be read, and of trouble here."""

MISDIRECTED = 421
INCIDENT_NUMBER = {"required": True, "schema": TEXT, "description": "Under this number the operator finds the reason."}
SCRIPTED: Schema = {
    "type": "object",
    "properties": {"message": TEXT, "reason": TEXT, "incident": {"type": ["string", "null"]}},
    "required": ["message", "reason"],
}
PAGE = {"text/html": {"schema": TEXT}, "application/json": {"schema": SCRIPTED}}
"""A page for the citizen; who sends JSON, as scripts of our pages do, is told in JSON."""


@dataclass(frozen=True, slots=True)
class Success:
    """One good answer; `content` maps a media type to the schema of its body, `headers` each header to its own."""

    status: int
    text: str
    content: Mapping[str, Schema] = field(default_factory=dict)
    headers: Mapping[str, Schema] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()  # headers that are not always there
    kept: bool = False  # may be kept by whoever asked; all else is `no-store`


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path: what it takes, and what it answers."""

    summary: str
    answers: tuple[Success, ...]
    refusals: tuple[type[ProtocolError], ...] = ()
    parameters: tuple[Schema, ...] = ()
    body: Schema | None = None
    security: tuple[str, ...] = ()
    anywhere: bool = False  # answered under any host


def reference(name: str) -> Schema:
    """Return a reference to a schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def described(operation: Operation, *, route: Route, method: str) -> dict[str, Any]:
    """Return an operation object (OpenAPI section 4.8.10)."""
    refusals = {*operation.refusals, *ALWAYS, *((UnsupportedMediaType,) if operation.body else ())}
    responses = _refused(refusals, route=route)
    if not operation.anywhere:
        responses[str(MISDIRECTED)] = _elsewhere()
    for success in operation.answers:
        responses[str(success.status)] = _succeeded(success, route=route)
    if method == "HEAD":
        for answer in responses.values():
            answer.pop("content", None)
    found: dict[str, Any] = {"summary": operation.summary, "responses": dict(sorted(responses.items()))}
    if operation.parameters:
        found["parameters"] = list(operation.parameters)
    if operation.body is not None:
        found["requestBody"] = operation.body
    if operation.security:
        found["security"] = [{name: []} if name else {} for name in operation.security]
    return found


def _constant(headers: Iterable[tuple[str, str]]) -> dict[str, Any]:
    return {name: {"required": True, "schema": {"const": value}} for name, value in headers}


def _succeeded(success: Success, *, route: Route) -> dict[str, Any]:
    headers = _constant(EVERYWHERE) | ({} if success.kept or route.browser else _constant(NO_STORE))
    if route.cors:
        headers |= _constant((("Access-Control-Allow-Origin", "*"),))
    for name, schema in success.headers.items():
        headers[name] = {"required": name not in success.optional, "schema": schema}
    answer: dict[str, Any] = {"description": success.text, "headers": headers}
    if success.content:
        answer["content"] = {kind: {"schema": schema} for kind, schema in success.content.items()}
    return answer


def _refused(refusals: Iterable[type[ProtocolError]], *, route: Route) -> dict[str, Any]:
    """Return one answer for each status, which says every error that comes with it."""
    by_status: dict[int, list[type[ProtocolError]]] = defaultdict(list)
    for refusal in refusals:
        by_status[refusal.status].append(refusal)
    return {str(status): _refusal(status, kinds, route=route) for status, kinds in by_status.items()}


def _refusal(status: int, kinds: list[type[ProtocolError]], *, route: Route) -> dict[str, Any]:
    if route.browser and status != MethodNotAllowed.status:
        return {"description": f"{HTTPStatus(status).phrase}: a page for the citizen.", "content": PAGE}
    codes = sorted({kind.code for kind in kinds})
    body = {
        "type": "object",
        "properties": {"error": {"enum": codes}, "error_description": TEXT},
        "required": ["error", "error_description"],
        "additionalProperties": False,
    }
    meanings = sorted(f"`{kind.code}`: {(kind.__doc__ or '').splitlines()[0]}" for kind in kinds)
    return {
        "description": "\n\n".join(dict.fromkeys(meanings)),
        "headers": _constant((*EVERYWHERE, *NO_STORE)) | {INCIDENT: INCIDENT_NUMBER} | _challenges(status, kinds),
        "content": {"application/json": {"schema": body}},
    }


def _challenges(status: int, kinds: list[type[ProtocolError]]) -> dict[str, Any]:
    """Return the headers that say what to do about a refusal."""
    needed = {401: "WWW-Authenticate", 403: "WWW-Authenticate", 405: "Allow", 429: "Retry-After", 503: "Retry-After"}
    found = {needed[status]: {"required": True, "schema": TEXT}} if status in needed else {}
    if any(issubclass(kind, UseDpopNonce) for kind in kinds):
        found["DPoP-Nonce"] = {"schema": TEXT}
    return found


def _elsewhere() -> dict[str, Any]:
    return {
        "description": "The request names a host that is not this provider's; the text says under which name it is.",
        "headers": _constant(EVERYWHERE),
        "content": {"text/plain": {"schema": TEXT}},
    }
