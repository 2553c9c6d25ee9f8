"""Filling the local register from a CSV file: good lines land, bad ones are listed by number with the reason.

Lines land in batches, a transaction each, and the accounts that hold their numbers follow in the same one. An import
that was interrupted is simply run again: a number that is there is written anew. A file says one thing of a number:
where good lines have the same one, the first lands and the others are refused. A record is one line: fields hold no
line breaks, so a stray quote spoils its own line and nothing else.
"""

from __future__ import annotations

import csv
from collections import defaultdict
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

    Unusual = Warning_ | Literal["somebody_else", "unreadable"]

BATCH = 2_000
REQUIRED = ("number", "full_name", "birth_date")
OPTIONAL = ("gender", "nationality", "address", "phone_number", "email", "former_number", "state")
STATES: dict[str, Literal["alive", "dead", "cancelled"]] = {
    "": "alive",
    "alive": "alive",
    "dead": "dead",
    "cancelled": "cancelled",
}
MOST_PLACES = 10


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file: lines with data, lines that landed, and (line number, reason) of the others.

    `unusual` are lines that landed although their number does not look as it usually does, or although the account
    that holds it is somebody else's or does not open. `refreshed` and `ended` count the accounts that followed theirs.
    """

    rows: int
    landed: int
    refused: tuple[tuple[int, str], ...]
    unusual: tuple[tuple[int, Unusual], ...] = ()
    refreshed: int = 0
    ended: int = 0


class _Refused(Exception):
    """A line does not land; the text is the reason and never repeats what stands there."""


@dataclass(frozen=True, slots=True)
class _Header:
    columns: tuple[str, ...]
    delimiter: str


class _FirstLines:
    """In which line each number stood first, in some 30 MB for a million: a file may hold a whole people.

    Of a number's keyed hash, 2 bytes pick a bucket and 8 are kept there, with the line. Two numbers of a million that
    agree in all ten are a matter of one file in 10**12.
    """

    def __init__(self) -> None:
        self._buckets: defaultdict[bytes, bytearray] = defaultdict(bytearray)

    def line_of(self, number_hash: bytes) -> int:
        """Return the line of a number, or 0."""
        bucket, kept = self._buckets[number_hash[:2]], number_hash[2:10]
        at = bucket.find(kept)
        while at > 0 and at % 13:  # it lies across two records
            at = bucket.find(kept, at + 1)
        return 0 if at < 0 else int.from_bytes(bucket[at + 8 : at + 13], "big")

    def add(self, number_hash: bytes, line_number: int) -> None:
        """Remember the line of a number; refuse it where the number stood in another one before."""
        before = self.line_of(number_hash)
        if before:
            raise _Refused(f"the number stood in line {before} before")
        self._buckets[number_hash[:2]] += number_hash[2:10] + line_number.to_bytes(5, "big")


def absent_columns(first_line: bytes | str) -> tuple[str, ...]:
    """Return those of `OPTIONAL` that a file with this first line does not have.

    What the register held of them is gone for the people of the file, but for `state`, which stays.

    Raises:
        NotKnown: as `import_rows` does.
    """
    header = _header(next(_decoded((first_line,))))
    return tuple(name for name in OPTIONAL if name not in header.columns)


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
    Where it names no `state`, whoever is dead or cancelled in the register stays so, and everybody else is alive.
    `on_progress` is told after each batch how many lines with data have been read. Each batch is a transaction with
    its own event `RegisterImported`. With a `structure`, lines whose numbers look unusual land and are reported.

    Raises:
        NotKnown: the header lacks a column that is required, names one twice, or one that is unknown; the text repeats
            nothing of it, since the first line of a file that is none of ours may hold people.
        TemporarilyUnavailable: the database is away; what had landed stays.
    """
    numbered = enumerate(_decoded(lines), start=1)
    header = _header(next(numbered, (1, ""))[1])
    today, first_lines = clock.now().date(), _FirstLines()
    rows = landed = refreshed = ended = 0
    refused: list[tuple[int, str]] = []
    unusual: list[tuple[int, Unusual]] = []
    for batch in _batches(numbered):
        entries: list[RegisterEntry] = []
        for line_number, line in batch:
            try:
                number, entry = _entry(line, header=header, sealer=sealer, today=today)
                first_lines.add(entry.number_hash, line_number)
            except (_Refused, Malformed) as reason:
                refused.append((line_number, str(reason)))
                continue
            entries.append(entry)
            unusual += [(line_number, warning) for warning in _warnings(number, entry.person, structure=structure)]
        rows += len(batch)
        landed += len(entries)
        event = RegisterImported(actor=actor, rows=len(entries), refused=len(batch) - len(entries))
        followed = store.put(entries=entries, event=event, keeps_states="state" not in header.columns)
        refreshed += followed.refreshed
        ended += followed.ended
        unusual += sorted((first_lines.line_of(each), "somebody_else") for each in followed.somebody_else)
        unusual += sorted((first_lines.line_of(each), "unreadable") for each in followed.unreadable)
        on_progress(rows)
    return ImportReport(rows, landed, tuple(refused), tuple(unusual), refreshed, ended)


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
    if "\ufffd" in line or "\0" in line:
        raise NotKnown("The first line of the file is not in UTF-8: save the file in it.")
    if "\r" in line.strip():
        raise NotKnown("The first line of the file holds a carriage return (CR): end its lines with LF or CRLF.")
    delimiter = ";" if ";" in line else ","
    columns = tuple(name.strip().strip('"').casefold() for name in line.strip().split(delimiter))
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise NotKnown(f"The first line of the file names no column {', '.join(missing)}.")
    unknown = [str(place) for place, name in enumerate(columns, start=1) if name not in REQUIRED + OPTIONAL]
    if unknown:
        places = ", ".join(unknown[:MOST_PLACES]) + ", ..." * (len(unknown) > MOST_PLACES)
        known = ", ".join(REQUIRED + OPTIONAL)
        raise NotKnown(f"The first line of the file names unknown columns, in place {places}. Known are {known}.")
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
        values = next(csv.reader((line,), delimiter=header.delimiter, skipinitialspace=True, strict=True))
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
