"""The ledger of consents in SQL: rows are added and read, never changed, each with its audit event.

`SqlConsentStore` implements `consent.store.ConsentStore` inside one transaction; `SqlConsents` opens transactions.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from sqlalchemy import ColumnElement, and_, exists, insert, literal, select, true

from consent import Consent, ConsentItem, Ledger, NotThere, Outdated, Standing, Withdrawal, Wording
from idp.audit.events import ConsentGiven, ConsentWithdrawn
from idp.audit.log import new_id
from idp.storage.sql.audit import write_events
from idp.storage.sql.database import insert_if_new
from idp.storage.sql.tables import citizen, consent, consent_withdrawal, consent_wording

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection, RowMapping, Select

    from consent import By
    from idp.storage.sql.database import Database

Result = TypeVar("Result")

_later = consent.alias("later")

NOT_SUPERSEDED = ~exists().where(
    _later.c.citizen_id == consent.c.citizen_id,
    _later.c.client_id == consent.c.client_id,
    _later.c.purpose == consent.c.purpose,
    _later.c.supersedes == consent.c.id,
)
"""Picks the newest record of each citizen, relying party and purpose."""

ACTORS: Mapping[By, str] = {"citizen": "citizen:{subject}", "officer": "operator", "system": "worker"}

STANDING_COLUMNS: tuple[Any, ...] = (
    *consent.c,
    consent_wording.c.language,
    consent_wording.c.version,
    consent_wording.c.text,
    consent_withdrawal.c.id.label("withdrawal_id"),
    consent_withdrawal.c.at,
    consent_withdrawal.c.by,
    consent_withdrawal.c.reason,
)
"""What `standing_of` reads."""

STANDING: Select[Any] = select(*STANDING_COLUMNS).select_from(
    consent.join(consent_wording, consent_wording.c.sha256 == consent.c.wording_sha256).outerjoin(
        consent_withdrawal, consent_withdrawal.c.consent_id == consent.c.id
    )
)


class SqlConsents:
    """The ledger as pages and commands see it: a piece of work, done in one transaction."""

    def __init__(self, database: Database) -> None:
        """Share the process's database."""
        self._database = database

    def change(self, work: Callable[[Ledger], Result]) -> Result:
        """Run `work` with the ledger; when this returns, what it recorded is durable. It may run more than once.

        Raises:
            TemporarilyUnavailable: the database is away; nothing was recorded.
        """
        return self._database.transact(lambda connection: work(_ledger(connection)))

    def read(self, work: Callable[[Ledger], Result]) -> Result:
        """Run `work` that only reads.

        Raises:
            TemporarilyUnavailable: the database is away.
        """
        return self._database.consult(lambda connection: work(_ledger(connection)))


class SqlConsentStore:
    """Implements `consent.store.ConsentStore` inside the transaction of one connection."""

    def __init__(self, connection: Connection) -> None:
        """Work inside the transaction that is open."""
        self._connection = connection

    def lock(self, *, subject: str) -> None:
        """Hold the citizen's row: the one thing that exists before the first consent does.

        SQLite needs no lock, there a transaction that writes is alone from its beginning. On PostgreSQL the lock is
        the weakest that excludes itself, so that rows which refer to the citizen can still be written beside it.
        """
        held = select(citizen.c.id).where(citizen.c.id == subject).with_for_update(key_share=True)
        self._connection.execute(held).all()

    def append(self, given: Consent) -> None:
        """Add a consent with its wording and its event, unless another record already follows the same one."""
        self._keep_wording(given.wording)
        row = {
            "id": given.id,
            "citizen_id": given.subject,
            "client_id": given.recipient,
            "purpose": given.purpose,
            "items": _items_to_text(given),
            "wording_sha256": given.wording.sha256,
            "given_at": given.given_at,
            "expires_at": given.expires_at,
            "session_id": given.session_id,
            "acr": given.acr,
            "supersedes": given.supersedes,
        }
        values = select(*(literal(value, consent.c[name].type).label(name) for name, value in row.items()))
        followed = exists().where(
            _same_line(subject=given.subject, recipient=given.recipient, purpose=given.purpose),
            true() if given.supersedes is None else consent.c.supersedes == given.supersedes,
        )
        guarded = insert(consent).from_select(list(row), values.where(~followed))
        added = self._connection.execute(guarded, execution_options={"preserve_rowcount": True})
        if added.rowcount != 1:
            raise Outdated("another record already follows the one that this one supersedes")
        event = ConsentGiven(
            actor=ACTORS["citizen"].format(subject=given.subject),
            citizen_id=given.subject,
            client_id=given.recipient,
            object=given.id,
            purpose=given.purpose,
            claims=" ".join(sorted(given.granted_claims)),
            wording=given.wording.sha256,
        )
        write_events(self._connection, event)

    def end(self, withdrawal: Withdrawal) -> None:
        """Add a withdrawal and its event; nothing where the consent is ended already."""
        found = self.by_id(withdrawal.ends)
        if found is None or found.consent.subject != withdrawal.subject:
            raise NotThere("no such consent of this citizen")
        if found.withdrawal is not None:
            return
        row = {
            "id": withdrawal.id,
            "consent_id": withdrawal.ends,
            "citizen_id": withdrawal.subject,
            "at": withdrawal.at,
            "by": withdrawal.by,
            "reason": withdrawal.reason,
        }
        self._connection.execute(insert(consent_withdrawal).values(row))
        event = ConsentWithdrawn(
            actor=ACTORS[withdrawal.by].format(subject=withdrawal.subject),
            citizen_id=withdrawal.subject,
            client_id=found.consent.recipient,
            object=withdrawal.ends,
            reason=withdrawal.reason,
        )
        write_events(self._connection, event)

    def by_id(self, consent_id: str) -> Standing | None:
        """Return one consent with its withdrawal."""
        row = self._connection.execute(STANDING.where(consent.c.id == consent_id)).mappings().one_or_none()
        return None if row is None else standing_of(row)

    def head(self, *, subject: str, recipient: str, purpose: str) -> Standing | None:
        """Return the record that no other supersedes."""
        newest = head_of(subject=subject, recipient=recipient, purpose=purpose)
        row = self._connection.execute(newest).mappings().one_or_none()
        return None if row is None else standing_of(row)

    def line(self, *, subject: str, recipient: str, purpose: str) -> tuple[Standing, ...]:
        """Return every record of one purpose."""
        line = _same_line(subject=subject, recipient=recipient, purpose=purpose)
        return tuple(standing_of(row) for row in self._connection.execute(STANDING.where(line)).mappings())

    def of_subject(self, subject: str) -> tuple[Standing, ...]:
        """Return every record of one citizen."""
        mine = STANDING.where(consent.c.citizen_id == subject)
        return tuple(standing_of(row) for row in self._connection.execute(mine).mappings())

    def _keep_wording(self, wording: Wording) -> None:
        """Keep a wording once, however many have agreed to it."""
        row = {
            "sha256": wording.sha256,
            "language": wording.language,
            "version": wording.version,
            "text": wording.text,
        }
        insert_if_new(self._connection, consent_wording, row)


def head_of(*, subject: str, recipient: str, purpose: str) -> Select[Any]:
    """Select the record of one purpose that no other supersedes; at most one row."""
    return STANDING.where(_same_line(subject=subject, recipient=recipient, purpose=purpose), NOT_SUPERSEDED)


def in_force(*, consent_id: ColumnElement[Any], at: ColumnElement[Any]) -> ColumnElement[bool]:
    """The gate before anything is released: the consent exists, nothing ends it, and its date has not come.

    Both arguments are columns or `bindparam`s; `at` is an `Instant`, on the driver's own cursor its microseconds.
    """
    ended = exists().where(consent_withdrawal.c.consent_id == consent.c.id).correlate_except(consent_withdrawal)
    return exists().where(consent.c.id == consent_id, consent.c.expires_at > at, ~ended).correlate_except(consent)


def _ledger(connection: Connection) -> Ledger:
    return Ledger(store=SqlConsentStore(connection), new_id=new_id)


def _same_line(*, subject: str, recipient: str, purpose: str) -> ColumnElement[bool]:
    """Select the records of one subject, recipient and purpose, in the order of the index."""
    return and_(consent.c.citizen_id == subject, consent.c.client_id == recipient, consent.c.purpose == purpose)


def _items_to_text(given: Consent) -> str:
    """Write what was agreed as JSON: the purpose's version, and the items in the order in which they were shown."""
    return orjson.dumps({"purpose_version": given.purpose_version, "items": given.items}).decode()


@functools.lru_cache(maxsize=512)
def _agreed(items: str) -> tuple[int, tuple[ConsentItem, ...]]:
    """Read what `_items_to_text` wrote: the same text for all who chose the same, and nothing of a person in it."""
    agreed = orjson.loads(items)
    return agreed["purpose_version"], tuple(ConsentItem(**item) for item in agreed["items"])


@functools.lru_cache(maxsize=256)
def _wording(language: str, version: int, text: str) -> Wording:
    """Return a wording, made once for all who were shown it."""
    return Wording(language=language, version=version, text=text)


def standing_of(row: Mapping[str, Any] | RowMapping) -> Standing:
    """Read a row of `STANDING`.

    Raises:
        ValueError: somebody has changed the row into what no honest page can produce; the record checks itself.
    """
    purpose_version, items = _agreed(row["items"])
    given = Consent(
        id=row["id"],
        subject=row["citizen_id"],
        recipient=row["client_id"],
        purpose=row["purpose"],
        purpose_version=purpose_version,
        items=items,
        wording=_wording(row["language"], row["version"], row["text"]),
        given_at=row["given_at"],
        expires_at=row["expires_at"],
        session_id=row["session_id"],
        acr=row["acr"],
        supersedes=row["supersedes"],
    )
    if row["withdrawal_id"] is None:
        return Standing(given)
    ended = Withdrawal(
        id=row["withdrawal_id"],
        ends=given.id,
        subject=given.subject,
        at=row["at"],
        by=row["by"],
        reason=row["reason"],
    )
    return Standing(given, ended)
