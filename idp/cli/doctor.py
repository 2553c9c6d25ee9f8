"""`sen doctor`: looks at everything that must hold before and while Sen runs, and says what to do about the rest."""

from __future__ import annotations

import stat
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from idp.cli.office import Office

NEW_MASTER_KEY = "make one with `head -c 32 /dev/urandom | base64` and set SEN_SECRETS__MASTER_KEY"
LARGEST_CLOCK_DIFFERENCE = timedelta(seconds=2)
LIVE_SECONDS = 3.0
EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104  compared with, never bound
SHARED = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at and how it is; `remedy` is what to do, and empty where all is well."""

    what: str
    remedy: str = ""


def doctor(
    *, live: Annotated[bool, typer.Option("--live", help="Only ask the running workers whether they live.")] = False
) -> None:
    """Check settings, storage, migrations, Redis, keys, clocks and file rights; exit status 1 on a problem."""
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
    with office.opened(settings) as opened:
        for name, check in CHECKS.items():
            yield from _guarded(name, check, opened)


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
    if migrate.pending(opened.database):
        return
    records = opened.signing_keys.all()
    for alg in opened.settings.keys.algorithms:
        active = next((one for one in records if one.alg == alg and one.state == "active"), None)
        if active is None:
            yield Finding(f"keys: no key signs with {alg}", "start `sen worker`, which makes one within seconds")
            continue
        opened.custodians[active.custodian].signing_key(active)
        yield Finding(f"keys: {alg} is signed by {active.kid}, whose private half opens")


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


CHECKS: Mapping[str, Callable[[Office], Iterator[Finding]]] = {
    "data": _data,
    "storage": _storage,
    "migrations": _migrations,
    "redis": _redis,
    "keys": _keys,
    "clock": _clock,
    "file rights": _file_rights,
}

REMEDIES: Mapping[str, str] = {
    "data": "repair the file that [data] names",
    "storage": "see that the database runs and that [storage] database_url is right",
    "migrations": "see that the database runs; a database of a newer release needs that release",
    "redis": "see that Redis or Valkey runs and that [storage] redis_url is right",
    "keys": "see that [secrets] holds the master key under which the signing keys were sealed",
    "clock": "see that the database runs",
    "file rights": "see that Sen may read its own folder",
}


def _ask_live() -> None:
    """Ask the workers of this machine, as a container's health check does.

    Raises:
        SettingsError: they do not answer, or settings are broken.
    """
    server = settings_room.load().server
    host = "127.0.0.1" if server.bind in EVERY_ADDRESS else server.bind
    address = f"http://{host}:{server.port}/health/live"
    try:
        with urllib.request.urlopen(address, timeout=LIVE_SECONDS) as answer:
            typer.echo(f"ok       {address}: {answer.status}")
    except (urllib.error.URLError, OSError) as error:
        raise SettingsError((f"{address} does not answer: {error}",)) from error
