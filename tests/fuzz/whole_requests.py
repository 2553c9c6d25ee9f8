"""Whole requests that carry a hostile text wherever one can stand, by strangers and by who has proved who it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import orjson

from tests.fuzz.corpus import segment
from tests.fuzz.corpus import tokens as tokens_of
from tests.fuzz.intakes import REDIRECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fuzz.intakes import Seat

JSON_KIND = "application/json"
HEADERS = ("HTTP_AUTHORIZATION", "HTTP_DPOP", "HTTP_COOKIE", "HTTP_CLIENT_CERT", "HTTP_X_SSL_CLIENT_CERT")
FORMS = ("/par", "/token", "/introspect", "/revoke", "/userinfo", "/device_authorization", "/bc-authorize")
PARAMETERS = (
    "claims", "authorization_details", "scope", "state", "resource", "id_token_hint", "login_hint", "acr_values",
)  # fmt: skip
PAGES = ("/authorize", "/logout", "/login/number", "/activate")
Run = Callable[[], int]


def requests(seat: Seat, text: str) -> Iterator[tuple[str, Run]]:
    """Return whole requests that carry a text wherever one can stand, each with its name."""
    latin = text.encode("utf-8", "surrogatepass").decode("latin-1")  # as a WSGI server hands headers on
    header = latin.replace("\r", "").replace("\n", "")[:30_000]
    field = quote(text, errors="replace")[:60_000]
    for path in FORMS:
        yield f"{path} body", partial(seat.sends, "POST", path, body=text)
        yield f"{path} field", partial(seat.sends, "POST", path, body=f"client_id={field}")
        for name in HEADERS:
            yield f"{path} {name}", partial(seat.sends, "POST", path, **{name: header})
    for path in ("/authorize", "/logout", "/register", "/jwks"):
        yield f"{path} query", partial(seat.sends, "GET", path, QUERY_STRING=field[:16_000])
        yield f"{path} raw query", partial(seat.sends, "GET", path, QUERY_STRING=header[:16_000])
    for path in PAGES:
        yield f"{path} form", partial(seat.sends, "POST", path, body=text)
        yield f"{path} JSON", partial(seat.sends, "POST", path, body=text, kind=JSON_KIND)
    yield "/grants path", partial(seat.sends, "GET", "/grants/" + header, HTTP_AUTHORIZATION="Bearer a.b.c")
    yield "path", partial(seat.sends, "GET", "/" + header)
    yield "language", partial(seat.sends, "GET", "/", HTTP_ACCEPT_LANGUAGE=header, HTTP_COOKIE=header)
    yield from _authenticated(seat, text, header=header)
    yield from _registrations(seat, text)


def _authenticated(seat: Seat, text: str, *, header: str) -> Iterator[tuple[str, Run]]:
    """Return what a relying party sends that has proved who it is."""
    said = {"HTTP_AUTHORIZATION": seat.portal.basic()["Authorization"]}
    honest = seat.portal.asks().parameters
    for name in (
        "claims",
        "authorization_details",
        "scope",
        "state",
        "resource",
        "id_token_hint",
        "login_hint",
        "acr_values",
    ):
        body = urlencode({**honest, name: text}, errors="replace")[:65_536]
        yield f"/par {name}", partial(seat.sends, "POST", "/par", body=body, **said)
    for place, token in tokens_of(text).items():
        body = urlencode({"request": token, "client_id": seat.portal.client_id})[:65_536]
        yield f"/par request {place}", partial(seat.sends, "POST", "/par", body=body, **said)
        yield (
            f"/token DPoP {place}",
            partial(
                seat.sends, "POST", "/token", body="grant_type=refresh_token&refresh_token=x", HTTP_DPOP=token, **said
            ),
        )
        yield (
            f"/introspect token {place}",
            partial(seat.sends, "POST", "/introspect", body=f"token={token}"[:65_536], **said),
        )
    yield (
        "/token DPoP",
        partial(seat.sends, "POST", "/token", body="grant_type=authorization_code&code=x", HTTP_DPOP=header, **said),
    )


def _registrations(seat: Seat, text: str) -> Iterator[tuple[str, Run]]:
    """Return what somebody registers."""
    send = partial(seat.sends, "POST", "/register", kind=JSON_KIND)
    yield "/register body", partial(send, body=text)
    base = {"redirect_uris": [REDIRECT], "client_name": "Cổng"}
    clean = text.encode("utf-8", "replace").decode()
    encoded = segment(text)
    members: dict[str, Any] = {
        "client_name": clean,
        "redirect_uris": [clean],
        "scope": clean,
        "jwks": {"keys": [{"kty": "RSA", "n": encoded, "e": "AQAB"}]},
        "software_statement": tokens_of(text)["claims"],
        "contacts": clean.split(","),
        "tos_uri": "https://a/" + clean,
    }
    for name, value in members.items():
        yield f"/register {name}", partial(send, body=orjson.dumps({**base, name: value}).decode())
