"""A row that a disk or a hand has damaged is not relied on; whatever does not rest on it goes on as before."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from idp.storage.sql.tables import citizen as account
from idp.storage.sql.tables import citizen_number, consent, passkey, signing_key
from tests.support.house import House, later, members
from tests.support.login.own_pages import begins_login

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Column

    from tests.support.house import ACitizen, Portal
    from tests.support.terminal import Terminal
    from tests.support.valkey import ValkeyServer

LOOKED_AGAIN = 3
"""Seconds after which a worker has read its keys again."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer) -> Iterator[House]:
    """Give a house whose rows may be damaged."""
    built = House.build(folder=tmp_path_factory.mktemp("damaged"), redis_url=lone_valkey.url)
    yield built
    built.close()


def _flipped(value: Any) -> Any:
    """Flip one bit in the middle; of a text, so that it stays one."""
    raw = bytearray(value.encode() if isinstance(value, str) else value)
    raw[len(raw) // 2] ^= 1
    return raw.decode() if isinstance(value, str) else bytes(raw)


def _cut(value: Any) -> Any:
    """Leave the first half."""
    return value[: len(value) // 2]


@contextmanager
def _damaged(house: House, column: Column[Any], where: Any, *, how: Callable[[Any], Any]) -> Iterator[None]:
    """Damage one row, and repair it."""
    database = house.office.database

    def put(value: Any) -> None:
        change = update(column.table).where(where).values({column: value})
        database.transact(lambda connection: connection.execute(change))

    (former,) = database.consult(lambda connection: connection.execute(select(column).where(where)).scalars().all())
    put(how(former))
    try:
        yield
    finally:
        put(former)


def _id_of(citizen: ACitizen) -> str:
    office = citizen.house.office
    mine = select(citizen_number.c.citizen_id).where(citizen_number.c.number_hash == office.number_hash(citizen.number))
    return str(office.database.consult(lambda connection: connection.execute(mine).scalar_one()))


@pytest.mark.parametrize(
    ("column", "owner", "how"),
    [
        (passkey.c.public_key, passkey.c.citizen_id, _flipped),
        (passkey.c.public_key, passkey.c.citizen_id, _cut),
        (account.c.person, account.c.id, _flipped),
        (account.c.person, account.c.id, _cut),
        (consent.c["items"], consent.c.citizen_id, _cut),
    ],
)
@pytest.mark.spec("F30", "I5")
def test_a_damaged_row_gives_its_citizen_nothing_and_takes_nothing_from_others(
    own: House, column: Column[Any], owner: Column[Any], how: Callable[[Any], Any]
) -> None:
    victim, neighbour, portal = own.activates_citizen(), own.activates_citizen(), own.registers_portal()
    for each in (victim, neighbour):
        assert (login := portal.asks()).redeem(each.arrives(login)).status_code == 200
    with _damaged(own, column, owner == _id_of(victim), how=how):
        assert not _gets_a_code(victim, portal)
        assert _gets_a_code(neighbour, portal)
    assert _gets_a_code(victim, portal)


def _gets_a_code(citizen: ACitizen, portal: Portal) -> bool:
    """Tell whether a login with the passkey in a new browser leads to a code; whatever else comes, it is an answer."""
    citizen.browser = citizen.house.browser()
    signed = citizen.signs_in(begins_login(citizen.browser))
    answer = citizen.browser.get(portal.asks().url)
    has_code = "code=" in answer.headers.get("Location", "")
    assert has_code == (signed.status_code == 200 and answer.status_code == 303), (signed.text, answer.text)
    return has_code


def _looks_again(house: House) -> None:
    """Let a worker read its keys again."""
    with later(LOOKED_AGAIN):
        assert house.browser().get("/jwks").status_code == 200


@pytest.mark.parametrize(
    ("column", "how", "is_open"),
    [
        (signing_key.c.sealed_private, _flipped, True),  # a worker that opened it before has a key that is whole
        (signing_key.c.public_jwk, _cut, False),
        (signing_key.c.public_jwk, _flipped, False),
        (signing_key.c.public_jwk, lambda _jwk: "[]", False),
    ],
)
@pytest.mark.spec("F30")
def test_a_damaged_signing_key_takes_no_other_down(
    own: House,
    column: Column[Any],
    how: Callable[[Any], Any],
    is_open: bool,  # noqa: FBT001  a parameter
) -> None:
    citizen = own.logs_in_directly()
    portals = {alg: own.registers_portal(id_token_signed_response_alg=alg) for alg in ("ES256", "RS256")}

    def given(alg: str) -> int:
        login = portals[alg].asks()
        answer = login.redeem(citizen.arrives(login))
        if answer.status_code == 200:
            assert portals[alg].reads_id_token(members(answer)["id_token"])["sub"]
        return answer.status_code

    assert own.browser().get("/jwks").status_code == 200, "a worker that has opened its keys"
    with _damaged(own, column, signing_key.c.alg == "RS256", how=how):
        _looks_again(own)
        assert (given("RS256"), given("ES256")) == (200 if is_open else 503, 200)
        anew = own.beside()
        for portal in portals.values():
            portal.moves_to(anew)
        assert (given("RS256"), given("ES256")) == (503, 200)
    _looks_again(anew)
    assert (given("RS256"), given("ES256")) == (200, 200)
    anew.services.close()


@pytest.mark.spec("F30")
def test_the_doctor_names_a_damaged_signing_key(terminal: Terminal) -> None:
    terminal = replace(terminal, environ={"SEN_KEYS__ALGORITHMS": "ES256,EdDSA"})
    terminal.types("keys", "rotate")
    with sqlite3.connect(terminal.folder / "var" / "sen.db") as database:
        database.execute("UPDATE signing_key SET public_jwk = '[' WHERE alg = 'EdDSA'")
    database.close()
    said = terminal.types("doctor")
    assert said.status == 1
    assert "problem  keys: the private key is not the half that belongs to the published one" in said.out
