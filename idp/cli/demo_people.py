"""Test citizens of `sen demo`: three people who do not exist, each with an activation code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.citizens.activation import parse_code
from idp.citizens.fingerprints import code_hash, number_hash
from idp.citizens.national_id import PersonalNumber
from idp.citizens.register import NotFound
from idp.citizens.register_import import import_rows
from idp.cli.citizens import issue

if TYPE_CHECKING:
    from pathlib import Path

    from idp.cli.office import Office

COLUMNS = "number;full_name;birth_date;gender;nationality;address;phone_number;email"
PEOPLE = (
    "099305000017;NGUYỄN THỊ AN;2005-03-14;nữ;VN;12 phố Thử, phường Hoàn Kiếm, Hà Nội;0900000017;an@dan.example",
    "099090000025;TRẦN VĂN BÌNH;1990-11-02;nam;VN;8 đường Thử, phường Hải Châu, Đà Nẵng;0900000025;binh@dan.example",
    "099185000033;LÊ THỊ CHI;1985;nữ;VN;Ấp Thử, xã Cần Giờ, TP. Hồ Chí Minh;0900000033;chi@dan.example",
)
"""The province code 099 was never given to anybody. Of the third person the year of birth alone is recorded."""

ACCOUNT_LEVEL = 2
CODES_FILE = "demo-codes.json"


@dataclass(frozen=True, slots=True)
class TestCitizen:
    """One test citizen; `code` is None once the account is activated."""

    number: str
    name: str
    code: str | None


def prepare(*, office: Office, folder: Path) -> tuple[TestCitizen, ...]:
    """See that the three are in the register, and that each is activated or has a good code.

    Codes are kept as hashes alone; their texts lie in `folder`, so that a second run can print them again.
    """
    file = folder / CODES_FILE
    kept = _read(file)
    ready = []
    for row in PEOPLE:
        number = PersonalNumber(row.partition(";")[0])
        if office.register.look_up(number=number, expected_person_hash=None) == NotFound():
            _import(row, office=office)
        code = None if _is_activated(number, office=office) else _good_code(number, kept=kept, office=office)
        ready.append(TestCitizen(number=number.digits, name=row.split(";")[1], code=code))
    file.write_text(json.dumps({one.number: one.code for one in ready if one.code}, indent=2), encoding="utf-8")
    file.chmod(0o600)
    return tuple(ready)


def _import(row: str, *, office: Office) -> None:
    import_rows((COLUMNS, row), store=office.register_table, sealer=office.sealer, on_progress=lambda _rows: None)


def _is_activated(number: PersonalNumber, *, office: Office) -> bool:
    return office.citizens.by_number_hash(number_hash=number_hash(sealer=office.sealer, number=number)) is not None


def _good_code(number: PersonalNumber, *, kept: dict[str, str], office: Office) -> str:
    """Return the code of an earlier run where it is still good, else a new one."""
    text = kept.get(number.digits)
    if text is not None:
        hashed = code_hash(sealer=office.sealer, code=parse_code(text))
        if office.codes.find(code_hash=hashed, number_hash=number_hash(sealer=office.sealer, number=number)):
            return text
    return issue(number, account_level=ACCOUNT_LEVEL, office=office).text


def _read(file: Path) -> dict[str, str]:
    """Return the codes of an earlier run; a file that was tampered with is as good as none."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(number): str(code) for number, code in kept.items()} if isinstance(kept, dict) else {}
