"""The register's four answers are told apart, and the way to ask never raises."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from idp.citizens.fingerprints import person_hash
from idp.citizens.register import DoesNotMatch, Found, NotFound, Unavailable, expect_found
from idp.errors import RegisterAnswer
from idp.storage.sql.database import Database
from idp.storage.sql.tables import METADATA
from tests.support.office import REGISTER_NAME, Office, a_person, new_number

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Open an office over an empty database."""
    database = Database(url=f"sqlite:///{tmp_path}/sen.db")
    METADATA.create_all(database.engine)
    yield Office(database)
    database.close()


def test_a_living_person_is_found(office: Office) -> None:
    number = office.registers()
    assert office.register.look_up(number=number, expected_person_hash=None) == Found(person=a_person())
    assert office.register.name == REGISTER_NAME


def test_an_unknown_number_is_not_found(office: Office) -> None:
    assert office.register.look_up(number=new_number(), expected_person_hash=None) == NotFound()


def test_a_person_who_is_still_the_same_is_found_whatever_else_changed(office: Office) -> None:
    expected = person_hash(sealer=office.sealer, person=a_person())
    moved = a_person(full_name="NGUYỄN THỊ HOA", address="Đà Nẵng", gender="Nữ")
    number = office.registers(person=moved)
    assert office.register.look_up(number=number, expected_person_hash=expected) == Found(person=moved)


@pytest.mark.parametrize("changed", [{"full_name": "Nguyễn Thị Hòa"}, {"birth_date": "1941-01-01"}])
def test_another_name_or_birth_date_does_not_match(office: Office, changed: dict[str, str]) -> None:
    expected = person_hash(sealer=office.sealer, person=a_person())
    number = office.registers(person=a_person(**changed))
    answer = office.register.look_up(number=number, expected_person_hash=expected)
    assert answer == DoesNotMatch(reason="person")


@pytest.mark.parametrize("state", ["dead", "cancelled"])
def test_nobody_acts_under_a_dead_persons_or_a_cancelled_number(office: Office, state: str) -> None:
    number = office.registers(state=state)  # type: ignore[arg-type]
    assert office.register.look_up(number=number, expected_person_hash=None) == DoesNotMatch(reason=state)  # type: ignore[arg-type]


def test_a_register_that_is_away_says_so_and_does_not_say_not_found(tmp_path: Path) -> None:
    away = Office(Database(url=f"sqlite:///{tmp_path}/no/such/folder/sen.db"))
    answer = away.register.look_up(number=new_number(), expected_person_hash=None)
    assert isinstance(answer, Unavailable)


def test_an_answer_is_told_with_the_registers_name_and_its_reason_stays_inside() -> None:
    for answer, word in (
        (NotFound(), "not_found"),
        (DoesNotMatch(reason="dead"), "does_not_match"),
        (Unavailable(detail="disk on fire"), "unavailable"),
    ):
        with pytest.raises(RegisterAnswer, match="National Population Database") as told:
            expect_found(answer=answer, name=REGISTER_NAME)
        assert told.value.answer == word
        assert "dead" not in told.value.public
        assert "fire" not in told.value.public
    assert expect_found(answer=Found(person=a_person()), name=REGISTER_NAME) == a_person()


def test_the_same_number_hashes_differently_under_another_master_key(office: Office, tmp_path: Path) -> None:
    number, other = new_number(), Office(Database(url=f"sqlite:///{tmp_path}/other.db"))
    assert office.number_hash(number) == office.number_hash(number)
    assert office.number_hash(number) != other.number_hash(number)
    assert len(office.number_hash(number)) == len(secrets.token_bytes(32))
