"""A file of the register whose numbers look unusual: it lands, and the operator is told."""

from __future__ import annotations

import os
import tracemalloc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.terminal import Terminal


def test_a_line_whose_number_looks_unusual_lands_with_a_warning(terminal: Terminal) -> None:
    file = terminal.folder / "register.csv"
    lines = ("number,full_name,birth_date", "001141000001,Ai Đó,1941", "000299000018,Ai Đó,1990")
    file.write_text("\n".join(lines), encoding="utf-8")
    imported = terminal.types("citizen", "import", str(file))
    assert imported.status == 0
    assert "2 of 2 lines landed" in imported.out
    assert imported.err.splitlines() == [
        "line 3: landed, but no place has the prefix of its number",
        "line 3: landed, but its number tells another century of birth or another sex",
        "line 3: landed, but its number tells another year of birth",
    ]


def test_it_is_said_which_columns_a_file_does_not_have(terminal: Terminal) -> None:
    file = terminal.folder / "register.csv"
    columns = "number,full_name,birth_date,gender,nationality,address,former_number"
    file.write_text(f"{columns}\n001141000001,Ai Đó,1941,,,,", encoding="utf-8")
    said = terminal.types("citizen", "import", str(file)).out
    assert said.splitlines()[:2] == [
        "The file has no phone_number, email: of the people whose lines land, the register holds none of it any more.",
        "The file has no state: who is dead or cancelled in the register stays so, all others are alive.",
    ], "before anything lands"
    file.write_text(f"{columns},phone_number,email,state\n001141000001,Ai Đó,1941,,,,,,,dead", encoding="utf-8")
    assert "The file has no" not in terminal.types("citizen", "import", str(file)).out
    file.write_text(f"{columns}\n001141000001,Ai Đó,1941,,,,", encoding="utf-8")
    assert "1 of 1 lines landed" in terminal.types("citizen", "import", str(file)).out
    refused = terminal.types("citizen", "code", "001141000001")
    assert (refused.status, "has a record that does not fit" in refused.err) == (1, True), "the dead stay dead"


def test_a_file_with_other_line_ends_shows_nobody_on_the_terminal(terminal: Terminal) -> None:
    file = terminal.folder / "register.csv"
    lines = ("number,full_name,birth_date,email", "001141000001,Nguyen Van An,1990-01-01,an@dan.example")
    file.write_bytes("\r".join(lines).encode())
    refused = terminal.types("citizen", "import", str(file))
    assert (refused.status, refused.out, len(refused.err.splitlines())) == (1, "", 1)
    assert "end its lines with LF or CRLF" in refused.err
    file.write_bytes("\r\n".join(lines).encode())
    assert "1 of 1 lines landed" in terminal.types("citizen", "import", str(file)).out


def test_a_first_line_without_an_end_is_not_taken_into_the_memory(terminal: Terminal) -> None:
    file = terminal.folder / "register.csv"
    file.write_bytes(b"number,full_name,birth_date\r")
    os.truncate(file, 200_000_000)
    tracemalloc.start()
    refused = terminal.types("citizen", "import", str(file))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "The first line of the file" in refused.err
    assert most < 100_000_000


def test_what_can_be_read_only_once_is_refused_before_anything_is_read(terminal: Terminal) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe, os.fdopen(writing, "wb") as file:
        file.write(b"number,full_name,birth_date\n001141000001,Ai,1941\n")
        file.close()
        refused = terminal.types("citizen", "import", f"/dev/fd/{reading}")
        assert (refused.status, refused.out) == (1, "")
        assert "can be read only once" in refused.err
        assert pipe.readline() == b"number,full_name,birth_date\n"


def test_a_number_that_stands_twice_is_refused_the_second_time(terminal: Terminal) -> None:
    file = terminal.folder / "register.csv"
    lines = ("number,full_name,birth_date", "001141000001,Ai Đó,1941", "", "001141000001,Ai Khác,1941")
    file.write_text("\n".join(lines), encoding="utf-8")
    imported = terminal.types("citizen", "import", str(file))
    assert (imported.status, "1 of 2 lines landed" in imported.out) == (1, True)
    assert imported.err.splitlines() == ["line 4: the number stood in line 2 before"]
