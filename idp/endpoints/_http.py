"""WSGI to a small frozen `Request`, and a `Response` back: forms read once; repeats, oversize and too many refused."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, unquote_to_bytes

import orjson

from idp import limits
from idp.errors import (
    InvalidDpopProof,
    InvalidRequest,
    InvalidToken,
    MethodNotAllowed,
    ProtocolError,
    SlowDown,
    TooLarge,
    TooManyAttempts,
    UnsupportedMediaType,
    UseDpopNonce,
)
from idp.relying_parties.profiles import FAPI_ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from idp.protocol.authorization_response import Answer
    from idp.settings import Limits

LONGEST_BODY = 64 * 1024
LONGEST_LENGTH = 8  # digits of a Content-Length
LONGEST_QUERY = 16 * 1024
MOST_FIELDS = 100
FORM = "application/x-www-form-urlencoded"
NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
JSON_HEADERS = (("Content-Type", "application/json;charset=UTF-8"), *NO_STORE)
INCIDENT = "Sen-Incident"
"""The header of a refusal that names its lines in the log."""

EVERYWHERE = (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"))
STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class Request(NamedTuple):
    """What an endpoint sees of a request; every parameter stands once and is not empty.

    A tuple, because a frozen dataclass of that many fields takes three times as long to make, at every request.
    """

    method: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    cookies: Mapping[str, str]
    authorization: str | None
    if_none_match: str | None
    address: str
    environ: dict[str, Any]
    forwarded: bool = False
    certificate: bytes | None = None  # DER, of a client, as a trusted front hands it over

    def __repr__(self) -> str:
        """Print nothing that a request may keep secret."""
        return f"Request({self.method} {self.path})"

    def header(self, name: str) -> str | None:
        """Return a header; one that was sent twice comes with a comma between its values."""
        value: str | None = self.environ.get(f"HTTP_{name.upper().replace('-', '_')}")
        return value


@dataclass(frozen=True, slots=True)
class Response:
    """What an endpoint answers. With `page_error` or `page_answer` the pages render it for a citizen."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    page_error: ProtocolError | None = None
    page_answer: Answer | None = None


def json_response(members: Mapping[str, Any], *, status: int = 200) -> Response:
    """Return JSON that nobody may keep."""
    return Response(status, JSON_HEADERS, orjson.dumps(members))


def redirect(location: str, *, cookies: Iterable[str] = ()) -> Response:
    """Return 303 See Other, which makes no browser send a form again (RFC 9700 section 4.12)."""
    headers = (("Location", location), *NO_STORE, *(("Set-Cookie", cookie) for cookie in cookies))
    return Response(303, headers)


def answered(answer: Answer) -> Response:
    """Send the browser to the relying party, by a redirect or by a form that a page of ours holds."""
    location = answer.location
    return Response(200, page_answer=answer) if location is None else redirect(location)


def ready_document(*, body: bytes, etag: str, seconds: int, request: Request, kind: str) -> Response:
    """Return bytes that may be kept for `seconds`, or 304 where they are there already."""
    headers = (("Cache-Control", f"public, max-age={seconds}"), ("ETag", etag))
    if request.if_none_match == etag:
        return Response(304, headers)
    return Response(200, (("Content-Type", kind), *headers), body)


def error_response(error: ProtocolError) -> Response:
    """Render a refusal (RFC 6749 section 5.2); what is private stays in the log."""
    response = json_response({"error": error.code, "error_description": error.public}, status=error.status)
    extra: tuple[tuple[str, str], ...] = ()
    if error.code == "invalid_client":
        extra = (("WWW-Authenticate", 'Basic realm="sen"'),)
    elif error.code in {"invalid_token", "insufficient_scope"}:
        extra = (("WWW-Authenticate", f'Bearer realm="sen"{_reason(error)}'), _dpop_challenge(error))
    elif isinstance(error, InvalidDpopProof | UseDpopNonce):
        extra = (_dpop_challenge(error),) if error.status == HTTPStatus.UNAUTHORIZED else ()
        extra += (("DPoP-Nonce", error.nonce),) if isinstance(error, UseDpopNonce) else ()
    elif error.wait_seconds is not None:
        extra = (("Retry-After", str(error.wait_seconds)),)
    return Response(response.status, response.headers + extra, response.body)


def _dpop_challenge(error: ProtocolError) -> tuple[str, str]:
    """Say how a proof is made for an access token (RFC 9449 section 7.1)."""
    algorithms = " ".join(sorted(FAPI_ALGORITHMS))
    return "WWW-Authenticate", f'DPoP realm="sen"{_reason(error)}, algs="{algorithms}"'


def _reason(error: ProtocolError) -> str:
    """Say what was wrong, but not to who sent no token and is only told how it is done (RFC 6750 section 3.1)."""
    return "" if isinstance(error, InvalidToken) and not error.sent else f', error="{error.code}"'


def read_request(environ: dict[str, Any], *, methods: frozenset[str], form: bool) -> Request:
    """Read a request.

    Raises:
        MethodNotAllowed, UnsupportedMediaType, TooLarge: as named.
        InvalidRequest: a parameter is repeated, or it or the path cannot be read.

    Source: RFC 6749 sections 3.1 and 3.2.
    """
    method = environ["REQUEST_METHOD"]
    if method not in methods:
        raise MethodNotAllowed(f"Use {' or '.join(sorted(methods))} here.")
    query = environ.get("QUERY_STRING", "")
    if len(query) > LONGEST_QUERY:
        raise TooLarge("The query is longer than any honest request; push it instead (RFC 9126).")
    if not query.isascii():  # WSGI would hand other letters on as something else than what was sent
        raise InvalidRequest("The query holds letters that are not percent-encoded.")
    path = environ.get("PATH_INFO", "")
    if "\x00" in path:
        raise InvalidRequest("The path holds a NUL character.")
    return Request(
        method=method,
        path=path,
        query=read_parameters(query) if query else {},
        form=_read_form(environ) if form and method == "POST" else {},
        cookies=read_cookies(environ["HTTP_COOKIE"]) if "HTTP_COOKIE" in environ else {},
        authorization=environ.get("HTTP_AUTHORIZATION"),
        if_none_match=environ.get("HTTP_IF_NONE_MATCH"),
        address=environ.get("REMOTE_ADDR", ""),
        forwarded=("HTTP_X_FORWARDED_FOR" in environ or "HTTP_FORWARDED" in environ or "HTTP_X_REAL_IP" in environ),
        certificate=environ.get("sen.certificate"),
        environ=environ,
    )


def read_body(environ: Mapping[str, Any], *, kind: str) -> bytes:
    """Read a body of one kind. One without a byte needs no kind either: userinfo is asked so.

    Raises:
        TooLarge, UnsupportedMediaType: as named.
    """
    length = environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit() and len(length) <= LONGEST_LENGTH) or int(length) > LONGEST_BODY:
        raise TooLarge("The body is longer than any honest request.")
    if not int(length):
        return b""
    if environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != kind:
        raise UnsupportedMediaType(f"Send {kind}.")
    body: bytes = environ["wsgi.input"].read(int(length))
    return body


def _read_form(environ: Mapping[str, Any]) -> Mapping[str, str]:
    try:
        text = read_body(environ, kind=FORM).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequest("The form is not UTF-8.") from error
    return read_parameters(text) if text else {}


def check_address(name: str, replies: Sequence[Any], *, settings: Limits) -> None:
    """Compare what was counted for an address with its limits; `replies` are those to `limits.steps`.

    Raises:
        SlowDown: too many.
    """
    try:
        limits.check(name, replies, settings=settings)
    except TooManyAttempts as error:
        raise SlowDown(
            "Too many requests from this address; wait a minute.", wait_seconds=error.wait_seconds
        ) from error


def read_parameters(text: str) -> Mapping[str, str]:
    """Read parameters that stand once, `resource` excepted; empty ones count as absent (RFC 6749 section 3.1).

    Raises:
        InvalidRequest: one is repeated, or there are too many, or they cannot be read.
    """
    fields = text.split("&")
    if len(fields) > MOST_FIELDS or text.count("%") * len("%25") > len(text):  # each letter in escape takes three
        raise InvalidRequest("The parameters cannot be read.")
    pairs = [(name, value) for name, _, value in [field.partition("=") for field in fields if field]]
    if "%" in text or "+" in text:
        try:
            pairs = [(_decoded(name), _decoded(value)) for name, value in pairs]
        except UnicodeDecodeError as error:
            raise InvalidRequest("The parameters cannot be read.") from error
    found = dict(pairs)
    if len(found) != len(pairs):
        found = _with_resources(pairs)
        pairs = list(found.items())
    values = found.values()
    if ("%00" in text or "\x00" in text) and any("\x00" in value for value in values):
        raise InvalidRequest("A parameter holds a NUL character.")
    return {name: value for name, value in pairs if value} if "" in values else found


def _with_resources(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Put several `resource` into one, with a space between them; nothing else may be repeated (RFC 8707 section 2)."""
    others = [(name, value) for name, value in pairs if name != "resource"]
    found = dict(others)
    if len(found) != len(others):
        raise InvalidRequest("A parameter is repeated; each may stand once.")
    found["resource"] = " ".join(value for name, value in pairs if name == "resource")
    return found


def _decoded(text: str) -> str:
    """Undo the encoding of a form; text without a trace of it, which is most of it, is left alone.

    `urllib.parse.parse_qsl` does the same at three times the price.
    """
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    return unquote_to_bytes(text).decode() if text.isascii() else unquote(text, errors="strict")


def read_cookies(header: str) -> Mapping[str, str]:
    """Read a Cookie header; of a name that stands twice the first counts (RFC 6265 section 5.4)."""
    found: dict[str, str] = {}
    for part in header.split(";"):
        name, equals, value = part.strip().partition("=")
        if equals:
            found.setdefault(name, value)
    return found
