"""`sen revoke`: ends something for ever; what it prints is durable when it is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from idp import clock
from idp.audit.events import ClientEnded
from idp.cli.key_ring import tell_moves
from idp.cli.office import OPERATOR, at_work
from idp.errors import NotKnown
from keys import revoke as revoke_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.cli.office import Office

LONGEST_REASON = 200
Reason = Annotated[str, typer.Option(help="Why; it goes into the audit trail, so name no person.")]


def revoke(
    kind: Annotated[str, typer.Argument(help="citizen, passkey, session, authorization, client or key")],
    identifier: Annotated[str, typer.Argument(metavar="ID", help="Its id, as other commands show it.")],
    reason: Reason,
) -> None:
    """End a citizen's account, a passkey, a session, an authorization, a relying party or a signing key."""
    if kind not in KINDS:
        raise NotKnown(f"There is no kind {kind}: one of {', '.join(KINDS)}.")
    check_reason(reason)
    with at_work() as office:
        KINDS[kind](office, identifier, reason)
    typer.echo(f"Ended: {kind} {identifier}.")


def check_reason(reason: str) -> None:
    """Hold a reason to one short line without a number that could be a person's.

    Raises:
        NotKnown: it is something else.
    """
    digits = sum(sign.isdigit() for sign in reason)
    if not reason.strip() or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise NotKnown(f"The reason is one line of at most {LONGEST_REASON} signs.")
    if digits >= 9:  # noqa: PLR2004  the former number has nine, and no reason needs as many
        raise NotKnown("The reason must not hold a personal number: name a case or a ticket instead.")


def _citizen(office: Office, identifier: str, reason: str) -> None:
    sessions = office.citizens.end(citizen_id=identifier, status="suspended", reason=reason, actor=OPERATOR)
    typer.echo(f"Sessions that ended with it: {len(sessions)}.")


def _passkey(office: Office, identifier: str, reason: str) -> None:
    sessions = office.passkeys.end(passkey_id=identifier, expected_citizen_id=None, reason=reason, actor=OPERATOR)
    typer.echo(f"Sessions that ended with it: {len(sessions)}.")


def _session(office: Office, identifier: str, reason: str) -> None:
    office.sessions.end(session_id=identifier, reason=reason, actor=OPERATOR)


def _authorization(office: Office, identifier: str, reason: str) -> None:
    if not office.authorizations.end(authorization_id=identifier, reason=reason):
        raise NotKnown(f"There is no authorization {identifier}, or it has ended already.")


def end_client(office: Office, identifier: str, reason: str) -> None:
    """End a relying party.

    Raises:
        NotKnown: there is none that lives.
    """
    event = ClientEnded(actor=OPERATOR, client_id=identifier, object=identifier, reason=reason)
    if not office.relying_parties.end(client_id=identifier, reason=reason, event=event):
        raise NotKnown(f"There is no relying party {identifier}, or it has ended already.")


def _key(office: Office, identifier: str, reason: str) -> None:
    moves = revoke_key(
        store=office.signing_keys,
        custodians=office.custodians,
        settings=office.ring_settings,
        kid=identifier,
        reason=reason,
        now=clock.now,
    )
    tell_moves(moves)


KINDS: dict[str, Callable[[Office, str, str], None]] = {
    "citizen": _citizen,
    "passkey": _passkey,
    "session": _session,
    "authorization": _authorization,
    "client": end_client,
    "key": _key,
}
