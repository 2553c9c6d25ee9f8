"""A file of the register whose numbers look unusual: it lands, and the operator is told."""

from __future__ import annotations

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
    assert "The file has no phone_number, email: the register holds none of it for these people now." in said
    file.write_text(f"{columns},phone_number,email\n001141000001,Ai Đó,1941,,,,,,", encoding="utf-8")
    assert "The file has no" not in terminal.types("citizen", "import", str(file)).out
