"""A file fills the register: good lines land, bad ones are named, and running it again does no harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from idp.citizens import register_import
from idp.citizens.national_id import PersonalNumber
from idp.citizens.register import DoesNotMatch, Found
from idp.citizens.register_import import BATCH, ImportReport, _FirstLines, absent_columns, import_rows
from idp.errors import NotKnown
from idp.storage.sql.database import Database
from idp.storage.sql.tables import METADATA, audit_event, register_entry
from tests.support.office import Office

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

HEADER = "number,full_name,birth_date,gender,nationality,address,phone_number,email,former_number,state\n"
GOOD = '001141000001,Nguyễn Thị Hoa,1941,Nữ,VN,"Phường Cửa Nam, Hà Nội",0912345678,hoa@example.vn,024123456,alive\n'


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Open an office over an empty database."""
    database = Database(url=f"sqlite:///{tmp_path}/sen.db")
    METADATA.create_all(database.engine)
    yield Office(database)
    database.close()


def run(office: Office, lines: Iterable[bytes | str]) -> ImportReport:
    return import_rows(lines, store=office.entries, sealer=office.sealer, on_progress=lambda _rows: None)


def many(count: int) -> Iterator[str]:
    yield "number,full_name,birth_date\n"
    for index in range(count):
        yield f"001141{index:06},Người thứ {index},1941\n"


@pytest.mark.parametrize("line", [GOOD, GOOD.replace(",", ", ").replace("Nguyễn Thị Hoa", '"Nguyễn Thị Hoa"')])
def test_a_line_lands_with_everything_that_it_says(office: Office, line: str) -> None:
    assert run(office, [HEADER, line]) == ImportReport(rows=1, landed=1, refused=())
    answer = office.register.look_up(number=PersonalNumber("001141000001"), expected_person_hash=None)
    assert isinstance(answer, Found)
    person = answer.person
    assert (person.full_name, person.birth_date.oidc(), person.gender) == ("Nguyễn Thị Hoa", "1941", "female")
    assert (person.address, person.phone_number) == ("Phường Cửa Nam, Hà Nội", "+84912345678")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_is_read_with_and_without_a_byte_order_mark(office: Office, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text(HEADER + GOOD, encoding=encoding, newline="\r\n")
    with path.open("rb") as file:
        assert run(office, file).landed == 1
    with path.open(encoding="utf-8") as text:
        assert run(office, text).landed == 1


def test_columns_may_stand_in_any_order_and_be_parted_by_semicolons(office: Office) -> None:
    lines = ['"Birth_Date"; full_name ;NUMBER\n', "17/05/1941;Hoa;001141000001\n"]
    assert run(office, lines) == ImportReport(rows=1, landed=1, refused=())
    assert absent_columns(lines[0].encode("utf-8-sig")) == register_import.OPTIONAL
    assert absent_columns(HEADER) == ()


BAD = [
    ("00114100000,Hoa,1941,,,,,,,\n", "number has the wrong length"),
    ("00114100000X,Hoa,1941,,,,,,,\n", "number has characters that do not belong there"),
    (",Hoa,1941,,,,,,,\n", "number is missing"),
    ("001141000002,,1941,,,,,,,\n", "full_name is missing"),
    ("001141000002,Hoa,,,,,,,,\n", "birth_date is missing"),
    ("001141000002,Hoa,30/02/1941,,,,,,,\n", "birth_date is not a date of the calendar"),
    ("001141000002,Hoa,2941,,,,,,,\n", "birth_date lies in the future"),
    ("001141000002,Hoa,1941,x,,,,,,\n", "gender is not one of the known values"),
    ("001141000002,Hoa,1941,,,,,,,gone\n", "state is not one of the known values"),
    ("001141000002,Hoa,1941,,,,,,001141000002,\n", "former_number has the wrong length"),
    ("001141000002,Hoa,1941\n", "the line has 3 fields, the first line names 10"),
    ('001141000002,"Hoa,1941,,,,,,,\n', "the quotes of the line do not close, or a field is too long"),
    (f"001141000002,{'x' * 200_000},1941,,,,,,,\n", "the quotes of the line do not close, or a field is too long"),
    ("001141000002,Hoa\x00,1941,,,,,,,\n", "full_name has characters that do not belong there"),
    ("001141000002,Hòa,1941,,,,,,,\n".encode("latin-1"), "full_name has characters that do not belong there"),
    ("001141000002,Hòa,1941,,,,,,,\n".encode("utf-16-le"), None),
]


@pytest.mark.parametrize(("line", "reason"), BAD)
def test_a_bad_line_is_named_with_its_reason_and_the_lines_around_it_land(
    office: Office, line: str | bytes, reason: str | None
) -> None:
    report = run(office, [HEADER, "\n", GOOD, line, GOOD.replace("001141000001", "001141000009")])
    assert (report.rows, report.landed) == (3, 2)
    ((line_number, said),) = report.refused
    assert line_number == 4
    assert said == reason or reason is None
    assert "001141000002" not in said


@pytest.mark.parametrize(
    "header",
    [
        "",
        "full_name,birth_date\n",
        "number,full_name,birth_date,shoe\n",
        "number,number,full_name,birth_date\n",
    ],
)
def test_a_file_with_another_header_is_refused_before_anything_lands(office: Office, header: str) -> None:
    with pytest.raises(NotKnown, match="first line"):
        run(office, [header, GOOD])
    assert office.count(register_entry) == office.count(audit_event) == 0


@pytest.mark.parametrize("between", ["\r", "\x0b", "\u2028", "\x85", " ", ","])
def test_what_stands_behind_a_header_whose_line_does_not_end_is_never_said(office: Office, between: str) -> None:
    text = between.join((HEADER.strip(), GOOD.strip(), "001141000002,Hoa,1990,,,,,hoa@example.vn,,alive"))
    for refuses in (absent_columns, lambda line: run(office, [line])):
        with pytest.raises(NotKnown, match="first line") as refused:
            refuses(f"{text}\n".encode())
        assert ("carriage return" in str(refused.value)) == (between == "\r")
        said = str(refused.value).casefold()
        assert [word for word in ("001141", "hoa", "1941", "1990", "cửa nam", "example", "alive") if word in said] == []
        assert len(said) < 300
    assert office.count(register_entry) == 0


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_a_file_in_another_encoding_is_told_which_one_is_meant(office: Office, encoding: str) -> None:
    text = HEADER.replace("address", "địa chỉ" if "utf" in encoding else "adresse à lui") + GOOD
    lines = text.encode(encoding, errors="replace").splitlines(keepends=True)
    for refuses in (lambda: absent_columns(lines[0]), lambda: run(office, lines)):
        with pytest.raises(NotKnown, match="first line of the file is not in UTF-8"):
            refuses()
    assert office.count(register_entry) == 0


def test_unknown_columns_are_named_by_their_places(office: Office) -> None:
    with pytest.raises(NotKnown, match=r"unknown columns, in place 2, 5\. Known are number, full_name,"):
        run(office, ["number,shoe,full_name,birth_date,Nguyễn\n", GOOD])


def test_of_two_lines_with_one_number_the_first_lands_and_the_other_is_refused_in_whatever_batch(
    office: Office,
) -> None:
    lines = [*many(BATCH + 1), "001141000001,Người khác,1990\n", "001141 000 001,Người thứ 1,1941\n"]
    lines.insert(2, "001141000001,Người khác,no date\n")
    lines.insert(5, "001141000000,Người khác,1990\n")
    refused = (
        (3, "birth_date has characters that do not belong there"),
        (6, "the number stood in line 2 before"),
        (BATCH + 5, "the number stood in line 4 before"),
        (BATCH + 6, "the number stood in line 4 before"),
    )
    for _ in range(2):
        assert run(office, lines) == ImportReport(rows=BATCH + 5, landed=BATCH + 1, refused=refused)
        for digits, name in (("001141000000", "Người thứ 0"), ("001141000001", "Người thứ 1")):
            answer = office.register.look_up(number=PersonalNumber(digits), expected_person_hash=None)
            assert isinstance(answer, Found)
            assert answer.person.full_name == name


def test_a_number_is_found_in_its_own_record_and_in_no_two_others() -> None:
    lines = _FirstLines()
    first, second = b"AA" + b"x" * 7 + b"a", b"AA" + b"b" + b"y" * 7
    across = b"AA" + b"a" + b"\0" * 4 + b"\1" + b"by"
    lines.add(first, 1)
    lines.add(second, 2)
    assert [lines.line_of(number_hash) for number_hash in (first, second, across)] == [1, 2, 0]
    lines.add(across, 2**33)
    assert lines.line_of(across) == 2**33


def test_running_it_again_changes_what_changed_and_nothing_else(office: Office) -> None:
    run(office, [HEADER, GOOD])
    run(office, [HEADER, GOOD.replace("alive", "dead")])
    assert office.count(register_entry) == 1
    answer = office.register.look_up(number=PersonalNumber("001141000001"), expected_person_hash=None)
    assert answer == DoesNotMatch(reason="dead")


def test_an_interrupted_import_keeps_its_batches_and_is_simply_run_again(office: Office) -> None:
    def interrupted() -> Iterator[str]:
        for index, line in enumerate(many(2 * BATCH + 10)):
            if index == 2 * BATCH + 5:
                raise KeyboardInterrupt
            yield line

    with pytest.raises(KeyboardInterrupt):
        run(office, interrupted())
    assert office.count(register_entry) == 2 * BATCH
    assert run(office, many(2 * BATCH + 10)).landed == 2 * BATCH + 10
    assert office.count(register_entry) == 2 * BATCH + 10


def test_progress_is_told_and_every_batch_carries_its_event(office: Office) -> None:
    told: list[int] = []
    lines = [*many(BATCH + 1), "bad,line,1941\n"]
    import_rows(lines, store=office.entries, sealer=office.sealer, on_progress=told.append)
    assert told == [BATCH, BATCH + 2]
    statement = select(audit_event.c.type, audit_event.c.details).order_by(audit_event.c.id)
    events = office.database.consult(lambda connection: connection.execute(statement).all())
    assert events == [
        ("RegisterImported", f'{{"refused":0,"rows":{BATCH}}}'),
        ("RegisterImported", '{"refused":1,"rows":1}'),
    ]


def test_nothing_of_a_person_stands_in_the_register_in_clear(office: Office, tmp_path: Path) -> None:
    run(office, [HEADER, GOOD])
    office.database.close()
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"register_entry" in written
    for secret in ("001141000001", "Nguyễn Thị Hoa", "0912345678", "912345678", "024123456", "Cửa Nam"):
        assert secret.encode() not in written


def test_the_columns_are_the_fields_of_a_person() -> None:
    assert ",".join((*register_import.REQUIRED, *register_import.OPTIONAL)) == HEADER.strip()
