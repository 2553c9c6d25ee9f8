"""Citizens whose consents lie in a real database, each step a transaction of its own."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import func, insert, literal, select

from consent import Circumstances, Consent, Ledger, Standing, Withdrawal, answer, decide
from idp.audit.log import new_id
from idp.storage.sql.consents import SqlConsents, in_force
from idp.storage.sql.database import Database
from idp.storage.sql.tables import METADATA, Instant, audit_event, citizen, relying_party
from tests.support.consent.people import DRIVING, MIDNIGHT, PORTAL, a_wording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    import pytest
    from sqlalchemy import Table

    from consent import Decision, Demand
    from tests.support.postgres import Postgres


@contextmanager
def a_database(request: pytest.FixtureRequest, *, folder: Path) -> Iterator[Database]:
    """Open an empty database of the kind that a fixture's parameter names, with one portal registered."""
    if request.param == "sqlite":
        with _filled(f"sqlite:///{folder}/sen.db") as database:
            yield database
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = f"consents_{secrets.token_hex(8)}"
    with _filled(server.create_database(name)) as database:
        yield database
    server.drop_database(name)


@contextmanager
def _filled(url: str) -> Iterator[Database]:
    database = Database(url=url, timeout_seconds=20)
    METADATA.create_all(database.engine)
    portal = {"client_id": PORTAL, "profile": "web", "metadata": "{}", "status": "approved", "created_at": MIDNIGHT}
    database.transact(lambda connection: connection.execute(insert(relying_party).values(portal)))
    try:
        yield database
    finally:
        database.close()


@dataclass
class Account:
    """A citizen at the consent page of a provider with a real database."""

    database: Database
    subject: str
    clock: datetime = MIDNIGHT

    @property
    def consents(self) -> SqlConsents:
        """The ledger as the pages have it."""
        return SqlConsents(self.database)

    def newest(self, purpose: str = DRIVING) -> Standing | None:
        """Return how things stand with the portal."""
        return self.consents.read(lambda ledger: ledger.newest(subject=self.subject, recipient=PORTAL, purpose=purpose))

    def is_asked(self, demand: Demand) -> Decision:
        """Return what the page would show."""
        return decide(demand=demand, standing=self.newest(demand.purpose), now=self.clock)

    def gives(self, ledger: Ledger, decision: Decision, *ticked: str) -> Consent:
        """Agree inside a transaction that is open."""
        return ledger.give(
            subject=self.subject,
            decision=decision,
            items=answer(decision=decision, ticked=frozenset(ticked), agreed=True),
            wording=a_wording(decision.demand.wording_version),
            circumstances=Circumstances(at=self.clock, session_id="session-1", acr="2"),
        )

    def answers(self, decision: Decision, *ticked: str) -> Consent:
        """Agree on a page that may have been open for a while."""
        return self.consents.change(lambda ledger: self.gives(ledger, decision, *ticked))

    def agrees(self, demand: Demand, *ticked: str) -> Consent:
        """Read the page and agree at once."""
        return self.answers(self.is_asked(demand), *ticked)

    def withdraws(self, given: Consent) -> tuple[Withdrawal, ...]:
        """Withdraw the whole purpose."""
        return self.consents.change(
            lambda ledger: ledger.withdraw(
                consent_id=given.id, subject=self.subject, by="citizen", reason="changed_my_mind", now=self.clock
            )
        )

    def kept(self) -> tuple[Standing, ...]:
        """Return everything that was ever agreed, with what was withdrawn of it."""
        return self.consents.read(lambda ledger: ledger.store.of_subject(self.subject))

    def gate_lets_pass(self, given: Consent) -> bool:
        """Tell what the token endpoint's gate says of one record now."""
        gate = select(in_force(consent_id=literal(given.id), at=literal(self.clock, Instant)))
        return bool(self.database.consult(lambda connection: connection.execute(gate).scalar()))


def a_citizen(database: Database) -> Account:
    """Return a citizen who has an account and has agreed to nothing."""
    subject = new_id()
    row = {
        "id": subject,
        "status": "active",
        "account_level": 2,
        "user_handle": subject.encode(),
        "person": b"sealed",
        "created_at": MIDNIGHT,
    }
    database.transact(lambda connection: connection.execute(insert(citizen).values(row)))
    return Account(database=database, subject=subject)


def rows_of(database: Database, table: Table) -> int:
    """Count the rows of a table."""
    counted = database.consult(lambda connection: connection.execute(select(func.count()).select_from(table)).scalar())
    return int(counted or 0)


def events_of(person: Account) -> list[tuple[str, str, str | None, dict[str, str]]]:
    """Return type, actor, object and details of a citizen's events, oldest first."""
    statement = (
        select(audit_event.c.type, audit_event.c.actor, audit_event.c.object, audit_event.c.details)
        .where(audit_event.c.citizen_id == person.subject)
        .order_by(audit_event.c.id)
    )
    found = person.database.consult(lambda connection: connection.execute(statement).all())
    return [(row.type, row.actor, row.object, orjson.loads(row.details)) for row in found]
