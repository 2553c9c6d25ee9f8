"""`sen citizen`: fills the local register, issues activation codes, gives numbers, shows accounts but no person.

A number on the command line stays in the shell's history; `-` in its place reads it from standard input.
"""

from __future__ import annotations

import getpass
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from idp.citizens.activation import IssuedCode, issue_code
from idp.citizens.fingerprints import number_hash
from idp.citizens.malformed import Malformed
from idp.citizens.national_id import NumberStructure, PersonalNumber
from idp.citizens.new_number import give_number
from idp.citizens.register import expect_found
from idp.citizens.register_import import OPTIONAL, REQUIRED, ImportReport, absent_columns, import_rows
from idp.citizens.way_in import expect_way_in
from idp.cli.office import OPERATOR, at_work
from idp.errors import AccountRefused, NotKnown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idp.citizens.register_import import Unusual
    from idp.cli.office import Office

COLUMNS = f"{', '.join(REQUIRED)}, and where known {', '.join(OPTIONAL)}"
File = Annotated[Path, typer.Argument(help=f"CSV in UTF-8; its first line names the columns: {COLUMNS}.")]
Typed = Annotated[str, typer.Argument(help="The 12-digit number, or - to be asked for it.")]
SHOWN = 50
LONGEST_HEADER = 65_536
"""More of a first line is not read: of a file whose lines do not end it would be everything."""
MOST_AUTHORIZATIONS = 20
NUMBER_PREFIXES = "vietnam/number_prefixes.toml"
UNUSUAL: dict[Unusual, str] = {
    "unknown_prefix": "no place has the prefix of its number",
    "other_century_or_sex": "its number tells another century of birth or another sex",
    "other_birth_year": "its number tells another year of birth",
    "somebody_else": "the account under its number is of somebody with another name and birth date; it was left alone",
    "unreadable": "the account under its number does not open with the master keys of this command; it was left alone",
}

OF_NO_USE = {
    "level": "The account of this number is of level 2, and no code of level 1 opens it: see the person at an office, "
    "then type `sen citizen code - --account-level 2`.",
    "suspended": "The account of this number is suspended, and no code opens it: type `sen citizen show -` to see it.",
    "ended": "The account of this number has ended, and no code opens it: type `sen citizen show -` to see it.",
    "number": "The citizen of this number has another one now: type `sen citizen code -` and that one.",
    "person": "The account of this number is of somebody with another name and birth date than the register has now, "
    "and no code opens it: type `sen citizen show -` to see it.",
}
"""Why an account does not open with a code, and what to type."""

app = typer.Typer(help="Citizens.", no_args_is_help=True)


@app.command("import")
def import_register(
    file: File,
) -> None:
    """Fill the local population register, and let accounts follow it; safe to run again, and after an interruption.

    Good lines land; each bad one is listed by its number with the reason, and the exit status then is 1, as it is where
    an account could not be read. Lines that landed with a number that looks unusual are listed, too. Accounts take what
    is new of their persons; that of a dead person or a cancelled number ends.
    """
    with at_work() as office:
        report = _import_with_progress(file, office=office)
    followed = f"accounts refreshed: {report.refreshed}, ended: {report.ended}"
    typer.echo(f"{report.landed} of {report.rows} lines landed; {followed}.")
    _tell(report.refused, whole=file.with_suffix(".refused.txt"), what="lines that did not land")
    unusual = [(line_number, f"landed, but {UNUSUAL[warning]}") for line_number, warning in report.unusual]
    _tell(unusual, whole=file.with_suffix(".unusual.txt"), what="warnings about lines that landed")
    if report.refused or any(warning == "unreadable" for _, warning in report.unusual):
        raise typer.Exit(1)


def _import_with_progress(file: Path, *, office: Office) -> ImportReport:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    prefixes = office.settings.data_file(NUMBER_PREFIXES).read_text(encoding="utf-8")
    structure = NumberStructure.of(tomllib.loads(prefixes))
    try:
        with file.open("rb") as lines:
            if not lines.seekable():
                raise NotKnown(f"{file} can be read only once, and its lines are counted first: give a file.")
            _tell_absent(absent_columns(lines.readline(LONGEST_HEADER)))
            total = max(sum(chunk.count(b"\n") for chunk in iter(lambda: lines.read(1 << 20), b"")), 1)
            lines.seek(0)
            with Progress(*columns) as progress:
                task = progress.add_task(file.name, total=total)
                return import_rows(
                    lines,
                    store=office.register_table,
                    sealer=office.sealer,
                    on_progress=lambda rows: progress.update(task, completed=rows),
                    actor=OPERATOR,
                    structure=structure,
                )
    except OSError as error:
        raise NotKnown(f"{file} cannot be read: {error.strerror}.") from error


def _tell_absent(columns: Sequence[str]) -> None:
    """Say what a file will do by what it leaves out, before it does."""
    gone = ", ".join(name for name in columns if name != "state")
    if gone:
        typer.echo(f"The file has no {gone}: of the people whose lines land, the register holds none of it any more.")
    if "state" in columns:
        typer.echo("The file has no state: who is dead or cancelled in the register stays so, all others are alive.")


def _tell(found: Sequence[tuple[int, str]], *, whole: Path, what: str) -> None:
    """List line numbers with what was found there, a long list in a file; repeat nothing of what the lines hold."""
    lines = [f"line {line_number}: {reason}\n" for line_number, reason in found]
    typer.echo("".join(lines[:SHOWN]), err=True, nl=False)
    if len(lines) <= SHOWN:
        return
    try:
        whole.write_text("".join(lines), encoding="utf-8")
    except OSError:
        typer.echo("".join(lines[SHOWN:]), err=True, nl=False)
        return
    typer.echo(f"... all {len(lines)} {what} are listed in {whole}.", err=True)


@app.command()
def code(
    number: Typed,
    account_level: Annotated[int, typer.Option(min=1, max=2, help="2 where an office has seen the person.")] = 1,
) -> None:
    """Issue an activation code, good once and for seven days; older unused codes of the number end."""
    personal = read_number(number)
    with at_work() as office:
        issued = issue(personal, account_level=account_level, office=office)
    typer.echo(f"{issued.text}   good until {issued.expires_at:%Y-%m-%d %H:%M} UTC")


def issue(number: PersonalNumber, *, account_level: int, office: Office) -> IssuedCode:
    """Issue an activation code in the operator's name.

    Raises:
        RegisterAnswer: the register does not know the number.
        AccountRefused: the number has an account already that no such code would open.
    """
    _expect_of_use(number, account_level=account_level, office=office)
    return issue_code(
        number=number,
        account_level=account_level,
        register=office.register,
        store=office.codes,
        sealer=office.sealer,
        actor=OPERATOR,
    )


def _expect_of_use(number: PersonalNumber, *, account_level: int, office: Office) -> None:
    answer = office.register.look_up(number=number, expected_person_hash=None)
    person = expect_found(answer=answer, name=office.register.name)
    try:
        expect_way_in(
            number_hash=number_hash(sealer=office.sealer, number=number),
            account_level=account_level,
            person=person,
            store=office.citizens,
        )
    except AccountRefused as error:
        raise AccountRefused(OF_NO_USE[error.answer], answer=error.answer) from error


@app.command("number")
def give(
    citizen_id: Annotated[str, typer.Argument(metavar="ID", help="The citizen's id, as `sen citizen show` tells it.")],
    new_number: Typed,
) -> None:
    """Give a citizen a new number: the account and its `sub` stay, and the number until now leads to nobody."""
    personal = read_number(new_number)
    with at_work() as office:
        give_number(
            citizen_id=citizen_id,
            number=personal,
            register=office.register,
            store=office.citizens,
            actor=OPERATOR,
        )
    typer.echo(f"Citizen {citizen_id} has the number {personal.masked()} now.")


@app.command()
def show(number: Typed) -> None:
    """Show an account: its id, state, passkeys, open sessions and what relying parties hold; nothing of the person."""
    personal = read_number(number)
    with at_work() as office:
        citizen = office.citizens.by_number_hash(number_hash=number_hash(sealer=office.sealer, number=personal))
        if citizen is None:
            raise NotKnown(f"Nobody has activated an account with the number {personal.masked()}.")
        passkeys = office.passkeys.of_citizen(citizen_id=citizen.id)
        sessions = office.sessions.of_citizen(citizen_id=citizen.id)
        authorizations, count = office.authorizations.of_citizen(citizen_id=citizen.id, limit=MOST_AUTHORIZATIONS)
    typer.echo(f"citizen {citizen.id}   {personal.masked()}   {citizen.status}   account level {citizen.account_level}")
    for passkey in passkeys:
        used = "never used" if passkey.last_used_at is None else f"last used {passkey.last_used_at:%Y-%m-%d %H:%M} UTC"
        typer.echo(f"passkey {passkey.id}   created {passkey.created_at:%Y-%m-%d %H:%M} UTC, {used}")
    for session in sessions:
        typer.echo(f"session {session.id}   level {session.level}, since {session.started_at:%Y-%m-%d %H:%M} UTC")
    for held in authorizations:
        typer.echo(f"authorization {held.id}   {held.client_id}   {held.scope}, since {held.since:%Y-%m-%d %H:%M} UTC")
    if count > len(authorizations):
        typer.echo(f"... and {count - len(authorizations)} older authorizations.")


def read_number(typed: str) -> PersonalNumber:
    """Return the number of an argument; `-` asks for it, without showing it where a person types.

    Raises:
        NotKnown: it is no personal number; the text does not repeat it.
    """
    if typed == "-":
        typed = getpass.getpass("Number: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
    try:
        return PersonalNumber.parse(typed)
    except Malformed as error:
        raise NotKnown(f"That is no personal number: {error}.") from error
