"""Sen's arm: a real server over SQLite or PostgreSQL, with people who are logged in and have agreed already."""

from __future__ import annotations

import base64
import secrets
import sys
from typing import TYPE_CHECKING

from bench import seed
from bench.arm import Arm
from bench.processes import Server
from bench.run import ROOT
from idp import settings as settings_room
from idp.cli import office as office_room
from idp.storage.sql import migrate
from idp.wiring import build_services
from tests.support.authenticator import SoftwareAuthenticator
from tests.support.valkey import ValkeyServer, free_ports

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.relying_party import RelyingParties

SCOPE = f"openid service:{seed.PURPOSE} offline_access"
NO_LIMIT = str(10**9)
MASTER_KEY_BYTES = 32


def _environ(*, port: int, folder: Path) -> dict[str, str]:
    """Return the settings that do not depend on the stores."""
    return {
        "SEN_ENVIRONMENT": "development",
        "SEN_SERVER__ISSUER": f"http://localhost:{port}",
        "SEN_SERVER__PORT": str(port),
        "SEN_SERVER__WORKERS": "1",
        "SEN_SECRETS__MASTER_KEY": base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)).decode(),
        "SEN_METRICS__FOLDER": str(folder),
        "SEN_LIMITS__REQUESTS_PER_PREFIX": NO_LIMIT,
        "SEN_LIMITS__REQUESTS_PER_CLIENT": NO_LIMIT,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "",  # the first start compiles, as an installation does once
    }


def _seed(
    environ: dict[str, str], *, parties: RelyingParties, authenticator: SoftwareAuthenticator, people: int
) -> list[str]:
    """Make tables, keys, relying parties and people, each with a session and a consent; return their cookies."""
    with office_room.opened(settings_room.load(environ)) as office:
        migrate.upgrade(office.database)
        seed.keys(office)
        seed.relying_parties(office, parties=parties)
        services = build_services(office.settings)
        try:
            return [
                seed.citizen(services, office=office, party=parties.portal, authenticator=authenticator)
                for _ in range(people)
            ]
        finally:
            services.close()


def start(
    *,
    parties: RelyingParties,
    database: tuple[str, str, Sequence[int]],
    valkey: ValkeyServer,
    folder: Path,
    starts: int,
    people: int,
) -> tuple[Arm, SoftwareAuthenticator]:
    """Make the data, start Sen as often as its cold start is to be measured, and return it with people's passkeys.

    One start more goes before: it compiles what has not been compiled, and is not counted.
    `database` is its name, its SQLAlchemy address and the ids of its processes.
    """
    name, url, pids = database
    (port,) = free_ports(1)
    environ = {
        **_environ(port=port, folder=folder / f"metrics-{name.lower()}"),
        "SEN_STORAGE__DATABASE_URL": url,
        "SEN_STORAGE__REDIS_URL": valkey.url,
    }
    authenticator = SoftwareAuthenticator(counts=False)
    cookies = _seed(environ, parties=parties, authenticator=authenticator, people=people)
    times: list[float] = []
    for number in range(1 + starts):
        server = Server.start(
            command=[sys.executable, "-m", "idp.cli", "serve"],
            environ=environ,
            ready_url=f"http://localhost:{port}/health/ready",
            log=folder / f"sen-{name.lower()}.log",
        )
        times.append(server.cold_start_seconds)
        if number < starts:
            server.stop()
    stores = {"Valkey": [valkey.pid], **({name: pids} if pids else {})}
    arm = Arm(
        name=f"Sen on {name}",
        server=server,
        port=port,
        scope=SCOPE,
        stores=stores,
        cookies=cookies,
        starts_seconds=times[1:],
    )
    return arm, authenticator
