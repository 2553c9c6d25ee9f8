"""The command `sen`: every command in one table, and the one place where an error becomes a sentence."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import typer

from idp.cli import citizens, clients, database, demo, doctor, front, key_ring, outbox, revoke, serve, work
from idp.errors import SenError, SettingsError
from keys import KeysError

if TYPE_CHECKING:
    from collections.abc import Sequence

OWNER_ONLY = 0o077

app = typer.Typer(
    name="sen",
    help="Sen, a national OpenID Connect identity provider.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # it would print the values of variables, secrets among them
)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("front")(front.front)
app.command("worker")(work.worker)
app.command("outbox")(outbox.outbox)
app.command("doctor")(doctor.doctor)
app.add_typer(database.app, name="db")
app.add_typer(key_ring.app, name="keys")
app.add_typer(clients.app, name="client")
app.add_typer(citizens.app, name="citizen")
app.command("revoke", context_settings={"ignore_unknown_options": True})(revoke.revoke)  # a kid may begin with -


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; an error of ours is one sentence (or one list) on standard error and exit status 1."""
    os.umask(OWNER_ONLY)  # whatever a command creates, the database first of all, is its owner's alone
    try:
        app(args=None if arguments is None else list(arguments))
    except SettingsError as error:
        sys.exit("\n".join(error.reasons))
    except (SenError, KeysError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
