"""`sen keys`: the token-signing keys, and a change of keys before its time."""

from __future__ import annotations

import typer

from idp import clock
from idp.cli import columns
from idp.cli.office import at_work
from keys import Move, rotate_now

app = typer.Typer(help="Token-signing keys.", no_args_is_help=True)


@app.command("list")
def list_keys() -> None:
    """List the signing keys: announced, active and retiring ones."""
    with at_work() as office:
        records = office.signing_keys.all()
    rows = [["kid", "alg", "state", "announced", "active", "retiring"]]
    for record in records:
        if record.state != "gone":
            instants = (record.announced_at, record.active_at, record.retiring_at)
            shown = ["-" if instant is None else f"{instant:%Y-%m-%d %H:%M:%S}" for instant in instants]
            rows.append([record.kid, record.alg, record.state, *shown])
    columns.tell(rows)


@app.command()
def rotate() -> None:
    """Announce a successor for every algorithm now; it signs as soon as every cached key set knows it."""
    with at_work() as office:
        moves = rotate_now(
            store=office.signing_keys,
            custodians=office.custodians,
            settings=office.ring_settings,
            now=clock.now,
        )
        head_start = office.ring_settings.head_start
    tell_moves(moves)
    if moves:
        typer.echo(f"An announced key signs {int(head_start.total_seconds())} seconds after it was announced.")


def tell_moves(moves: tuple[Move, ...]) -> None:
    """Print what happened to which key."""
    for move in moves:
        typer.echo(f"{move.alg}: {move.kid or 'a new key'} is {move.state}: {move.reason}")
    if not moves:
        typer.echo("Nothing to do: every algorithm has an announced successor.")
