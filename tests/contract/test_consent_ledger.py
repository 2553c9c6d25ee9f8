"""The ledger keeps its promises on every database that it may lie in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import literal, select

from consent import Consent, Ledger, NotThere, Outdated, Standing, Withdrawal
from idp.audit.log import new_id
from idp.storage.sql.consents import SqlConsentStore, head_of, in_force
from idp.storage.sql.database import Database
from idp.storage.sql.tables import Instant, consent, consent_withdrawal, consent_wording
from tests.support.consent.accounts import Account, a_citizen, a_database, events_of, rows_of
from tests.support.consent.people import DRIVING, MIDNIGHT, PORTAL, a_demand, by_law, optional, required

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

NAME = a_demand(required("name"))
NAME_AND_BIRTHDATE = a_demand(required("name"), required("birthdate"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each kind."""
    with a_database(request, folder=tmp_path) as opened:
        yield opened


@pytest.fixture
def an(database: Database) -> Account:
    """A citizen of that database."""
    return a_citizen(database)


@pytest.mark.spec("CO-06")
def test_what_was_agreed_comes_back_word_for_word(an: Account) -> None:
    demand = a_demand(required("name"), by_law("vn_personal_number"), optional("phone_number"), version=3)

    given = an.agrees(demand)

    assert an.newest() == Standing(given)
    assert an.is_asked(demand).reason is None


def test_the_newest_record_is_the_one_that_no_other_supersedes(an: Account) -> None:
    first = an.agrees(NAME)
    an.clock -= timedelta(days=1)  # a clock that was set back must not put the old record in front again
    second = an.agrees(NAME_AND_BIRTHDATE)

    assert second.supersedes == first.id
    assert an.newest() == Standing(second)


@pytest.mark.spec("CO-04")
def test_a_withdrawal_is_durable_and_closes_the_gate_for_every_record_of_the_purpose(an: Account) -> None:
    first = an.agrees(NAME)
    second = an.agrees(NAME_AND_BIRTHDATE)
    assert an.gate_lets_pass(first)
    assert an.gate_lets_pass(second)

    an.withdraws(second)

    again = Database(url=an.database.engine.url.render_as_string(hide_password=False))
    after_restart = Account(database=again, subject=an.subject)
    assert not after_restart.gate_lets_pass(first)
    assert not after_restart.gate_lets_pass(second)
    again.close()


def test_the_gate_closes_at_the_date_to_the_microsecond(an: Account) -> None:
    given = an.agrees(NAME)
    an.clock = given.expires_at - timedelta(microseconds=1)
    assert an.gate_lets_pass(given)

    an.clock = given.expires_at

    assert not an.gate_lets_pass(given)


def test_the_gate_is_closed_for_a_consent_that_does_not_exist(an: Account) -> None:
    unknown = select(in_force(consent_id=literal(new_id()), at=literal(MIDNIGHT, Instant)))

    assert not an.database.consult(lambda connection: connection.execute(unknown).scalar())
    assert an.gate_lets_pass(an.agrees(NAME))


@pytest.mark.spec("AU-01", "CO-06")
def test_each_change_writes_one_event_that_names_claims_and_no_values(an: Account) -> None:
    given = an.agrees(a_demand(required("name"), optional("phone_number"), optional("address")), "address")
    an.withdraws(given)

    assert events_of(an) == [
        (
            "ConsentGiven",
            f"citizen:{an.subject}",
            given.id,
            {"claims": "address name", "purpose": DRIVING, "wording": given.wording.sha256},
        ),
        ("ConsentWithdrawn", f"citizen:{an.subject}", given.id, {"reason": "changed_my_mind"}),
    ]


@pytest.mark.parametrize(("by", "actor"), [("officer", "operator"), ("system", "worker")])
def test_the_event_of_a_withdrawal_says_who_did_it(an: Account, by: str, actor: str) -> None:
    given = an.agrees(NAME)
    an.consents.change(
        lambda ledger: ledger.withdraw(
            consent_id=given.id,
            subject=an.subject,
            by="officer" if by == "officer" else "system",
            reason="court_order",
            now=an.clock,
        )
    )

    assert events_of(an)[-1][:2] == ("ConsentWithdrawn", actor)


@pytest.mark.spec("AU-06")
def test_no_change_without_its_event_and_no_event_without_its_change(an: Account) -> None:
    class PowerCut(Exception):
        """Nothing after this happens."""

    def agree_and_lose_power(ledger: Ledger) -> None:
        an.gives(ledger, page)
        raise PowerCut

    page = an.is_asked(NAME)
    with pytest.raises(PowerCut):
        an.consents.change(agree_and_lose_power)

    assert an.kept() == ()
    assert events_of(an) == []
    an.answers(page)
    assert (len(an.kept()), len(events_of(an))) == (1, 1)


def test_withdrawing_twice_writes_one_withdrawal_and_one_event(an: Account) -> None:
    given = an.agrees(NAME)

    assert len(an.withdraws(given)) == 1
    assert an.withdraws(given) == ()

    assert rows_of(an.database, consent_withdrawal) == 1
    assert [event[0] for event in events_of(an)] == ["ConsentGiven", "ConsentWithdrawn"]


def test_a_store_that_is_told_twice_keeps_the_first_withdrawal(an: Account) -> None:
    given = an.agrees(NAME)
    (first,) = an.withdraws(given)
    second = Withdrawal(id=new_id(), ends=given.id, subject=an.subject, at=an.clock, by="officer", reason="court_order")

    an.database.transact(lambda connection: SqlConsentStore(connection).end(second))

    assert an.newest() == Standing(given, first)


def test_nobody_withdraws_for_somebody_else(an: Account) -> None:
    given = an.agrees(NAME)
    binh = a_citizen(an.database)

    with pytest.raises(NotThere):
        binh.withdraws(given)
    stolen = Withdrawal(id=new_id(), ends=given.id, subject=binh.subject, at=an.clock, by="citizen", reason="x")
    with pytest.raises(NotThere):
        an.database.transact(lambda connection: SqlConsentStore(connection).end(stolen))

    assert an.newest() == Standing(given)
    assert len(an.withdraws(given)) == 1


@pytest.mark.parametrize("consent_id", ["", "no such id", "x" * 10_000])
def test_an_id_of_any_letters_names_no_record(an: Account, consent_id: str) -> None:
    an.agrees(NAME)
    assert an.database.consult(lambda connection: SqlConsentStore(connection).by_id(consent_id)) is None


def test_a_record_can_be_superseded_only_once(an: Account) -> None:
    first = an.agrees(NAME)
    second = an.agrees(NAME_AND_BIRTHDATE)

    def branch(connection: Connection, supersedes: str | None) -> None:
        store = SqlConsentStore(connection)
        standing = store.by_id(second.id)
        assert standing is not None
        copied = standing.consent
        store.append(
            Consent(
                id=new_id(),
                subject=copied.subject,
                recipient=copied.recipient,
                purpose=copied.purpose,
                purpose_version=copied.purpose_version,
                items=copied.items,
                wording=copied.wording,
                given_at=copied.given_at,
                expires_at=copied.expires_at,
                session_id=copied.session_id,
                acr=copied.acr,
                supersedes=supersedes,
            )
        )

    for taken in (None, first.id):
        with pytest.raises(Outdated):
            an.database.transact(lambda connection, taken=taken: branch(connection, taken))  # type: ignore[misc]  # bound now
    an.database.transact(lambda connection: branch(connection, second.id))
    assert rows_of(an.database, consent) == 3


def test_what_was_withdrawn_stays_beside_what_holds(an: Account) -> None:
    driving = an.agrees(NAME)
    tax = an.agrees(a_demand(required("name"), purpose="e-tax"))
    an.clock += timedelta(days=1)
    (withdrawn,) = an.withdraws(driving)

    in_force_now = an.consents.read(lambda ledger: ledger.all_current(subject=an.subject, now=an.clock))

    assert in_force_now == (tax,)
    kept = {standing.consent: standing.withdrawal for standing in an.kept()}
    assert kept == {driving: withdrawn, tax: None}
    assert a_citizen(an.database).kept() == ()


def test_a_wording_is_kept_once_however_many_agree_to_it(an: Account) -> None:
    an.agrees(NAME)
    a_citizen(an.database).agrees(NAME)
    an.agrees(a_demand(required("name"), version=2))

    assert rows_of(an.database, consent) == 3
    assert rows_of(an.database, consent_wording) == 2


def test_the_look_up_of_a_login_goes_by_the_index(an: Account) -> None:
    an.agrees(NAME)
    newest = head_of(subject=an.subject, recipient=PORTAL, purpose=DRIVING)
    statement = str(newest.compile(an.database.engine, compile_kwargs={"literal_binds": True}))

    def plan(connection: Connection) -> str:
        if an.database.is_sqlite:
            return str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all())
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # else it reads a table of one row whole
        return str(connection.exec_driver_sql(f"EXPLAIN {statement}").all())

    chosen = an.database.transact(plan)

    assert chosen.count("ix_consent_current") >= 2
    assert "SCAN consent" not in chosen
    assert "Seq Scan on consent" not in chosen
