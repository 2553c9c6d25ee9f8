"""The whole of Sen as `sen demo` runs it: server with two workers, Valkey, worker, portal; and its citizens."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

from redis import Redis
from sqlalchemy import delete

from idp.citizens.citizen import Person
from idp.citizens.national_id import PersonalNumber
from idp.sessions import Session
from idp.storage.sql.tables import register_entry
from idp.wiring import open_database, open_sealer
from tests.support.demo import Demo, bare_environ
from tests.support.house import settings_for
from tests.support.office import Office, new_number
from tests.support.valkey import free_ports

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from idp.settings import Settings

MANY = "100000"
NOT_LIMITED = {"SEN_LIMITS__REQUESTS_PER_PREFIX": MANY, "SEN_LIMITS__PER_PREFIX": MANY}
"""All test people share one address."""


def free_neighbours() -> tuple[int, int]:
    """Return a port whose next one is free too, and another port."""
    while True:
        port, following, other = free_ports(3)
        if following == port + 1:
            return port, other


@dataclass(frozen=True, slots=True)
class Papers:
    """What a citizen holds in hand: the number of the identity card, and the letter with the activation code."""

    number: str
    code: str
    name: str


@dataclass
class Running:
    """One `sen demo` with its office; each test takes a citizen of its own."""

    demo: Demo
    settings: Settings
    welcome: str

    @classmethod
    def start(cls, folder: Path, *, options: Sequence[str] = (), **environ: str) -> Self:
        """Type the command, and read what it says."""
        ports = free_neighbours() if "--tls" in options else None
        demo = Demo.type_command(folder, environ=bare_environ(**NOT_LIMITED, **environ), options=options, ports=ports)
        try:
            welcome = demo.read_welcome()
        except BaseException:
            demo.end()
            raise
        kept = folder / "var"
        issuer = f"{'https' if ports else 'http'}://localhost:{demo.port}"
        settings = settings_for(folder=kept, redis_url=f"unix://{kept}/valkey.sock", SEN_SERVER__ISSUER=issuer)
        return cls(demo, settings, welcome)

    @property
    def issuer(self) -> str:
        """Where Sen answers."""
        return self.settings.server.issuer

    @property
    def portal(self) -> str:
        """Where the demo portal answers."""
        return f"http://localhost:{self.demo.portal_port}"

    @cached_property
    def office(self) -> Office:
        """The office that works on the same database."""
        return Office(database=open_database(self.settings), sealer=open_sealer(self.settings))

    def citizen(self, **person: str) -> Papers:
        """Put a person into the register and hand out an activation code."""
        number = new_number()
        everything = {
            "full_name": "Nguyễn Thị Hoa",
            "birth_date": "1941",
            "gender": "nữ",
            "nationality": "VN",
            "address": "12 phố Thử, phường Hoàn Kiếm, Hà Nội",
            "phone_number": "09" + "".join(secrets.choice("0123456789") for _ in range(8)),
            "email": "hoa@dan.example",
            **person,
        }
        self.office.registers(number=number, person=Person.parse(everything))
        code = self.office.issues_code(number=number, account_level=2)
        return Papers(number.digits, code, everything["full_name"])

    def forgets(self, papers: Papers) -> None:
        """Strike a person from the register, after the code was handed out."""
        number_hash = self.office.number_hash(PersonalNumber(papers.number))
        statement = delete(register_entry).where(register_entry.c.number_hash == number_hash)
        self.office.database.transact(lambda connection: connection.execute(statement))

    def ages_sessions(self, *, seconds: int) -> None:
        """Let every login of now have happened earlier."""
        memory = Redis.from_url(self.settings.storage.redis_url)
        for key in memory.scan_iter("*session*"):
            value = memory.get(key)
            assert isinstance(value, bytes)
            session = Session.from_json(value)
            memory.set(key, replace(session, auth_time=session.auth_time - seconds).to_json(), keepttl=True)
        memory.close()

    def end(self) -> None:
        """End it, and leave nothing."""
        if "office" in self.__dict__:
            self.office.database.close()
        self.demo.end()
