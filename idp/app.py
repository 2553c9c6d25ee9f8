"""Both doors become one WSGI application."""

from __future__ import annotations

import atexit
import functools
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
import uuid_utils

from idp import clock
from idp import settings as settings_room
from idp.audit.log import PAIRS, correlation
from idp.endpoints import ROUTES
from idp.endpoints._front import SAID, Front
from idp.endpoints._http import (
    EVERYWHERE,
    INCIDENT,
    LONGEST_QUERY,
    STATUS_LINES,
    Response,
    error_response,
    read_request,
)
from idp.errors import MethodNotAllowed, ProtocolError, ServerError, TemporarilyUnavailable, TooLarge
from idp.logs import configure
from idp.metrics import Answered
from idp.pages import create_pages
from idp.wiring import build_services
from keys import KeysError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from idp.endpoints import Route
    from idp.services import Services
    from idp.settings import Settings

ELSEWHERE = "Trang này chỉ có tại {0} · This page is only at {0}\n"

OWN_PATHS = ("/health/live", "/health/ready", "/metrics")
"""What the machine itself asks for, by whatever address it has."""

log = structlog.get_logger("sen")


class Application:
    """Both doors behind one WSGI callable: ROUTES by one look-up on the path, everything else in Flask."""

    def __init__(self, services: Services) -> None:
        """Make the pages and keep the services."""
        self.services = services
        self._pages = create_pages(services)
        self._host = urlsplit(services.provider.issuer).hostname
        self._journal = services.journal
        self._mtls_host = urlsplit(services.provider.settings.front.mtls_base).netloc.lower() or None
        self._front = Front(services.provider.settings, metrics=services.metrics)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, count it, and log it by its correlation id."""
        began = time.perf_counter()
        number = uuid_utils.uuid4().int  # as `new_correlation` draws
        one, two = PAIRS[number & 1023], PAIRS[number >> 10 & 1023]
        tie = f"{one}{two[0]}-{two[1]}{PAIRS[number >> 20 & 1023]}-{PAIRS[number >> 30 & 1023]}"
        correlation.set(tie)
        if not environ.keys().isdisjoint(SAID):
            self._front.hears(environ)
        path = environ.get("PATH_INFO", "")
        route = ROUTES.get(path)
        if route is None:
            path = path[: path.rfind("/") + 1]
            route = ROUTES.get(path)
        if path not in OWN_PATHS and not self._is_ours(environ, route):
            status, body = 421, self._elsewhere(start_response)
        elif route is None:
            status, body = self._page(environ, start_response)
        else:
            status, body = self._protocol(route, environ, start_response)
        seconds = time.perf_counter() - began
        name = path if route else environ.get("sen.page", "other")
        self._journal.note(Answered(name, status, seconds, environ.get("sen.grant", ""), tie, clock.now()))
        return body

    def _page(self, environ: WSGIEnvironment, start_response: StartResponse) -> tuple[int, Iterable[bytes]]:
        """Let Flask answer, and look at the status that it gives."""
        seen: list[int] = []

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            seen.append(int(status[:3]))
            return start_response(status, headers, *rest)

        body = self._show(environ, start)
        return seen[0] if seen else 500, body

    def _show(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Hand a request to Flask, whose library breaks over a query in letters that no browser sends as they are."""
        query = environ.get("QUERY_STRING", "")
        if len(query) > LONGEST_QUERY:
            environ.setdefault("sen.error", TooLarge("The query is longer than any honest request."))
        if len(query) > LONGEST_QUERY or not query.isascii():
            environ["QUERY_STRING"] = ""
        return self._pages(environ, start)

    def _elsewhere(self, start: StartResponse) -> Iterable[bytes]:
        """Say under which name Sen is to be found."""
        body = ELSEWHERE.format(self.services.provider.issuer).encode()
        kind = ("Content-Type", "text/plain; charset=utf-8")
        start(STATUS_LINES[421], [kind, ("Content-Length", str(len(body))), *EVERYWHERE])
        return [body]

    def _protocol(self, route: Route, environ: WSGIEnvironment, start: StartResponse) -> tuple[int, Iterable[bytes]]:
        """Let an endpoint answer, and hand it over; an error that is for a citizen to read is shown by the pages."""
        try:
            if "sen.from_front" in environ:
                environ["sen.certificate"] = self._front.certificate(environ)
            response = route.answer(read_request(environ, methods=route.methods, form=route.form), self.services)
        except ProtocolError as error:
            if error.detail:
                log.info("refused", path=environ["PATH_INFO"], code=error.code, detail=error.detail)
            response = self._refusal(route, error)
        except KeysError as error:
            log.error("no key", path=environ["PATH_INFO"], detail=str(error))  # noqa: TRY400  no trace is needed
            response = self._refusal(route, TemporarilyUnavailable("No key can sign at this moment."))
        except Exception:
            log.exception("broken", path=environ["PATH_INFO"])
            response = self._refusal(route, ServerError("Something broke here; the incident is in the log."))
        if response.page_error is not None or response.page_answer is not None:
            environ["sen.error"], environ["sen.answer"] = response.page_error, response.page_answer
            return response.status, self._show(environ, start)
        cors = (("Access-Control-Allow-Origin", "*"),) if route.cors else ()
        length = ("Content-Length", str(len(response.body)))
        start(STATUS_LINES[response.status], [*response.headers, *EVERYWHERE, *cors, length])
        return response.status, [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]

    def _refusal(self, route: Route, error: ProtocolError) -> Response:
        if route.browser and not isinstance(error, MethodNotAllowed):  # which no browser meets
            return Response(error.status, page_error=error)
        response = error_response(error)
        headers = (*response.headers, (INCIDENT, correlation.get()))
        if isinstance(error, MethodNotAllowed):  # RFC 9110 section 15.5.6
            headers += (("Allow", ", ".join(sorted(route.methods))),)
        return Response(response.status, headers, response.body)

    def _is_ours(self, environ: WSGIEnvironment, route: Route | None) -> bool:
        """Tell whether the request names our host; nothing is answered under another (RFC 9110 section 15.5.20).

        Where clients are asked for certificates no page is shown, and no browser sent on.
        """
        host = str(environ.get("HTTP_HOST", "")).lower()
        if host == self._mtls_host:
            return route is not None and not route.browser
        return host.partition(":")[0] == self._host


def create_app(settings: Settings) -> Application:
    """Make the whole application for one process."""
    return Application(build_services(settings))


@functools.cache
def _application() -> Application:
    settings = settings_room.load()
    configure(level=settings.log.level)
    made = create_app(settings)
    atexit.register(made.services.close)
    return made


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer as `idp.app:application`, for a WSGI server; made from the environment at the first request."""
    return _application()(environ, start_response)
