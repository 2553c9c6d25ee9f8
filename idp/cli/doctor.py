"""`sen doctor`: looks at everything that must hold before and while Sen runs, and says what to do about the rest."""

from __future__ import annotations

import http.client
import socket
import stat
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from idp import clock
from idp import settings as settings_room
from idp.cli import office
from idp.errors import SenError, SettingsError
from idp.relying_parties.purposes import PurposeCatalogue
from idp.storage.redis.inspection import inspect
from idp.storage.sql import migrate
from idp.storage.sql.housekeeping import SqlHousekeeping
from keys import KeysError
from keys.certificates import Authorities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from idp.cli.office import Office
    from idp.settings import Settings

NEW_MASTER_KEY = "make one with `head -c 32 /dev/urandom | base64` and set SEN_SECRETS__MASTER_KEY"
LARGEST_CLOCK_DIFFERENCE = timedelta(seconds=2)
LIVE_SECONDS = 3.0
EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104  compared with, never bound
SHARED = stat.S_IRWXG | stat.S_IRWXO
OVER_TLS = 443


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at and how it is; `remedy` is what to do, and empty where all is well."""

    what: str
    remedy: str = ""


def doctor(
    *, live: Annotated[bool, typer.Option("--live", help="Only ask the running workers whether they live.")] = False
) -> None:
    """Check settings, front, storage, migrations, Redis, keys, clocks and file rights; exit status 1 on a problem."""
    if live:
        _ask_live()
        return
    findings = list(examine())
    for finding in findings:
        typer.echo(
            f"problem  {finding.what}\n         {finding.remedy}" if finding.remedy else f"ok       {finding.what}"
        )
    if any(finding.remedy for finding in findings):
        raise typer.Exit(1)


def examine() -> Iterator[Finding]:
    """Look at everything; what cannot be looked at because something else is broken is left out."""
    try:
        settings = settings_room.load()
    except SettingsError as error:
        for reason in error.reasons:
            yield Finding(f"settings: {reason}", _remedy_for_setting(reason))
        return
    yield Finding(f"settings: {settings.server.environment}, {settings.server.issuer}")
    broken: set[str] = set()
    with office.opened(settings) as opened:
        for name, check in CHECKS.items():
            found = [] if broken & NEEDS.get(name, set()) else list(_guarded(name, check, opened))
            broken |= {name for finding in found if finding.remedy}
            yield from found


def _guarded(name: str, check: Callable[[Office], Iterator[Finding]], opened: Office) -> Iterator[Finding]:
    """Turn what a check raises into a line."""
    try:
        yield from check(opened)
    except (SenError, KeysError) as error:
        detail = getattr(error, "detail", "")
        yield Finding(f"{name}: {error}", REMEDIES[name] + (f" ({detail})" if detail else ""))


def _remedy_for_setting(reason: str) -> str:
    return NEW_MASTER_KEY if "master_key" in reason else "config/default.toml explains every setting"


def _storage(opened: Office) -> Iterator[Finding]:
    opened.database.ping()
    yield Finding("storage: the database answers")


def _migrations(opened: Office) -> Iterator[Finding]:
    missing = migrate.pending(opened.database)
    if missing:
        yield Finding(f"migrations: {', '.join(missing)} pending", "run `sen db upgrade`")
    else:
        yield Finding("migrations: the database is up to date")


def _redis(opened: Office) -> Iterator[Finding]:
    for server in inspect(opened.settings.storage.redis_url):
        yield Finding(f"redis: {server.name} answers")
        if server.policy is None or server.append_only is None:
            yield Finding(f"redis: {server.name} does not show its configuration; see to noeviction and appendonly")
            continue
        if server.policy != "noeviction":
            yield Finding(
                f"redis: {server.name} evicts ({server.policy}), so replay marks may be lost",
                "set `maxmemory-policy noeviction`",
            )
        if not server.append_only:
            yield Finding(
                f"redis: {server.name} keeps no append-only file, so a restart ends every login",
                "set `appendonly yes`",
            )
        yield _same_time(f"redis {server.name}", server.time)


def _keys(opened: Office) -> Iterator[Finding]:
    records = opened.signing_keys.all()
    for alg in opened.settings.keys.algorithms:
        active = next((one for one in records if one.alg == alg and one.state == "active"), None)
        if active is None:
            yield Finding(f"keys: no key signs with {alg}", "start `sen worker`, which makes one within seconds")
            continue
        opened.custodians[active.custodian].signing_key(active)
        yield Finding(f"keys: {alg} is signed by {active.kid}, whose private half opens")


def _notices(opened: Office) -> Iterator[Finding]:
    gateway = opened.settings.notices.gateway
    told = f"written to citizens by {gateway}" if gateway else "on the account page alone: [notices] names no gateway"
    yield Finding(f"notices: {told}")


def _clock(opened: Office) -> Iterator[Finding]:
    yield _same_time("the database", SqlHousekeeping(opened.database).clock())


def _same_time(whose: str, theirs: datetime) -> Finding:
    """Compare a clock with ours; tokens live for seconds, so clocks must agree."""
    difference = abs(clock.now() - theirs)
    seconds = f"{difference.total_seconds():.1f} s"
    if difference > LARGEST_CLOCK_DIFFERENCE:
        return Finding(f"clock: ours and that of {whose} differ by {seconds}", "synchronise both machines (NTP)")
    return Finding(f"clock: ours and that of {whose} agree ({seconds})")


def _file_rights(opened: Office) -> Iterator[Finding]:
    file = office.database_file(opened.settings)
    private = [Path(opened.settings.metrics.folder)]
    if file is not None:
        private += [file.parent, *sorted(file.parent.glob(f"{file.name}*"))]
    shared = [path for path in private if path.exists() and path.stat().st_mode & SHARED]
    for path in shared:
        yield Finding(f"file rights: others may use {path}", f"run `chmod go= {path}`")
    if not shared:
        yield Finding("file rights: what Sen keeps is its owner's alone")


def _data(opened: Office) -> Iterator[Finding]:
    settings = opened.settings
    purposes = PurposeCatalogue.load(settings.data_file(settings.data.purposes)).ids
    yield Finding(f"data: {len(purposes)} purposes")


def _front(opened: Office) -> Iterator[Finding]:
    settings, front = opened.settings, opened.settings.front
    Authorities.load(front.client_authorities)
    wrong = [Finding(f"front: {what}", remedy) for is_so, what, remedy in FRONT if is_so(settings)]
    yield from wrong
    ways = {"the socket": front.socket, "a secret": front.secret, "its address": settings.server.trusted_proxies}
    known_by = " and ".join(way for way, is_set in ways.items() if is_set)
    asked = f"client certificates are asked for at {front.mtls_base}" if front.mtls_base else "no client certificates"
    if not wrong:
        yield Finding(f"front: known by {known_by}; {asked}" if known_by else "front: none, and the issuer is http://")


def _believes_nobody(settings: Settings) -> bool:
    front, server = settings.front, settings.server
    return server.secure and not (front.socket or front.secret or server.trusted_proxies)


def _is_one_door(settings: Settings) -> bool:
    base, issuer = urlsplit(settings.front.mtls_base), urlsplit(settings.server.issuer)
    return (base.hostname, base.port or OVER_TLS) == (issuer.hostname, issuer.port or OVER_TLS)


def _socket_is_nowhere(settings: Settings) -> bool:
    return bool(settings.front.socket) and not Path(settings.front.socket).absolute().parent.is_dir()


def _socket_is_anybodys(settings: Settings) -> bool:
    folder = Path(settings.front.socket).absolute().parent
    return bool(settings.front.socket) and folder.is_dir() and bool(folder.stat().st_mode & stat.S_IWOTH)


FRONT: tuple[tuple[Callable[[Settings], bool], str, str], ...] = (
    (
        _believes_nobody,
        "whoever comes through it has its address, so limits count all citizens as one",
        "set [front] socket or secret, or name the proxy in [server] trusted_proxies",
    ),
    (
        lambda s: bool(s.front.socket and s.server.trusted_proxies),
        "trusted_proxies names addresses, and what comes over a socket has none",
        "leave [server] trusted_proxies empty",
    ),
    (_socket_is_nowhere, "the folder of its socket is not there", "make the folder that [front] socket names"),
    (
        _socket_is_anybodys,
        "others may put a socket of theirs where ours belongs",
        "run `chmod o-w` on the folder of [front] socket",
    ),
    (
        _is_one_door,
        "mtls_base is the issuer's own name and port, where browsers would be asked for certificates",
        "give [front] mtls_base another name or another port",
    ),
    (
        lambda s: bool(s.front.client_authorities and not s.front.mtls_base),
        "client_authorities vouch for certificates that nobody is asked for",
        "set [front] mtls_base, or leave client_authorities empty",
    ),
)
"""What is wrong with the way in, and what to do about it; what rules of settings hold is not looked at again."""

CHECKS: Mapping[str, Callable[[Office], Iterator[Finding]]] = {
    "data": _data,
    "front": _front,
    "storage": _storage,
    "migrations": _migrations,
    "redis": _redis,
    "keys": _keys,
    "notices": _notices,
    "clock": _clock,
    "file rights": _file_rights,
}

NEEDS: Mapping[str, set[str]] = {"migrations": {"storage"}, "keys": {"storage", "migrations"}, "clock": {"storage"}}
"""What must be well before a check can say anything of its own."""

REMEDIES: Mapping[str, str] = {
    "data": "repair the file that [data] names",
    "front": "repair the file that [front] client_authorities names",
    "storage": "see that the database runs and that [storage] database_url is right",
    "migrations": "see that the database runs; a database of a newer release needs that release",
    "redis": "see that Redis or Valkey runs and that [storage] redis_url is right",
    "keys": "see that [secrets] holds the master key under which the signing keys were sealed",
    "notices": "name a gateway in [notices]",
    "clock": "see that the database runs",
    "file rights": "see that Sen may read its own folder",
}


def _ask_live() -> None:
    """Ask the workers of this machine, as a container's health check does.

    Raises:
        SettingsError: they do not answer, or settings are broken.
    """
    settings = settings_room.load()
    server, path = settings.server, settings.front.socket
    host = "127.0.0.1" if server.bind in EVERY_ADDRESS else server.bind
    where = f"unix:{Path(path).absolute()}" if path else f"http://{host}:{server.port}"
    connection = http.client.HTTPConnection(host, server.port, timeout=LIVE_SECONDS)
    try:
        if path:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(LIVE_SECONDS)
            connection.sock.connect(str(Path(path).absolute()))
        connection.request("GET", "/health/live")
        status = connection.getresponse().status
    except (http.client.HTTPException, OSError) as error:
        raise SettingsError((f"{where}/health/live does not answer: {error}",)) from error
    finally:
        connection.close()
    if status != http.client.OK:
        raise SettingsError((f"{where}/health/live answers {status}.",))
    typer.echo(f"ok       {where}/health/live: {status}")
