"""A whole provider in this process, over real stores, with the actors that use it: an office, portals, citizens."""

from __future__ import annotations

import re
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import orjson
import pytest
import structlog
from werkzeug.test import Client

from idp import clock
from idp import settings as settings_room
from idp.app import Application
from idp.storage.sql.keys import SqlKeyStore
from idp.wiring import build_services, open_database, open_sealer, ring_settings
from keys import rotate
from tests.support.authenticator import SoftwareAuthenticator
from tests.support.ground import await_memory, first_keys, lay_tables
from tests.support.login.patience import PATIENT
from tests.support.office import Office, a_person, new_number
from tests.support.portal import ASSERTION_TYPE, ISSUER, Login, Portal, answered, members, pkce
from tests.support.signed_in import SignedIn
from tests.support.valkey import ValkeyServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from werkzeug.test import TestResponse

    from idp.citizens.national_id import PersonalNumber
    from idp.services import Services
    from idp.settings import Settings
    from tests.support.postgres import Postgres

__all__ = [
    "ASSERTION_TYPE", "ISSUER", "TX", "ACitizen", "House", "Login", "Portal", "SignedIn", "answered", "any_house",
    "house", "later", "lonely_house", "members", "own_database", "own_valkey", "pkce", "postgres_house",
    "settings_for", "wait_for",
]  # fmt: skip

TX = re.compile(r"tx=([A-Za-z0-9_-]+)")
PLAIN = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
"""How a house logs in this process: a trace in colours, with every local variable, takes seconds to draw."""


def settings_for(*, folder: Path, redis_url: str, database_url: str | None = None, **changes: str) -> Settings:
    """Return development settings whose data lies in `folder`; `changes` are environment variables."""
    return settings_room.load(
        {
            "SEN_ENVIRONMENT": "development",
            "SEN_STORAGE__DATABASE_URL": database_url or f"sqlite:///{folder}/sen.db",
            "SEN_STORAGE__REDIS_URL": redis_url,
            **PATIENT,
            "SEN_METRICS__FOLDER": str(folder / "metrics"),
            "SEN_LIMITS__REQUESTS_PER_PREFIX": "100000",
            "SEN_LIMITS__PER_PREFIX": "100000",
            **changes,
        }
    )


@dataclass
class House:
    """The provider; `client_of_house()` gives a new browser."""

    settings: Settings
    app: Application
    office: Office

    @classmethod
    def build(cls, *, folder: Path, redis_url: str, database_url: str | None = None, **changes: str) -> Self:
        """Make the stores, the keys and the application; return once the memory of replays is a second old."""
        settings = settings_for(folder=folder, redis_url=redis_url, database_url=database_url, **changes)
        structlog.configure(processors=[*structlog.get_config()["processors"][:-1], PLAIN])
        database = open_database(settings)
        lay_tables(database)
        sealer = open_sealer(settings)
        rotate(
            store=SqlKeyStore(database),
            custodians={"software": first_keys(settings.secrets.master)},
            settings=ring_settings(settings),
            now=clock.now,
        )
        house = cls(settings, Application(build_services(settings)), Office(database=database, sealer=sealer))
        house.waits_until_assertions_count()
        return house

    def waits_until_assertions_count(self) -> None:
        """Wait, once for a new or emptied memory: an assertion from the second of its birth is refused by design."""
        await_memory(self.services.provider.ephemeral)

    @property
    def services(self) -> Services:
        """What the views work with."""
        return self.app.services

    def restarted(self) -> Self:
        """Return the house after every worker was started anew over the same stores."""
        self.services.close()
        return type(self)(self.settings, Application(build_services(self.settings)), self.office)

    def close(self) -> None:
        """Give back what it holds of its stores."""
        self.services.close()
        self.office.database.close()

    def beside(self) -> Self:
        """Return the house as another worker sees it: its own services over the same stores."""
        return type(self)(self.settings, Application(build_services(self.settings)), self.office)

    def browser(self) -> Client:
        """Return a browser that has never been here; it goes nowhere else."""
        return Client(self.app)

    def registers_portal(self, **metadata: Any) -> Portal:
        """Register a relying party, by default of the profile `web` with private_key_jwt and refresh tokens."""
        return Portal.registered(self, **metadata)

    def logs_in_directly(self, *, account_level: int = 2) -> SignedIn:
        """Make a citizen with a session in the stores, without pages: for tests of what comes after a login."""
        return SignedIn.of(self, account_level=account_level)

    def registers_citizen(self, *, account_level: int = 2, **person: str) -> ACitizen:
        """Put a person into the register and issue an activation code."""
        number = new_number()
        self.office.registers(number=number, person=a_person(**person))
        code = self.office.issues_code(number=number, account_level=account_level)
        return ACitizen(house=self, number=number, code=code, browser=self.browser())

    def activates_citizen(self) -> ACitizen:
        """Let a person open an account with a passkey; the browser that did it has a session."""
        citizen = self.registers_citizen()
        activated = citizen.activates()
        assert activated.status_code == 200, activated.text
        return citizen


@dataclass
class ACitizen:
    """A person with a browser and an authenticator."""

    house: House
    number: PersonalNumber
    code: str
    browser: Client
    authenticator: SoftwareAuthenticator = field(default_factory=SoftwareAuthenticator)

    def activates(self, tx: str | None = None) -> TestResponse:
        """Go through activation to the first passkey; return the last answer."""
        tx = tx or TX.search(self.browser.get("/activate").headers["Location"])[1]  # type: ignore[index]
        token = self._csrf(f"/activate?tx={tx}")
        form = {"tx": tx, "number": self.number.digits, "code": self.code, "csrf_token": token}
        started = self.browser.post("/activate", data=form, headers=self._own)
        assert started.status_code == 303, started.text
        options = self._script("/activate/passkey/options", {"tx": tx}, token)
        assert options.status_code == 200, options.text
        credential = self.authenticator.register(members(options), origin=ISSUER)
        return self._script("/activate/passkey/verify", {"tx": tx, "credential": credential, "name": "Máy"}, token)

    def signs_in(self, tx: str, *, origin: str = ISSUER, **changes: Any) -> TestResponse:
        """Use the passkey on the login page of a transaction; return the answer of the script's call."""
        token = self._csrf(f"/login?tx={tx}")
        options = self._script("/login/passkey/options", {"tx": tx, **changes}, token)
        credential = self.authenticator.sign_in(members(options), origin=origin)
        return self._script("/login/passkey/verify", {"tx": tx, "credential": credential}, token)

    def opens(self, login: Login) -> TestResponse:
        """Follow a portal's link."""
        return self.browser.get(login.url)

    def agrees(self, tx: str, *ticked: str, answer: str = "agree") -> TestResponse:
        """Read the consent page and answer it; return where that leads."""
        html = self.browser.get(f"/consent?tx={tx}").text
        form = {name: self._field(html, name) for name in ("tx", "shown", "csrf_token")}
        return self.browser.post("/consent", data={**form, "item": list(ticked), "answer": answer}, headers=self._own)

    def arrives(self, login: Login, *ticked: str) -> TestResponse:
        """Do whatever it takes to get back to the portal: log in, agree."""
        answer = self.opens(login)
        for _ in range(6):
            location = answer.headers["Location"]
            if not location.startswith("/"):
                return answer
            tx = TX.search(location)[1]  # type: ignore[index]
            if location.startswith("/login"):
                signed = self.signs_in(tx)
                assert signed.status_code == 200, signed.text
                answer = self.browser.get(members(signed)["next"])
            elif location.startswith("/consent"):
                answer = self.agrees(tx, *ticked)
            else:
                answer = self.browser.get(location)
        raise AssertionError(f"the login goes in circles: {answer.headers['Location']}")

    def gets_id_token(self, portal: Portal) -> str:
        """Log in at a portal and return the ID token that it got."""
        login = portal.asks()
        return str(members(login.redeem(self.arrives(login)))["id_token"])

    _own = {"Origin": ISSUER}  # noqa: RUF012  what a browser adds to each of its posts

    def _script(self, path: str, body: dict[str, Any], token: str) -> TestResponse:
        headers = {**self._own, "X-CSRFToken": token, "Content-Type": "application/json"}
        return self.browser.post(path, data=orjson.dumps(body), headers=headers)

    def _csrf(self, path: str) -> str:
        return self._field(self.browser.get(path).text, "csrf_token")

    @staticmethod
    def _field(html: str, name: str) -> str:
        found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', html) or re.search(
            rf'value="([^"]*)"[^>]*name="{name}"', html
        )
        assert found, f"no field {name} in {html[:2000]}"
        return found[1]


@contextmanager
def later(seconds: float) -> Iterator[None]:
    """Let every clock of the house run ahead; what the memory forgets by itself, it does not forget sooner."""
    real = clock.now
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: real() + timedelta(seconds=seconds))
        yield


def wait_for(seconds: float) -> None:
    """Let real time pass."""
    time.sleep(seconds)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer) -> Iterator[House]:
    """Give the house of this worker, on SQLite and the shared Valkey: register portals and citizens of your own."""
    built = House.build(folder=tmp_path_factory.mktemp("house"), redis_url=lone_valkey.url)
    yield built
    built.services.close()


@pytest.fixture(scope="session")
def postgres_house(
    tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer, postgres: Postgres
) -> Iterator[House]:
    """Give a house of this worker on PostgreSQL."""
    name = f"house_{secrets.token_hex(6)}"
    folder = tmp_path_factory.mktemp("house")
    built = House.build(folder=folder, redis_url=lone_valkey.url, database_url=postgres.create_database(name))
    yield built
    built.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_house(request: pytest.FixtureRequest) -> House:
    """Give the house once on SQLite and once on PostgreSQL."""
    found: House = request.getfixturevalue("house" if request.param == "sqlite" else "postgres_house")
    return found


@pytest.fixture
def own_valkey() -> Iterator[ValkeyServer]:
    """Give a Valkey that this test may kill, flush and restore."""
    server = ValkeyServer.alone()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def own_database(request: pytest.FixtureRequest) -> str | None:
    """Give the address of an empty PostgreSQL database, and None for a SQLite file in a folder of one's own."""
    if request.param == "sqlite":
        return None
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.create_database(f"own_{secrets.token_hex(6)}")


@pytest.fixture
def lonely_house(
    tmp_path_factory: pytest.TempPathFactory, own_valkey: ValkeyServer, own_database: str | None
) -> Iterator[House]:
    """Give a house that may be restarted and whose memory may be emptied."""
    folder = tmp_path_factory.mktemp("lonely")
    built = House.build(folder=folder, redis_url=own_valkey.url, database_url=own_database)
    yield built
    built.close()
