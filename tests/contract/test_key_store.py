"""A key store keeps its promises in memory, on SQLite and on PostgreSQL; in SQL each step leaves its event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest
from sqlalchemy import select

from idp.storage.sql.keys import SqlKeyStore
from idp.storage.sql.tables import audit_event
from keys import KeyRecord, KeyRing, KeyStore, Sealer, open_custodians, revoke, rotate, rotate_now
from tests.support.consent.accounts import a_database
from tests.support.office import at_once
from tests.unit.keys.shelf import SETTINGS, Shelf, after, at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from idp.storage.sql.database import Database
    from keys.store import State

CUSTODIANS = open_custodians(sealer=Sealer(master_key=b"m" * 32))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each kind."""
    with a_database(request, folder=tmp_path) as opened:
        yield opened


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyStore]:
    """An empty store of each kind."""
    if request.param == "memory":
        yield Shelf()
        return
    with a_database(request, folder=tmp_path) as opened:
        yield SqlKeyStore(opened)


def a_record(kid: str, *, state: State = "announced", alg: str = "ES256") -> KeyRecord:
    """Return a new key; what is in it does not matter to a store."""
    return KeyRecord(
        kid=kid,
        alg=alg,
        state=state,
        custodian="software",
        sealed_private=bytes(range(256)),
        public_jwk={"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "kid": kid},
        announced_at=after(0),
        active_at=after(0) if state == "active" else None,
    )


def living(store: KeyStore) -> dict[str, KeyRecord]:
    """Return the keys that are not gone, by name."""
    return {one.kid: one for one in store.all() if one.state != "gone"}


def test_a_key_comes_back_as_it_was_added(store: KeyStore) -> None:
    for record in (a_record("a", state="active"), a_record("b"), a_record("c", alg="EdDSA")):
        assert store.add(record)
        assert living(store)[record.kid] == record


def test_an_algorithm_has_at_most_one_active_and_one_announced_key(store: KeyStore) -> None:
    assert store.add(a_record("a", state="active"))
    assert store.add(a_record("b"))
    assert not store.add(a_record("c", state="active"))
    assert not store.add(a_record("d"))
    assert set(living(store)) == {"a", "b"}
    assert store.move(kid="b", expected_state="announced", state="gone", at=after(1), reason="stolen")
    assert store.add(a_record("d"))


def test_a_key_moves_once_from_where_it_is_expected(store: KeyStore) -> None:
    store.add(a_record("a", state="active"))
    assert not store.move(kid="a", expected_state="retiring", state="gone", at=after(1), reason="wrong")
    assert living(store)["a"].state == "active"
    assert store.move(kid="a", expected_state="active", state="retiring", at=after(2), reason="not offered")
    assert not store.move(kid="a", expected_state="active", state="retiring", at=after(3), reason="again")
    retiring = living(store)["a"]
    assert (retiring.state, retiring.retiring_at, retiring.ended_reason) == ("retiring", after(2), "not offered")
    assert store.move(kid="a", expected_state="retiring", state="gone", at=after(4), reason="expired")
    assert living(store) == {}


def test_a_promoted_key_takes_the_place_of_the_active_one(store: KeyStore) -> None:
    store.add(a_record("a", state="active"))
    store.add(a_record("b"))
    store.add(a_record("c", state="active", alg="EdDSA"))
    assert store.promote(kid="b", at=after(5), reason="published for long enough")
    assert not store.promote(kid="b", at=after(6), reason="again")
    assert not store.promote(kid="a", at=after(6), reason="back")
    now = living(store)
    assert {kid: one.state for kid, one in now.items()} == {"a": "retiring", "b": "active", "c": "active"}
    assert (now["a"].retiring_at, now["b"].active_at, now["c"].retiring_at) == (after(5), after(5), None)
    assert now["b"].ended_reason is None


def test_a_key_is_promoted_where_none_was_active(store: KeyStore) -> None:
    store.add(a_record("b"))
    assert store.promote(kid="b", at=after(5), reason="no key of this algorithm was active")
    assert living(store)["b"].state == "active"


@pytest.mark.parametrize("number", [2, 4])
def test_of_workers_that_start_at_once_one_adds_the_first_key(store: KeyStore, number: int) -> None:
    def adding(kid: str) -> Callable[[], bool]:
        return lambda: store.add(a_record(kid, state="active"))

    answers = at_once(*(adding(str(each)) for each in range(number)))
    assert sorted(answers) == [False] * (number - 1) + [True]
    assert len(living(store)) == 1


def test_of_workers_that_promote_at_once_one_is_told_that_it_did(store: KeyStore) -> None:
    store.add(a_record("a", state="active"))
    store.add(a_record("b"))
    answers = at_once(*[lambda: store.promote(kid="b", at=after(1), reason="due")] * 4)
    assert sorted(answers) == [False, False, False, True]
    assert {kid: one.state for kid, one in living(store).items()} == {"a": "retiring", "b": "active"}


@pytest.mark.spec("AU-01")
def test_every_step_of_a_keys_life_leaves_its_event_and_a_step_not_taken_leaves_none(database: Database) -> None:
    store = SqlKeyStore(database, actor="operator")
    store.add(a_record("a", state="active"))
    store.add(a_record("refused", state="active"))
    store.add(a_record("b"))
    store.promote(kid="b", at=after(5), reason="due")
    store.promote(kid="b", at=after(5), reason="again")
    store.move(kid="a", expected_state="active", state="gone", at=after(6), reason="too late")
    store.move(kid="a", expected_state="retiring", state="gone", at=after(6), reason="expired")
    query = select(audit_event.c.type, audit_event.c.object, audit_event.c.actor, audit_event.c.details).order_by(
        audit_event.c.id
    )
    rows = database.consult(lambda connection: connection.execute(query).all())
    told = [(row.type, row.object, orjson.loads(row.details)) for row in rows]
    assert told == [
        ("KeyAdded", "a", {"alg": "ES256", "state": "active"}),
        ("KeyAdded", "b", {"alg": "ES256", "state": "announced"}),
        ("KeyMoved", "a", {"state": "retiring", "reason": "due"}),
        ("KeyMoved", "b", {"state": "active", "reason": "due"}),
        ("KeyMoved", "a", {"state": "gone", "reason": "expired"}),
    ]
    assert {row.actor for row in rows} == {"operator"}
    assert {one.kid: one.state for one in store.all()} == {"b": "active"}


@pytest.mark.spec("ID-12", "ID-13")
def test_a_ring_lives_on_a_real_database_from_first_start_to_revocation(database: Database) -> None:
    store = SqlKeyStore(database)
    ring = KeyRing(store=store, custodians=CUSTODIANS, settings=SETTINGS)
    rotate(store=store, custodians=CUSTODIANS, settings=SETTINGS, now=at(0))
    first = ring.signing_key("ES256", now=after(0)).kid
    rotate_now(store=store, custodians=CUSTODIANS, settings=SETTINGS, now=at(1))
    due = 1 + SETTINGS.head_start.total_seconds()
    rotate(store=store, custodians=CUSTODIANS, settings=SETTINGS, now=at(due))
    second = ring.signing_key("ES256", now=after(due)).kid
    assert {key.kid for key in ring.verification_keys(now=after(due))} == {first, second}
    revoke(store=store, custodians=CUSTODIANS, settings=SETTINGS, kid=second, reason="stolen", now=at(due + 1))
    third = ring.signing_key("ES256", now=after(due + 2)).kid
    assert {key.kid for key in ring.verification_keys(now=after(due + 2))} == {first, third}
