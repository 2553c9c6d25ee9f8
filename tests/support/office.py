"""An office that registers people and hands out activation codes, and the citizens who come to it. All parts real."""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from idp import clock
from idp.audit.events import Event, PasskeyAdded, RegisterImported
from idp.citizens.activation import issue_code, parse_code
from idp.citizens.citizen import Person
from idp.citizens.credentials import NewPasskey, PasskeyUse
from idp.citizens.enrolment import Activation, new_user_handle
from idp.citizens.fingerprints import code_hash, number_hash, person_hash
from idp.citizens.login_session import Former, NewSession
from idp.citizens.national_id import PersonalNumber
from idp.citizens.register import LocalRegister, RegisterName, expect_found
from idp.citizens.store import RegisterEntry
from idp.errors import LoginError
from idp.storage.sql.activation_codes import SqlActivationCodes
from idp.storage.sql.audit import SqlAuditStore
from idp.storage.sql.citizens import SqlCitizens
from idp.storage.sql.passkeys import SqlPasskeys
from idp.storage.sql.register import SqlRegister
from idp.storage.sql.sessions import SqlSessions
from keys.sealing import Sealer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Literal

    import pytest
    from sqlalchemy import Table

    from idp.citizens.citizen import Citizen
    from idp.citizens.credentials import Passkey
    from idp.citizens.enrolment import Activated
    from idp.citizens.login_session import LoginSession
    from idp.storage.sql.database import Database
    from tests.support.postgres import Postgres

REGISTER_NAME = RegisterName(vi="Cơ sở dữ liệu quốc gia về dân cư", en="National Population Database")


_DRAWN: set[str] = set()


def new_number() -> PersonalNumber:
    """Draw a number of twelve digits with a usual beginning (Hà Nội, a woman of the 1900s), each one once."""
    while (digits := f"0011{secrets.randbelow(10**8):08}") in _DRAWN:
        pass
    _DRAWN.add(digits)
    return PersonalNumber(digits)


def a_person(**changed: str) -> Person:
    """Return a person of the register."""
    return Person.parse({"full_name": "Nguyễn Thị Hoa", "birth_date": "1941", "gender": "Nữ"} | changed)


def a_new_passkey(*, user_handle: bytes | None = None, name: str = "Điện thoại", sign_count: int = 0) -> NewPasskey:
    """Return a registration as the login room hands it over once it is verified."""
    return NewPasskey(
        credential_id=secrets.token_bytes(32),
        public_key=secrets.token_bytes(77),
        user_handle=new_user_handle() if user_handle is None else user_handle,
        sign_count=sign_count,
        aaguid="00000000-0000-0000-0000-000000000000",
        backup_eligible=False,
        backed_up=False,
        transports=("internal", "hybrid"),
        attested=False,
        biometric_only=False,
        hardware_bound=False,
        name=name,
    )


def a_new_session(*, seconds: float = 3600, former: LoginSession | None = None) -> NewSession:
    """Return what a login with a passkey has proved, in a browser that held `former`."""
    return NewSession(
        method="passkey",
        level=2,
        amr=("hwk", "user", "mfa"),
        expires_at=clock.after(seconds=seconds),
        former=None if former is None else Former(former.citizen_id, former.chain_id),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed(Event):
    """A change whose event its caller chooses."""


def at_once(*acts: Callable[[], object], refusal: type[Exception] = LoginError) -> list[Any]:
    """Do all of them at the same moment; return what each returned, or the refusal that it met."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return act()
        except refusal as met:
            return met

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@contextmanager
def meanwhile(*works: Callable[[threading.Event], None]) -> Iterator[None]:
    """Let each work go on beside us for as long as this lasts; each is told when it is over."""
    over = threading.Event()
    threads = [threading.Thread(target=work, args=(over,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def empty_database(request: pytest.FixtureRequest, folder: Path) -> str:
    """Return the address of an empty database of the kind that a fixture's parameter names."""
    if request.param == "sqlite":
        return f"sqlite:///{folder}/sen.db"
    server: Postgres = request.getfixturevalue("postgres")
    name = f"office_{secrets.token_hex(8)}"
    request.addfinalizer(lambda: server.drop_database(name))
    return server.create_database(name)


@dataclass
class Office:
    """One database, and everybody who works on it."""

    database: Database
    sealer: Sealer = field(default_factory=lambda: Sealer(master_key=secrets.token_bytes(32)))

    def __post_init__(self) -> None:
        """Open the stores."""
        self.citizens = SqlCitizens(database=self.database, sealer=self.sealer)
        self.passkeys = SqlPasskeys(database=self.database, sealer=self.sealer)
        self.sessions = SqlSessions(self.database)
        self.codes = SqlActivationCodes(self.database)
        self.entries = SqlRegister(database=self.database, sealer=self.sealer)
        self.audit = SqlAuditStore(self.database)
        self.register = LocalRegister(name=REGISTER_NAME, store=self.entries, sealer=self.sealer)

    def count(self, table: Table) -> int:
        """Return how many rows a table has."""
        statement = select(func.count()).select_from(table)
        return self.database.consult(lambda connection: connection.execute(statement).scalar_one())

    def number_hash(self, number: PersonalNumber) -> bytes:
        """Return what a number is found by."""
        return number_hash(sealer=self.sealer, number=number)

    def code_hash(self, text: str) -> bytes:
        """Return what a typed code is found by."""
        return code_hash(sealer=self.sealer, code=parse_code(text))

    def registers(
        self,
        *,
        number: PersonalNumber | None = None,
        person: Person | None = None,
        state: Literal["alive", "dead", "cancelled"] = "alive",
    ) -> PersonalNumber:
        """Put a person into the population register, or change what stands there."""
        number, person = number or new_number(), person or a_person()
        entry = RegisterEntry(
            number_hash=self.number_hash(number),
            person=person,
            person_hash=person_hash(sealer=self.sealer, person=person),
            state=state,
        )
        self.entries.put(entries=[entry], event=RegisterImported(actor="operator", rows=1, refused=0))
        return number

    def issues_code(self, *, number: PersonalNumber, account_level: int = 2) -> str:
        """Hand out a code, and return it as it is read out."""
        return issue_code(
            number=number,
            account_level=account_level,
            register=self.register,
            store=self.codes,
            sealer=self.sealer,
            actor="operator",
        ).text

    def activation(self, *, number: PersonalNumber, code: str, passkey: NewPasskey | None = None) -> Activation:
        """Put together what the journey has checked, with what the register says now."""
        answer = self.register.look_up(number=number, expected_person_hash=None)
        return Activation(
            number=number,
            code_hash=self.code_hash(code),
            person=expect_found(answer=answer, name=self.register.name),
            passkey=passkey or a_new_passkey(),
            session=a_new_session(),
        )

    def activates(self, *, number: PersonalNumber | None = None, account_level: int = 2) -> Activated:
        """Let a person become a citizen with an account."""
        number = number or self.registers()
        code = self.issues_code(number=number, account_level=account_level)
        return self.citizens.activate(activation=self.activation(number=number, code=code))

    def adds_passkey(self, citizen: Citizen, new: NewPasskey | None = None) -> Passkey:
        """Let a citizen have another passkey."""
        new = new or a_new_passkey(user_handle=citizen.user_handle)
        passkey = new.given_to(citizen_id=citizen.id, at=clock.now())
        event = PasskeyAdded(
            actor=f"citizen:{citizen.id}", citizen_id=citizen.id, object=passkey.id, aaguid=new.aaguid, attested=False
        )
        self.passkeys.add(passkey=passkey, event=event)
        return passkey

    def logs_in(
        self, passkey: Passkey, *, sign_count: int | None = None, former: LoginSession | None = None
    ) -> LoginSession:
        """Let a citizen log in with a passkey whose counter has moved, in a browser that held `former`."""
        use = PasskeyUse(
            passkey_id=passkey.id,
            citizen_id=passkey.citizen_id,
            expected_sign_count=passkey.sign_count,
            sign_count=passkey.sign_count + 1 if sign_count is None else sign_count,
            backed_up=False,
        )
        return self.passkeys.record_use(use=use, session=a_new_session(former=former))

    def events_of(self, citizen: Citizen) -> list[str]:
        """Return the types of a citizen's events, oldest first."""
        return [record.type for record in reversed(self.audit.of_citizen(citizen_id=citizen.id, limit=100))]


def with_same_credential(new: NewPasskey, other: NewPasskey | Passkey) -> NewPasskey:
    """Return a registration that carries the credential id of another one."""
    return replace(new, credential_id=other.credential_id)
