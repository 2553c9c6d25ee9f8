"""Filling the local register from a CSV file: good lines land, bad ones are listed by number with the reason.

Lines land in batches, a transaction each, and the accounts that hold their numbers follow in the same one. An import
that was interrupted is simply run again: a number that is there is written anew, and of two lines with one number the
later one stays. A record is one line: fields hold no line breaks, so a stray quote spoils its own line and nothing
else.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp import clock
from idp.audit.events import RegisterImported
from idp.citizens.citizen import Person
from idp.citizens.fingerprints import number_hash, person_hash
from idp.citizens.malformed import Malformed
from idp.citizens.national_id import PersonalNumber
from idp.citizens.store import RegisterEntry
from idp.errors import NotKnown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date
    from typing import Literal

    from idp.citizens.national_id import NumberStructure, Warning_
    from idp.citizens.store import RegisterStore
    from keys.sealing import Sealer

    Unusual = Warning_ | Literal["somebody_else"]

BATCH = 2_000
REQUIRED = ("number", "full_name", "birth_date")
OPTIONAL = ("gender", "nationality", "address", "phone_number", "email", "former_number", "state")
STATES: dict[str, Literal["alive", "dead", "cancelled"]] = {
    "": "alive",
    "alive": "alive",
    "dead": "dead",
    "cancelled": "cancelled",
}


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file: lines with data, lines that landed, and (line number, reason) of the others.

    `unusual` are lines that landed although their number does not look as it usually does, or although the account
    that holds it is somebody else's. `refreshed` and `ended` count the accounts that followed their lines. `absent`
    are the columns about a person that the file does not have: what the register held of them is gone for its people.
    """

    rows: int
    landed: int
    refused: tuple[tuple[int, str], ...]
    unusual: tuple[tuple[int, Unusual], ...] = ()
    refreshed: int = 0
    ended: int = 0
    absent: tuple[str, ...] = ()


class _Refused(Exception):
    """A line does not land; the text is the reason and never repeats what stands there."""


@dataclass(frozen=True, slots=True)
class _Header:
    columns: tuple[str, ...]
    delimiter: str


def import_rows(
    lines: Iterable[bytes | str],
    *,
    store: RegisterStore,
    sealer: Sealer,
    on_progress: Callable[[int], None],
    actor: str = "operator",
    structure: NumberStructure | None = None,
) -> ImportReport:
    """Put the lines of a file (UTF-8, with or without a byte order mark) into the register.

    The first line names the columns, of `REQUIRED` and `OPTIONAL`, in any order, separated by commas or semicolons.
    `on_progress` is told after each batch how many lines with data have been read. Each batch is a transaction with
    its own event `RegisterImported`. With a `structure`, lines whose numbers look unusual land and are reported.

    Raises:
        NotKnown: the header lacks a column that is required, names one twice, or one that is unknown.
        TemporarilyUnavailable: the database is away; what had landed stays.
    """
    numbered = enumerate(_decoded(lines), start=1)
    header = _header(next(numbered, (1, ""))[1])
    today = clock.now().date()
    rows = landed = refreshed = ended = 0
    refused: list[tuple[int, str]] = []
    unusual: list[tuple[int, Unusual]] = []
    for batch in _batches(numbered):
        entries: list[RegisterEntry] = []
        line_of: dict[bytes, int] = {}
        for line_number, line in batch:
            try:
                number, entry = _entry(line, header=header, sealer=sealer, today=today)
            except (_Refused, Malformed) as reason:
                refused.append((line_number, str(reason)))
                continue
            entries.append(entry)
            line_of[entry.number_hash] = line_number
            unusual += [(line_number, warning) for warning in _warnings(number, entry.person, structure=structure)]
        rows += len(batch)
        landed += len(entries)
        event = RegisterImported(actor=actor, rows=len(entries), refused=len(batch) - len(entries))
        followed = store.put(entries=entries, event=event)
        refreshed += followed.refreshed
        ended += followed.ended
        unusual += sorted((line_of[number_hash], "somebody_else") for number_hash in followed.somebody_else)
        on_progress(rows)
    absent = tuple(name for name in OPTIONAL if name not in (*header.columns, "state"))
    return ImportReport(rows, landed, tuple(refused), tuple(unusual), refreshed, ended, absent)


def _warnings(number: PersonalNumber, person: Person, *, structure: NumberStructure | None) -> tuple[Warning_, ...]:
    if structure is None:
        return ()
    return number.warnings(structure=structure, birth_date=person.birth_date, gender=person.gender)


def _decoded(lines: Iterable[bytes | str]) -> Iterator[str]:
    first = True
    for line in lines:
        # What is no UTF-8 becomes U+FFFD, which no field takes: the line is refused, and the file goes on.
        text = line if isinstance(line, str) else line.decode("utf-8", errors="replace")
        yield text.removeprefix("\ufeff") if first else text
        first = False


def _header(line: str) -> _Header:
    delimiter = ";" if ";" in line else ","
    columns = tuple(name.strip().strip('"').casefold() for name in line.strip().split(delimiter))
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise NotKnown(f"The first line of the file names no column {', '.join(missing)}.")
    unknown = [name for name in columns if name not in REQUIRED + OPTIONAL]
    if unknown:
        raise NotKnown(f"The first line of the file names unknown columns: {', '.join(unknown)}.")
    if len(set(columns)) != len(columns):
        raise NotKnown("The first line of the file names a column twice.")
    return _Header(columns=columns, delimiter=delimiter)


def _batches(numbered: Iterator[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    batch: list[tuple[int, str]] = []
    for line_number, line in numbered:
        if line and not line.isspace():
            batch.append((line_number, line))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _entry(line: str, *, header: _Header, sealer: Sealer, today: date) -> tuple[PersonalNumber, RegisterEntry]:
    try:
        values = next(csv.reader((line,), delimiter=header.delimiter, strict=True))
    except csv.Error as error:
        raise _Refused("the quotes of the line do not close, or a field is too long") from error
    if len(values) != len(header.columns):
        raise _Refused(f"the line has {len(values)} fields, the first line names {len(header.columns)}")
    typed = dict(zip(header.columns, values, strict=True))
    number = PersonalNumber.parse(typed.pop("number"))
    state = STATES.get(typed.pop("state", "").strip().casefold())
    if state is None:
        raise Malformed("state", "unknown")
    person = Person.parse(typed)
    if person.birth_date.begins_after(today):
        raise _Refused("birth_date lies in the future")
    return number, RegisterEntry(
        number_hash=number_hash(sealer=sealer, number=number),
        person=person,
        person_hash=person_hash(sealer=sealer, person=person),
        state=state,
    )
