"""`sen client`: registers relying parties from a file, lets others register themselves, and says who may work."""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idp import clock
from idp.audit.events import ClientAdded, ClientMoved, RegistrationTokenEnded, RegistrationTokenIssued
from idp.audit.log import new_id
from idp.cli import columns
from idp.cli.office import OPERATOR, at_work
from idp.cli.revoke import Reason, check_reason, end_client
from idp.errors import NotKnown
from idp.relying_parties import metadata_rules, metadata_systems
from idp.relying_parties.details_types import DetailsTypes
from idp.relying_parties.metadata_reader import Deployment
from idp.relying_parties.names import is_confusable
from idp.relying_parties.profiles import PROFILES
from idp.relying_parties.purposes import PurposeCatalogue
from idp.relying_parties.store import Allowance, InitialToken, StoredClient

if TYPE_CHECKING:
    from idp.cli.office import Office

SECRET_BYTES = 32
MOST_USES = 1000
LONGEST_DAYS = 90
LANGUAGES = ("name#vi", "name#en")

File = Annotated[Path, typer.Argument(help="JSON: RFC 7591 metadata, profile and purposes.")]

app = typer.Typer(help="Relying parties.", no_args_is_help=True)


class Permission(StrEnum):
    """What an initial access token allows only where an officer says so."""

    APPROVED = "approved"
    PUBLIC_SUBJECT = "public-subject"


PERMISSIONS = (
    "approved: what it registers works at once; public-subject: it may have the same sub that others have. "
    "May be repeated."
)


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
    """List the relying parties, and what each is spared; a name that may look like another one is marked."""
    with at_work() as office:
        clients = office.relying_parties.all()
    rows = [["client_id", "profile", "status", "spared", "name"]]
    for client in clients:
        name = str(client.metadata.get("client_name#vi") or client.metadata.get("client_name") or "")
        status = "ended" if client.ended_at else client.status
        spared = ", ".join(client.metadata.get("loosened", ())) or "-"
        rows.append([client.client_id, client.profile, status, spared, f"{name} (!)" if _misleads(client) else name])
    columns.tell(rows)


@app.command()
def token(
    owner: Annotated[list[str], typer.Option(help="Who answers for it: twice, in Vietnamese and in English.")],
    purpose: Annotated[list[str], typer.Option(help="A purpose of the catalogue; may be repeated.")],
    profile: Annotated[list[str] | None, typer.Option(help="A profile; may be repeated. Usual: fapi2.")] = None,
    uses: Annotated[int, typer.Option(min=1, max=MOST_USES, help="How many relying parties it registers.")] = 1,
    days: Annotated[int | None, typer.Option(min=1, max=LONGEST_DAYS, help="For how many days it is good.")] = None,
    allow: Annotated[list[Permission] | None, typer.Option(help=PERMISSIONS)] = None,
) -> None:
    """Make an initial access token (RFC 7591), with which others register their relying parties themselves.

    It is shown this once and kept as a hash alone.
    """
    made = secrets.token_urlsafe(SECRET_BYTES)
    with at_work() as office:
        settings = office.settings
        allowance = Allowance(
            profiles=tuple(profile or ("fapi2",)),
            purposes=tuple(purpose),
            owner=dict(zip(LANGUAGES, owner, strict=False)),
            approved=Permission.APPROVED in (allow or ()),
            public_subject=Permission.PUBLIC_SUBJECT in (allow or ()),
        )
        _check_allowance(
            allowance, known_purposes=PurposeCatalogue.load(settings.data_file(settings.data.purposes)).ids
        )
        now = clock.now()
        good_for = timedelta(days=days or settings.registration.token_days)
        kept = InitialToken(new_id(), allowance, uses, now, now + good_for)
        event = RegistrationTokenIssued(
            actor=OPERATOR,
            object=kept.id,
            uses=uses,
            profiles=" ".join(allowance.profiles),
            approved=allowance.approved,
            public_subject=allowance.public_subject,
        )
        office.registrations.issue(kept, token_hash=hashlib.sha256(made.encode()).digest(), event=event)
    typer.echo(f"id: {kept.id}")
    typer.echo(f"initial_access_token: {made}")


@app.command()
def tokens() -> None:
    """List the initial access tokens, without the tokens themselves."""
    with at_work() as office:
        found, now = office.registrations.tokens(), clock.now()
    rows = [["id", "uses left", "good until", "profiles", "owner", "allowed"]]
    for one in found:
        good = one.ended_at is None and one.expires_at > now
        until = one.expires_at.strftime("%Y-%m-%d %H:%M") if good else "ended"
        allowed = one.allowance
        row = [one.id, str(one.uses_left), until, ", ".join(allowed.profiles), str(allowed.owner.get("name#vi", ""))]
        given = {Permission.APPROVED: allowed.approved, Permission.PUBLIC_SUBJECT: allowed.public_subject}
        rows.append([*row, ", ".join(permission for permission, is_given in given.items() if is_given) or "-"])
    columns.tell(rows)


@app.command("end-token")
def end_token(token_id: str, reason: Reason) -> None:
    """End an initial access token; what it has registered goes on."""
    check_reason(reason)
    with at_work() as office:
        event = RegistrationTokenEnded(actor=OPERATOR, object=token_id, reason=reason)
        if not office.registrations.end_token(token_id=token_id, reason=reason, event=event):
            raise NotKnown(f"There is no initial access token {token_id}, or it has ended already.")
    typer.echo(f"Ended: {token_id}.")


@app.command()
def approve(
    client_id: str,
    reason: Reason = "approved",
    fingerprint: Annotated[str, typer.Option(help="As `show` said it: approves nothing but what was seen.")] = "",
) -> None:
    """Let a relying party work that waits or was suspended; look at it with `sen client show` first."""
    _move(client_id, expected=("pending", "suspended"), status="approved", reason=reason, fingerprint=fingerprint)


@app.command()
def suspend(client_id: str, reason: Reason) -> None:
    """Let a relying party work no more until it is approved again; what it holds is of no use meanwhile."""
    _move(client_id, expected=("pending", "approved"), status="suspended", reason=reason)


@app.command()
def end(client_id: str, reason: Reason) -> None:
    """End a relying party for ever, and all that it holds."""
    check_reason(reason)
    with at_work() as office:
        end_client(office, client_id, reason)
    typer.echo(f"Ended: {client_id}.")


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
        "fingerprint": _fingerprint(client),
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
    checked = metadata_rules.check(client, deployment=Deployment.of(settings, known_purposes=known_purposes))
    known_types = DetailsTypes.load(settings.data_file(settings.data.details_types)).ids
    metadata_systems.check_among(checked, others=office.relying_parties.all(), known_types=known_types)
    event = ClientAdded(actor=OPERATOR, client_id=client.client_id, object=client.client_id, profile=client.profile)
    office.relying_parties.put(client, event=event)


def _check_allowance(allowance: Allowance, *, known_purposes: frozenset[str]) -> None:
    """Refuse a token that would allow what there is not."""
    wrong = [f"There is no profile {name}." for name in allowance.profiles if name not in PROFILES]
    wrong += [f"There is no purpose {name}." for name in allowance.purposes if name not in known_purposes]
    if len(allowance.owner) != len(LANGUAGES) or not all(text.strip() for text in allowance.owner.values()):
        wrong.append("The owner needs a name in both languages.")
    if wrong:
        raise NotKnown(" ".join(wrong))


def _move(client_id: str, *, expected: tuple[str, ...], status: str, reason: str, fingerprint: str = "") -> None:
    check_reason(reason)
    with at_work() as office:
        seen = office.relying_parties.get(client_id=client_id)
        if seen is None or seen.ended_at is not None or seen.status not in expected:
            raise NotKnown(f"There is no relying party {client_id} that is {' or '.join(expected)}.")
        event = ClientMoved(actor=OPERATOR, client_id=client_id, object=client_id, status=status, reason=reason)
        as_seen = fingerprint in {"", _fingerprint(seen)}
        if not as_seen or not office.relying_parties.move(seen, status=status, event=event):
            raise NotKnown(f"The relying party {client_id} has changed: look at it again.")
    typer.echo(f"{status.capitalize()}: {client_id}.")


def _fingerprint(client: StoredClient) -> str:
    """Return what changes with everything that a relying party says about itself."""
    return hashlib.sha256(json.dumps(client.metadata, sort_keys=True).encode()).hexdigest()[:16]


def _misleads(client: StoredClient) -> bool:
    """Tell whether a name of a relying party may look like another one."""
    names = [value for key, value in client.metadata.items() if key.partition("#")[0] == "client_name"]
    return any(is_confusable(name) for name in names if isinstance(name, str))
