"""ROUTES: the whole machine-facing surface, path -> the methods and the function that answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.endpoints import (
    authorize,
    bc_authorize,
    device_authorization,
    discovery,
    grants,
    health,
    introspect,
    jwks,
    par,
    register,
    revoke,
    token,
    userinfo,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.endpoints._http import Request, Response
    from idp.services import Services


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `form` says that a POST must carry a form; `browser` that errors are pages, not JSON."""

    answer: Callable[[Request, Services], Response]
    methods: frozenset[str]
    form: bool = False
    cors: bool = False
    browser: bool = False


GET = frozenset({"GET", "HEAD"})
POST = frozenset({"POST"})
NO_HEAD = frozenset({"GET", "POST"})
"""Where a GET leaves something behind, a code or a request that waits, which nobody who sends HEAD would ever use."""

# A path that ends with a slash stands for every path with one more segment: that segment is for its endpoint to read.
ROUTES: dict[str, Route] = {
    "/.well-known/openid-configuration": Route(discovery.answer, GET, cors=True),
    "/.well-known/oauth-authorization-server": Route(discovery.answer, GET, cors=True),
    "/jwks": Route(jwks.answer, GET, cors=True),
    "/par": Route(par.answer, POST, form=True),
    "/authorize": Route(authorize.answer, NO_HEAD, form=True, browser=True),
    "/token": Route(token.answer, POST, form=True),
    "/device_authorization": Route(device_authorization.answer, POST, form=True),
    "/bc-authorize": Route(bc_authorize.answer, POST, form=True),
    "/userinfo": Route(userinfo.answer, GET | POST, form=True),
    "/revoke": Route(revoke.answer, POST, form=True),
    "/introspect": Route(introspect.answer, POST, form=True),
    grants.PATH: Route(grants.answer, GET | {"DELETE"}),
    "/register": Route(register.answer, frozenset(register.METHODS)),
    "/health/live": Route(health.live, GET),
    "/health/ready": Route(health.ready, GET),
    "/metrics": Route(health.metrics, GET),
}
