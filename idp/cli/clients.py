"""`sen client`: registers relying parties from a file of metadata and shows them."""

from __future__ import annotations

import hashlib
import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idp import clock
from idp.audit.events import ClientAdded
from idp.audit.log import new_id
from idp.cli import columns
from idp.cli.office import OPERATOR, at_work
from idp.errors import NotKnown
from idp.relying_parties import metadata_rules
from idp.relying_parties.purposes import PurposeCatalogue
from idp.relying_parties.store import StoredClient

if TYPE_CHECKING:
    from idp.cli.office import Office

SECRET_BYTES = 32

File = Annotated[Path, typer.Argument(help="JSON: RFC 7591 metadata, profile and purposes.")]

app = typer.Typer(help="Relying parties.", no_args_is_help=True)


@app.command()
def add(file: File) -> None:
    """Register a relying party, or change the one whose client_id the file names.

    Prints the client_id, and for client_secret_basic a new secret: it is shown this once and kept as a hash alone.
    """
    metadata = read_metadata(file)
    with at_work() as office:
        client, secret = prepare(metadata, office=office)
        register(client, office=office)
    typer.echo(f"client_id: {client.client_id}")
    if secret is not None:
        typer.echo(f"client_secret: {secret}")


@app.command("list")
def list_clients() -> None:
    """List the relying parties."""
    with at_work() as office:
        clients = office.relying_parties.all()
    rows = [["client_id", "profile", "status", "name"]]
    for client in clients:
        name = client.metadata.get("client_name#vi") or client.metadata.get("client_name") or ""
        rows.append([client.client_id, client.profile, "ended" if client.ended_at else client.status, str(name)])
    columns.tell(rows)


@app.command()
def show(client_id: str) -> None:
    """Show one relying party's metadata as JSON."""
    with at_work() as office:
        client = office.relying_parties.get(client_id=client_id)
    if client is None:
        raise NotKnown(f"There is no relying party {client_id}.")
    shown = {
        "client_id": client.client_id,
        "status": "ended" if client.ended_at else client.status,
        "has_secret": client.secret_hash is not None,
        **client.metadata,
    }
    typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))


def read_metadata(file: Path) -> dict[str, Any]:
    """Read a file of metadata.

    Raises:
        NotKnown: there is no such file, or it holds no JSON object.
    """
    try:
        metadata = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotKnown(f"{file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise NotKnown(f"{file} is not JSON: {error}.") from error
    if not isinstance(metadata, dict):
        raise NotKnown(f"{file} holds no JSON object.")
    return metadata


def prepare(metadata: dict[str, Any], *, office: Office) -> tuple[StoredClient, str | None]:
    """Return the relying party as it will be stored, and its new secret where its method needs one.

    Raises:
        NotKnown: the file changes a relying party that has been ended.
    """
    client_id = str(metadata.get("client_id") or new_id())
    former = office.relying_parties.get(client_id=client_id)
    if former is not None and former.ended_at is not None:
        raise NotKnown(f"The relying party {client_id} has been ended for ever: register a new one.")
    needs_secret = str(metadata.get("token_endpoint_auth_method", "")).startswith("client_secret_")
    secret = secrets.token_urlsafe(SECRET_BYTES) if needs_secret else None
    client = StoredClient(
        client_id=client_id,
        profile=str(metadata.get("profile", "")),
        metadata={**metadata, "client_id": client_id},
        secret_hash=None if secret is None else hashlib.sha256(secret.encode()).digest(),
        status="approved",
        created_at=clock.now() if former is None else former.created_at,
        ended_at=None,
    )
    return client, secret


def register(client: StoredClient, *, office: Office) -> None:
    """Check a relying party by every rule and store it with its event.

    Raises:
        SettingsError: with every broken rule of metadata.
    """
    settings = office.settings
    known_purposes = PurposeCatalogue.load(settings.data_file(settings.data.purposes)).ids
    metadata_rules.check(client, allow_loopback=settings.outbound.allow_loopback, known_purposes=known_purposes)
    event = ClientAdded(actor=OPERATOR, client_id=client.client_id, object=client.client_id, profile=client.profile)
    office.relying_parties.put(client, event=event)
