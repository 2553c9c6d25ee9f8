"""What the register answers is told apart at both steps of activation, to who proved a good code, and in the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete
from structlog.testing import capture_logs

from idp.errors import TemporarilyUnavailable
from idp.storage.sql.register import SqlRegister
from idp.storage.sql.tables import register_entry
from tests.support.house import House, members
from tests.support.login.at_activation import AtActivation
from tests.support.office import a_person

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse


def _forgets(person: AtActivation, _patch: pytest.MonkeyPatch) -> None:
    gone = register_entry.c.number_hash == person.house.office.number_hash(person.number)
    person.house.office.database.transact(lambda connection: connection.execute(delete(register_entry).where(gone)))


def _names_another(person: AtActivation, _patch: pytest.MonkeyPatch) -> None:
    person.house.office.registers(number=person.number, person=a_person(birth_date="1942"))


def _is_away(_person: AtActivation, patch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise TemporarilyUnavailable("The database does not answer.", detail="away")

    patch.setattr(SqlRegister, "by_number_hash", away)


@dataclass(frozen=True)
class Case:
    """What befalls the register, and how that is told: status, a sentence in each language, the words of the log."""

    befalls: Callable[[AtActivation, pytest.MonkeyPatch], None]
    status: int
    vi: str
    en: str
    logged: str


ANSWERS = {
    "not found": Case(
        _forgets, 409, "Số định danh này chưa có trong", "This number is not in the", "register: not_found"
    ),
    "does not match": Case(
        _names_another, 409, "này chưa khớp với", "does not match the", "register: does_not_match person"
    ),
    "unavailable": Case(_is_away, 503, "nhưng chưa có trả lời", "and got no answer", "register: unavailable away"),
}


def _is_told(person: AtActivation, page: TestResponse, case: Case) -> None:
    """Require that a page tells this answer and no other, with the register named, in both languages."""
    name = person.house.services.people.register.name
    english = person.looks_in_english()
    assert (page.status_code, english.status_code) == (case.status, case.status)
    for told, named, text in ((name.vi, page, case.vi), (name.en, english, case.en)):
        assert f"<strong>{told}</strong>" in named.text
        assert text in named.text
    others = [other for other in ANSWERS.values() if other != case]
    assert not [other for other in others if other.vi in page.text or other.en in english.text]


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_the_register_says_first_is_told_to_who_proved_a_code_and_to_the_log(
    house: House, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    person, case = AtActivation.with_code(house), ANSWERS[answer]
    case.befalls(person, monkeypatch)
    with capture_logs() as logged:
        page = person.types_code()
    _is_told(person, page, case)
    person.is_logged(case.logged, logged)
    assert person.own.calls("/activate/passkey/options", tx=person.tx).status_code == 400, "no passkey is made in vain"


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_the_register_says_after_the_passkey_is_told_as_well(
    house: House, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    person, case = AtActivation.with_code(house), ANSWERS[answer]
    assert person.types_code().status_code == 200
    credential = person.makes_passkey()
    case.befalls(person, monkeypatch)
    with capture_logs() as logged:
        refused = person.hands_in(credential)
    assert (refused.status_code, list(members(refused))) == (400, ["next"])
    _is_told(person, person.browser.get(members(refused)["next"]), case)
    person.is_logged(case.logged, logged)
    monkeypatch.undo()
    assert person.house.office.citizens.by_number_hash(number_hash=house.office.number_hash(person.number)) is None


def test_whom_the_register_finds_goes_on_at_both_steps(house: House) -> None:
    person = AtActivation.with_code(house)
    assert person.types_code().status_code == 200
    opened = person.hands_in(person.makes_passkey())
    assert (opened.status_code, members(opened)["next"]) == (200, f"/activate/second?tx={person.tx}")
    assert person.own.is_logged_in()


def test_who_was_told_that_the_register_is_away_opens_the_account_with_the_same_code_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = AtActivation.with_code(house)
    with monkeypatch.context() as patch:
        _is_away(person, patch)
        assert person.types_code().status_code == 503
    assert person.types_code().status_code == 200
    assert person.hands_in(person.makes_passkey()).status_code == 200


@pytest.mark.spec("LG-03")
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_stranger_with_a_wrong_code_hears_nothing_of_the_register(
    house: House, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    person = AtActivation.with_code(house)
    person.code = "BCFG-2345-HJKM-67"
    before = person.types_code()
    ANSWERS[answer].befalls(person, monkeypatch)
    after = person.types_code()
    assert (before.status_code, after.status_code) == (400, 400)
    assert len(before.data) == len(after.data)
    assert person.browser.get(f"/activate/passkey?tx={person.tx}").status_code == 400
