"""The only file that knows every room: settings become services, and both doors become one WSGI application."""

from __future__ import annotations

import functools
import secrets
import time
from base64 import b32encode
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog

from idp import clock
from idp import settings as settings_room
from idp.assurance import Assurance
from idp.audit.log import correlation
from idp.citizens.register import LocalRegister, RegisterName
from idp.endpoints import ROUTES
from idp.endpoints._http import EVERYWHERE, STATUS_LINES, Response, error_response, read_request
from idp.errors import ProtocolError, ServerError, TemporarilyUnavailable
from idp.login.journey import Journey
from idp.login.method import Desk
from idp.login.transaction import Transactions
from idp.logs import configure
from idp.metrics import Metrics
from idp.pages import create_pages
from idp.protocol.provider import Provider
from idp.relying_parties.directory import Directory
from idp.relying_parties.purposes import PurposeCatalogue
from idp.services import People, Services
from idp.sessions import Sessions
from idp.storage.redis import RedisEphemeral
from idp.storage.sql.activation_codes import SqlActivationCodes
from idp.storage.sql.audit import SqlAuditStore
from idp.storage.sql.authorizations import SqlAuthorizations
from idp.storage.sql.citizens import SqlCitizens
from idp.storage.sql.consents import SqlConsents
from idp.storage.sql.database import Database
from idp.storage.sql.keys import SqlKeyStore
from idp.storage.sql.passkeys import SqlPasskeys
from idp.storage.sql.register import SqlRegister
from idp.storage.sql.relying_parties import SqlRelyingParties
from idp.storage.sql.sessions import SqlSessions
from keys import KeyRing, KeysError, RingSettings, Sealer, open_custodians

if TYPE_CHECKING:
    from collections.abc import Iterable

    from idp.endpoints import Route
    from idp.login.authenticator_metadata import AuthenticatorMetadata
    from idp.settings import Settings

StartResponse = Any
Environ = dict[str, Any]

OWN_PATHS = ("/health/live", "/health/ready", "/metrics")
"""What the machine itself asks for, by whatever address it has."""

log = structlog.get_logger("sen")


def open_sealer(settings: Settings) -> Sealer:
    """Return the sealer of this deployment's master key."""
    return Sealer(master_key=settings.secrets.master, former_master_keys=settings.secrets.former_masters)


def open_database(settings: Settings) -> Database:
    """Return the database that the settings name."""
    storage = settings.storage
    return Database(url=storage.database_url, pool_size=storage.pool_size, timeout_seconds=storage.timeout_seconds)


def ring_settings(settings: Settings) -> RingSettings:
    """Return how long keys live, from the settings."""
    longest = max(settings.tokens.id_token_seconds, settings.tokens.access_token_seconds)
    return RingSettings(
        algorithms=settings.keys.algorithms,
        cache_seconds=settings.keys.jwks_cache_seconds,
        longest_token_seconds=longest,
        active_seconds=settings.keys.active_days * 86400,
    )


def build_services(settings: Settings) -> Services:
    """Make every long-lived thing, once per process; nothing connects before it is needed.

    Raises:
        SettingsError: a data file is broken.
    """
    sealer, database = open_sealer(settings), open_database(settings)
    ephemeral = RedisEphemeral(settings.storage.redis_url)
    provider = _provider(settings=settings, database=database, ephemeral=ephemeral, sealer=sealer)
    people = _people(settings=settings, database=database, sealer=sealer)
    sessions = Sessions(ephemeral=ephemeral, settings=settings.sessions)
    audit = SqlAuditStore(database)

    def close() -> None:
        database.close()
        ephemeral.close()

    return Services(
        provider=provider,
        people=people,
        sessions=sessions,
        transactions=Transactions(ephemeral=ephemeral, seconds=settings.sessions.transaction_seconds),
        journey=Journey(
            desk=Desk(settings=settings, passkeys=people.passkeys, sealer=sealer, metadata=_metadata(settings)),
            ephemeral=ephemeral,
            sessions=sessions,
            session_store=people.sessions,
            assurance=provider.assurance,
            audit=audit,
        ),
        consents=SqlConsents(database),
        audit=audit,
        metrics=Metrics(folder=Path(settings.metrics.folder)),
        checks={
            "database": database.ping,
            "memory": ephemeral.ping,
            "keys": lambda: provider.ring.signing_key("ES256", now=clock.now()),
        },
        close=close,
    )


def _provider(*, settings: Settings, database: Database, ephemeral: RedisEphemeral, sealer: Sealer) -> Provider:
    purposes = PurposeCatalogue.load(settings.data_file(settings.data.purposes))
    return Provider(
        settings=settings,
        ephemeral=ephemeral,
        authorizations=SqlAuthorizations(database=database, sealer=sealer),
        directory=Directory(
            store=SqlRelyingParties(database),
            allow_loopback=settings.outbound.allow_loopback,
            known_purposes=purposes.ids,
        ),
        purposes=purposes,
        assurance=Assurance.load(settings.data_file(settings.data.assurance)),
        ring=KeyRing(
            store=SqlKeyStore(database),
            custodians=open_custodians(sealer=sealer),
            settings=ring_settings(settings),
        ),
        sealer=sealer,
    )


def _people(*, settings: Settings, database: Database, sealer: Sealer) -> People:
    name = RegisterName(vi=settings.register.name_vi, en=settings.register.name_en)
    return People(
        citizens=SqlCitizens(database=database, sealer=sealer),
        passkeys=SqlPasskeys(database=database, sealer=sealer),
        sessions=SqlSessions(database),
        codes=SqlActivationCodes(database),
        register=LocalRegister(name=name, store=SqlRegister(database=database, sealer=sealer), sealer=sealer),
    )


def _metadata(settings: Settings) -> AuthenticatorMetadata | None:
    if not settings.passkeys.metadata_path:
        return None
    from idp.login.authenticator_metadata import AuthenticatorMetadata  # noqa: PLC0415  dear, and rarely needed

    return AuthenticatorMetadata.load(Path(settings.passkeys.metadata_path), now=clock.now())


class Application:
    """Both doors behind one WSGI callable: ROUTES by one look-up on the path, everything else in Flask."""

    def __init__(self, services: Services) -> None:
        """Make the pages and keep the services."""
        self.services = services
        self._pages = create_pages(services)
        self._host = urlsplit(services.provider.issuer).hostname
        self._trusted = frozenset(services.provider.settings.server.trusted_proxies)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, count it, and log it by its correlation id."""
        began = time.perf_counter()
        drawn = b32encode(secrets.token_bytes(5)).decode()
        correlation.set(f"{drawn[:3]}-{drawn[3:6]}-{drawn[6:]}")
        environ["REMOTE_ADDR"] = self._address(environ)
        path = environ.get("PATH_INFO", "")
        if path not in OWN_PATHS and not self._is_ours(environ):
            start_response(STATUS_LINES[421], [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return []
        route = ROUTES.get(path)
        if route is None:
            return self._watched(environ, start_response, began=began)
        response = self._protocol(route, environ)
        status = response.status
        if response.page_error is not None:
            environ["sen.error"] = response.page_error
            body = self._pages(environ, start_response)
        else:
            cors = (("Access-Control-Allow-Origin", "*"),) if route.cors else ()
            headers = [*response.headers, *EVERYWHERE, *cors, ("Content-Length", str(len(response.body)))]
            start_response(STATUS_LINES[status], headers)
            body = [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]
        seconds = time.perf_counter() - began
        self.services.metrics.request(endpoint=path, status=status, seconds=seconds)
        log.info("answered", path=path, status=status, ms=round(seconds * 1000, 1))
        return body

    def _watched(self, environ: Environ, start_response: StartResponse, *, began: float) -> Iterable[bytes]:
        """Let Flask answer, and see with which status."""
        seen: list[int] = []

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            seen.append(int(status[:3]))
            return start_response(status, headers, *rest)

        body = self._pages(environ, start)
        name = environ.get("sen.page", "other")
        seconds, status = time.perf_counter() - began, seen[0] if seen else 500
        self.services.metrics.request(endpoint=name, status=status, seconds=seconds)
        log.info("answered", path=name, status=status, ms=round(seconds * 1000, 1))
        return body

    def _protocol(self, route: Route, environ: Environ) -> Response:
        try:
            request = read_request(environ, methods=route.methods, form=route.form)
            return route.answer(request, self.services)
        except ProtocolError as error:
            if error.detail:
                log.info("refused", path=environ["PATH_INFO"], code=error.code, detail=error.detail)
            return self._refusal(route, error)
        except KeysError as error:
            log.error("no key", path=environ["PATH_INFO"], detail=str(error))  # noqa: TRY400  no trace is needed
            return self._refusal(route, TemporarilyUnavailable("No key can sign at this moment."))
        except Exception:
            log.exception("broken", path=environ["PATH_INFO"])
            return self._refusal(route, ServerError("Something broke here; the incident is in the log."))

    def _refusal(self, route: Route, error: ProtocolError) -> Response:
        if route.browser:
            return Response(error.status, page_error=error)
        response = error_response(error)
        if error.status == 405:  # noqa: PLR2004  RFC 9110 section 15.5.6
            allow = (("Allow", ", ".join(sorted(route.methods))),)
            return Response(response.status, response.headers + allow, response.body)
        return response

    def _is_ours(self, environ: Environ) -> bool:
        """Tell whether the request names our host; nothing is answered under another (RFC 9110 section 15.5.20)."""
        return str(environ.get("HTTP_HOST", "")).partition(":")[0].lower() == self._host

    def _address(self, environ: Environ) -> str:
        """Return the caller's address; X-Forwarded-For is believed from a configured proxy only."""
        address = str(environ.get("REMOTE_ADDR", ""))
        if address in self._trusted and "HTTP_X_FORWARDED_FOR" in environ:
            return str(environ["HTTP_X_FORWARDED_FOR"]).rpartition(",")[2].strip()
        return address


def create_app(settings: Settings) -> Application:
    """Make the whole application for one process."""
    return Application(build_services(settings))


@functools.cache
def _application() -> Application:
    settings = settings_room.load()
    configure(level=settings.log.level)
    return create_app(settings)


def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answer as `idp.app:application`, for a WSGI server; made from the environment at the first request."""
    return _application()(environ, start_response)
