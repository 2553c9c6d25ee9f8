"""What the register says after an activation reaches the account, with the entries or not at all; on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idp import clock
from idp.audit.events import RegisterImported
from idp.citizens.fingerprints import person_hash
from idp.citizens.store import Followed, RegisterEntry
from idp.storage.sql.people import PERSON, seal_person
from idp.storage.sql.tables import audit_event, citizen
from tests.support.office import Office, a_person, new_number

if TYPE_CHECKING:
    from idp.citizens.national_id import PersonalNumber

NOTHING = Followed(refreshed=0, ended=0)
FORMER = "024123456"


def says(office: Office, *lines: tuple[PersonalNumber, dict[str, str]], keeps_states: bool = False) -> Followed:
    """Put lines into the register at once; `state` stands among the fields of the person."""
    entries = []
    for number, fields in lines:
        person = a_person(**{name: text for name, text in fields.items() if name != "state"})
        entries.append(
            RegisterEntry(
                number_hash=office.number_hash(number),
                person=person,
                person_hash=person_hash(sealer=office.sealer, person=person),
                state=fields.get("state", "alive"),  # type: ignore[arg-type]  # the tests name states alone
            )
        )
    event = RegisterImported(actor="operator", rows=len(entries), refused=0)
    return office.entries.put(entries=entries, event=event, keeps_states=keeps_states)


def test_an_account_takes_what_is_new_of_its_person_and_the_trail_names_the_fields_alone(office: Office) -> None:
    number, other = office.registers(), office.registers()
    first, stranger = office.activates(number=number), office.activates(number=other)
    new = {"full_name": "Nguyễn Thị Hồng Hoa", "phone_number": "0912345678", "former_number": FORMER}
    assert says(office, (number, new), (new_number(), {}), (other, {})) == Followed(refreshed=1, ended=0)
    found = office.citizens.by_id(citizen_id=first.citizen.id)
    assert found is not None
    assert (found.person.full_name, found.person.phone_number) == ("Nguyễn Thị Hồng Hoa", "+84912345678")
    assert found.person.confirmed_at is not None
    assert first.citizen.person.confirmed_at is not None
    assert first.citizen.person.confirmed_at < found.person.confirmed_at <= clock.now()
    held = office.citizens.numbers_of(citizen_id=first.citizen.id)
    assert {each.number.digits for each in held} == {number.digits, FORMER}
    assert office.citizens.by_id(citizen_id=stranger.citizen.id) == stranger.citizen
    (told,) = office.audit.of_citizen(citizen_id=first.citizen.id, limit=1)
    assert (told.type, told.details) == ("PersonRefreshed", '{"fields":"full_name phone_number former_number"}')
    assert office.sessions.of_citizen(citizen_id=first.citizen.id) == (first.session,)


@pytest.mark.spec("AL-10")
@pytest.mark.parametrize(("state", "status"), [("dead", "deceased"), ("cancelled", "suspended")])
def test_the_account_of_a_dead_person_or_of_a_cancelled_number_ends_and_nothing_revives_it(
    office: Office, state: str, status: str
) -> None:
    number, other = office.registers(), office.registers()
    first, stranger = office.activates(number=number), office.activates(number=other)
    assert says(office, (number, {"state": state}), (other, {})) == Followed(refreshed=0, ended=1)
    found = office.citizens.by_id(citizen_id=first.citizen.id)
    assert found is not None
    assert found.status == status
    assert office.sessions.of_citizen(citizen_id=first.citizen.id) == ()
    assert office.passkeys.allowed_for(number_hash=office.number_hash(number)) == ()
    assert office.events_of(first.citizen)[-2:] == ["CitizenEnded", "SessionEnded"]
    assert says(office, (number, {"full_name": "Nguyễn Hoa"})) == NOTHING
    assert office.citizens.by_id(citizen_id=first.citizen.id) == found
    assert office.passkeys.allowed_for(number_hash=office.number_hash(other)) != ()
    assert office.sessions.of_citizen(citizen_id=stranger.citizen.id) == (stranger.session,)


def in_register(office: Office, number: PersonalNumber) -> tuple[str, str]:
    """Return the name and the state that the register has under a number."""
    entry = office.entries.by_number_hash(number_hash=office.number_hash(number))
    assert entry is not None
    return entry.person.full_name, entry.state


@pytest.mark.spec("AL-10")
@pytest.mark.parametrize("state", ["dead", "cancelled"])
def test_silence_about_states_brings_nobody_back_and_a_word_does(office: Office, state: str) -> None:
    gone, living, new = office.registers(), office.registers(), new_number()
    says(office, (gone, {"state": state}), (living, {}))
    silent = [(number, {"full_name": "Nguyễn Hoa"}) for number in (gone, living, new)]
    for _ in range(2):
        assert says(office, *silent, keeps_states=True) == NOTHING
        assert [in_register(office, number)[1] for number in (gone, living, new)] == [state, "alive", "alive"]
    assert in_register(office, gone)[0] == "Nguyễn Hoa"
    says(office, *silent)
    assert in_register(office, gone)[1] == "alive"


@pytest.mark.spec("AL-10")
def test_an_account_follows_a_state_that_stands_although_nobody_says_it_again(office: Office) -> None:
    number = office.registers()
    office.activates(number=number)
    stranger = {"full_name": "Trần Văn Nam", "birth_date": "2001", "state": "dead"}
    assert says(office, (number, stranger)).ended == 0
    assert says(office, (number, {}), keeps_states=True) == Followed(refreshed=0, ended=1)


def test_an_account_that_an_operator_suspended_ends_with_its_person_and_takes_nothing_before(office: Office) -> None:
    number = office.registers()
    first = office.activates(number=number)
    office.citizens.end(citizen_id=first.citizen.id, status="suspended", reason="asked for", actor="operator")
    assert (
        says(office, (number, {"full_name": "Nguyễn Hoa"})) == says(office, (number, {"state": "cancelled"})) == NOTHING
    )
    assert says(office, (number, {"state": "dead"})) == Followed(refreshed=0, ended=1)


def test_saying_it_again_changes_no_account_and_is_audited_nowhere(office: Office) -> None:
    number, other = office.registers(), office.registers()
    first, second = office.activates(number=number), office.activates(number=other)
    lines = ((number, {"address": "Phường Cửa Nam, Hà Nội"}), (other, {"state": "dead"}))
    assert says(office, *lines) == Followed(refreshed=1, ended=1)
    before = [office.citizens.by_id(citizen_id=each.citizen.id) for each in (first, second)]
    events = office.count(audit_event)
    assert says(office, *lines) == NOTHING
    assert [office.citizens.by_id(citizen_id=each.citizen.id) for each in (first, second)] == before
    assert office.count(audit_event) == events + 1, "the import itself, and nothing else"


def test_of_two_lines_with_one_number_the_account_follows_the_later_one(office: Office) -> None:
    number = office.registers()
    first = office.activates(number=number)
    assert says(office, (number, {"state": "dead"}), (number, {"full_name": "Nguyễn Hoa"})).ended == 0
    found = office.citizens.by_id(citizen_id=first.citizen.id)
    assert found is not None
    assert (found.status, found.person.full_name) == ("active", "Nguyễn Hoa")


@pytest.mark.spec("AL-10")
def test_an_account_never_passes_to_somebody_else_to_whom_its_number_was_given(office: Office) -> None:
    number = office.registers()
    first = office.activates(number=number)
    told = says(office, (number, {"full_name": "Trần Văn Nam", "birth_date": "2001"}))
    assert told == Followed(refreshed=0, ended=0, somebody_else=frozenset({office.number_hash(number)}))
    assert office.citizens.by_id(citizen_id=first.citizen.id) == first.citizen


def test_what_is_said_under_a_former_number_of_an_account_does_not_reach_it(office: Office) -> None:
    number, newer = office.registers(), new_number()
    first = office.activates(number=number)
    event = RegisterImported(actor="operator", citizen_id=first.citizen.id, rows=0, refused=0)
    office.citizens.give_number(citizen_id=first.citizen.id, number=newer, event=event)
    assert says(office, (number, {"state": "cancelled"})) == NOTHING
    assert says(office, (newer, {"full_name": "Nguyễn Hoa"})) == Followed(refreshed=1, ended=0)


@pytest.mark.spec("AL-10")
@pytest.mark.parametrize("state", ["dead", "cancelled"])
def test_a_line_about_somebody_else_ends_no_account(office: Office, state: str) -> None:
    number = office.registers()
    first = office.activates(number=number)
    stranger = {"full_name": "Trần Văn Nam", "birth_date": "2001"}
    told = says(office, (number, {**stranger, "state": state}))
    assert (told.ended, len(told.somebody_else)) == (0, 1)
    assert office.citizens.by_id(citizen_id=first.citizen.id) == first.citizen
    assert says(office, (number, {"state": state})).ended == 1


def test_an_account_that_does_not_open_stays_as_it_is_and_is_named_and_those_beside_it_follow(office: Office) -> None:
    number, other = office.registers(), office.registers()
    first, second = office.activates(number=number), office.activates(number=other)
    damaged = citizen.update().where(citizen.c.id == second.citizen.id).values(person=b"damaged")
    office.database.transact(lambda connection: connection.execute(damaged))
    told = says(office, (number, {"state": "dead"}), (other, {"state": "dead"}))
    assert told == Followed(refreshed=0, ended=1, unreadable=frozenset({office.number_hash(other)}))
    repaired = citizen.update().where(citizen.c.id == second.citizen.id)
    person = seal_person(sealer=office.sealer, person=second.citizen.person, citizen_id=second.citizen.id)
    office.database.transact(lambda connection: connection.execute(repaired.values(person=person)))
    assert office.citizens.by_id(citizen_id=second.citizen.id) == second.citizen
    assert says(office, (number, {"state": "dead"}), (other, {"state": "dead"})) == Followed(refreshed=0, ended=1)
    for citizen_id in (first.citizen.id, second.citizen.id):
        found = office.citizens.by_id(citizen_id=citizen_id)
        assert found is not None
        assert found.status == "deceased"


def test_entries_and_accounts_change_together_or_not_at_all(office: Office) -> None:
    number, other = office.registers(), office.registers()
    first, second = office.activates(number=number), office.activates(number=other)
    nobody = office.sealer.seal(purpose=PERSON, plaintext=b"{}", context=second.citizen.id.encode())
    damaged = citizen.update().where(citizen.c.id == second.citizen.id).values(person=nobody)
    office.database.transact(lambda connection: connection.execute(damaged))
    events = office.count(audit_event)
    with pytest.raises(KeyError):
        says(office, (number, {"state": "dead"}), (other, {"full_name": "Nguyễn Hoa"}))
    entry = office.entries.by_number_hash(number_hash=office.number_hash(number))
    assert entry is not None
    assert entry.state == "alive"
    assert office.citizens.by_id(citizen_id=first.citizen.id) == first.citizen
    assert office.count(audit_event) == events
