"""The command `sen`: every command in one table, and the one place where an error becomes a sentence."""

from __future__ import annotations

import gc
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from idp.errors import SenError, SettingsError
from keys import KeysError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typer import Typer

OWNER_ONLY = 0o077
DAEMONS = (["serve"], ["worker"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; an error of ours is one sentence (or one list) on standard error and exit status 1."""
    os.umask(OWNER_ONLY)  # whatever a command creates, the database first of all, is its owner's alone
    try:
        given = sys.argv[1:] if arguments is None else list(arguments)
        command = _daemon(*given) if given in DAEMONS else partial(_commands(), args=given)
        command()
    except SettingsError as error:
        sys.exit("\n".join(error.reasons))
    except (SenError, KeysError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _daemon(name: str) -> Callable[[], None]:
    """Return `sen serve` or `sen worker` by itself: what is loaded here is carried for as long as a process runs.

    All other commands with their tables and progress bars are 20 MB and half a second, in every worker that is forked
    from `sen serve`. Rich is hidden because structlog would load it, to print traces in colours that nobody sees.
    Nothing that is loaded is ever garbage: looking for some meanwhile is a sixth of the time that loading takes.
    """
    gc.disable()
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # None is how Python marks what is not to be found
    command: Callable[[], None]
    if name == "serve":
        from idp.cli.serve import serve as command  # noqa: PLC0415  as said above
    else:
        from idp.cli.work import worker as command  # noqa: PLC0415  as said above
    gc.freeze()
    gc.enable()
    return command


def _commands() -> Typer:
    import typer  # noqa: PLC0415  as said above

    from idp import openapi  # noqa: PLC0415  as said above
    from idp.cli import (  # noqa: PLC0415  as said above
        citizens,
        clients,
        database,
        demo,
        doctor,
        front,
        key_ring,
        outbox,
        revoke,
        serve,
        work,
    )

    app = typer.Typer(
        name="sen",
        help="Sen, a national OpenID Connect identity provider.",
        no_args_is_help=True,
        rich_markup_mode="markdown",  # "rich" would eat square brackets, in which the names of sections stand
        add_completion=False,
        pretty_exceptions_enable=False,  # it would print the values of variables, secrets among them
    )
    app.command("demo")(demo.demo)
    app.command("serve")(serve.serve)
    app.command("front")(front.front)
    app.command("worker")(work.worker)
    app.command("outbox")(outbox.outbox)
    app.command("doctor")(doctor.doctor)
    app.command("openapi")(openapi.show)
    app.add_typer(database.app, name="db")
    app.add_typer(key_ring.app, name="keys")
    app.add_typer(clients.app, name="client")
    app.add_typer(citizens.app, name="citizen")
    app.command("revoke", context_settings={"ignore_unknown_options": True})(revoke.revoke)  # a kid may begin with -
    return app
