"""A new number for a citizen: the account stays, so that nobody begins anew everywhere with a second one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from idp import clock
from idp.audit.events import NumberGiven, PersonRefreshed
from idp.citizens.register import NotFound, expect_found
from idp.errors import NotKnown

if TYPE_CHECKING:
    from idp.citizens.citizen import Citizen, Person
    from idp.citizens.national_id import PersonalNumber
    from idp.citizens.register import Register
    from idp.citizens.store import CitizenStore


def give_number(
    *, citizen_id: str, number: PersonalNumber, register: Register, store: CitizenStore, actor: str
) -> None:
    """Give a citizen a number, and what the register says under it; it may not have the number yet.

    Raises:
        NotKnown: no such citizen, a number that stands in the history of a citizen, or one of somebody else.
        RegisterAnswer: the register has the number of a dead person or a cancelled one, or does not answer.
        TemporarilyUnavailable: the database is away.
    """
    citizen = store.by_id(citizen_id=citizen_id)
    if citizen is None:
        raise NotKnown(f"There is no citizen {citizen_id}.")
    answer = register.look_up(number=number, expected_person_hash=None)
    person = None if isinstance(answer, NotFound) else expect_found(answer=answer, name=register.name)
    if person is not None and person.is_somebody_else(citizen.person):
        raise NotKnown(f"The {register.name.en} has somebody else under the number {number.masked()}.")
    try:
        event = NumberGiven(actor=actor, citizen_id=citizen_id, object=citizen_id)
        store.give_number(citizen_id=citizen_id, number=number, event=event)
    except ValueError as error:
        raise NotKnown(f"The number {number.masked()} belongs, or belonged, to a citizen already.") from error
    if person is not None:
        _refresh(citizen, person, store=store, actor=actor)


def _refresh(citizen: Citizen, person: Person, *, store: CitizenStore, actor: str) -> None:
    news = person.news(citizen.person)
    if news:
        event = PersonRefreshed(actor=actor, citizen_id=citizen.id, object=citizen.id, fields=" ".join(news))
        store.refresh_person(citizen_id=citizen.id, person=replace(person, confirmed_at=clock.now()), event=event)
