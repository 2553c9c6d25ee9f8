"""Relying parties that register themselves: with a token that says what they may be, read, changed and ended by it.

What is registered works at once only where the token says so. Otherwise it waits for an officer, and waits again after
each change: nobody who has got hold of a registration access token turns an approved portal into another one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from idp import clock
from idp.audit.events import ClientChanged, ClientEnded, ClientRegistered
from idp.audit.log import new_id
from idp.errors import InvalidRequest, InvalidToken, OutboundError, SettingsError
from idp.relying_parties import metadata_rules
from idp.relying_parties.client import UNVERIFIED_OWNER
from idp.relying_parties.directory import generation_of
from idp.relying_parties.profiles import CIBA, DEVICE_CODE, PROFILES
from idp.relying_parties.refusals import InvalidClientMetadata
from idp.relying_parties.registration_metadata import READ_ONLY, Draft, check, complete
from idp.relying_parties.software_statement import StatementIssuers
from idp.relying_parties.store import Allowance, Registered, StoredClient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.outbound import OutboundClient
    from idp.relying_parties.client import RelyingParty
    from idp.relying_parties.directory import Directory
    from idp.relying_parties.purposes import PurposeCatalogue
    from idp.relying_parties.store import RegistrationStore
    from idp.settings import Settings

TOKEN_BYTES = 32
NOT_GOOD = "The access token is not good, or no longer."
SELF_ENDED = "ended by itself"
ANSWERED_ELSEWHERE = frozenset({CIBA, DEVICE_CODE})
"""Grants whose tokens come without a redirect: no address proves whose sector their `sub` belongs to."""


@dataclass(frozen=True, slots=True)
class Made:
    """A relying party as it would be stored, with the secret made for it; `generation` is that of what was checked."""

    client: StoredClient
    secret: str | None = field(repr=False)
    generation: str


@dataclass(frozen=True, slots=True)
class RegistrationAnswer:
    """What is told about a registration; `secret` is there where one was made just now, and is told this once."""

    client: StoredClient
    token: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)


class Registrar:
    """Registers, shows, changes and ends relying parties on their own request."""

    def __init__(
        self,
        settings: Settings,
        *,
        store: RegistrationStore,
        directory: Directory,
        outbound: OutboundClient,
        purposes: PurposeCatalogue,
    ) -> None:
        """Keep the parts, and read whose software statements are believed.

        Raises:
            SettingsError: the file of these is broken.
        """
        self._settings = settings
        self._store = store
        self._directory = directory
        self._outbound = outbound
        self._purposes = purposes
        self._deployment = directory.deployment
        self._issuers = StatementIssuers.load(settings.registration.software_statements)

    def register(self, unverified: Mapping[str, Any], *, unverified_token: str | None) -> RegistrationAnswer:
        """Register a relying party.

        1. the token is good, or none is needed; 2. the software statement, which goes before the rest; 3. known
        members, completed and allowed; 4. its sector; 5. every rule; 6. one use of the token, the relying party and
        the event, in one transaction.

        Raises:
            InvalidToken: the token is not good, or no longer, or another used it up at the same moment.
            ProtocolError: what is wrong with the metadata, every broken rule of it; nothing was registered.

        Source: RFC 7591 section 3, OpenID Connect Registration section 3.
        """
        allowance, token_id = self._allowance(unverified_token)  # 1
        client_id = f"rp-{new_id()}"
        made = self._make(unverified, client_id=client_id, allowance=allowance, former=None)  # 2 to 5
        token = secrets.token_urlsafe(TOKEN_BYTES)
        event = ClientRegistered(
            actor="anyone" if token_id is None else f"client:{client_id}",
            client_id=client_id,
            object=client_id,
            profile=made.client.profile,
            status=made.client.status,
            token_id=token_id or "open",
        )
        registered = Registered(made.client, allowance, _hash(token))
        if not self._store.add(registered, token_id=token_id, at=clock.now(), event=event):  # 6
            raise InvalidToken(NOT_GOOD, detail="the last use was taken meanwhile")
        return RegistrationAnswer(made.client, token, made.secret)

    def read(self, *, unverified_client_id: str, unverified_token: str | None) -> RegistrationAnswer:
        """Show a relying party its registration (RFC 7592 section 2.1).

        Raises:
            InvalidToken: the token is not that of this relying party; one answer for every reason.
        """
        registered = self._known(unverified_client_id, unverified_token)
        return RegistrationAnswer(registered.client, unverified_token or "")

    def change(
        self, unverified: Mapping[str, Any], *, unverified_client_id: str, unverified_token: str | None
    ) -> RegistrationAnswer:
        """Replace a registration by another, and its registration access token with it.

        A secret that the relying party has stays as it is. Where nobody approved of it beforehand, it waits for an
        officer from now on.

        Raises:
            InvalidToken: the token is not that of this relying party, or was used by another at the same moment.
            InvalidRequest: it is not its own client_id, or something that is for us to say.
            ProtocolError: what is wrong with the metadata; nothing was changed.

        Source: RFC 7592 section 2.2.
        """
        former = self._known(unverified_client_id, unverified_token)
        _check_its_own(unverified, former=former.client)
        client_id = former.client.client_id
        made = self._make(unverified, client_id=client_id, allowance=former.allowance, former=former.client)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        event = ClientChanged(
            actor=f"client:{client_id}",
            client_id=client_id,
            object=client_id,
            status=made.client.status,
            generation=made.generation != self._generation(former.client),
        )
        changed = Registered(made.client, former.allowance, _hash(token))
        if not self._store.change(changed, former=former, event=event):
            raise InvalidToken(NOT_GOOD, detail="changed, approved or suspended by another meanwhile")
        self._directory.forget(client_id)
        return RegistrationAnswer(made.client, token, made.secret)

    def end(self, *, unverified_client_id: str, unverified_token: str | None) -> None:
        """End a relying party for ever, and all that it holds (RFC 7592 section 2.3).

        Raises:
            InvalidToken: the token is not that of this relying party.
        """
        client_id = self._known(unverified_client_id, unverified_token).client.client_id
        event = ClientEnded(actor=f"client:{client_id}", client_id=client_id, object=client_id, reason=SELF_ENDED)
        self._store.end(client_id=client_id, reason=SELF_ENDED, event=event)
        self._directory.forget(client_id)

    def _allowance(self, unverified_token: str | None) -> tuple[Allowance, str | None]:
        """Return what may be registered, and the id of the token that says so."""
        if unverified_token is not None:
            found = self._store.find_token(token_hash=_hash(unverified_token), at=clock.now())
            if found is None:
                raise InvalidToken(NOT_GOOD)
            return found.allowance, found.id
        if not self._settings.registration.open:
            raise InvalidToken("Send an initial access token as Authorization: Bearer.")
        return Allowance(
            profiles=tuple(PROFILES),
            purposes=tuple(self._purposes.purposes),
            owner={f"name#{language}": text for language, text in UNVERIFIED_OWNER.items()},
            approved=True,
            loosened=self._settings.registration.open_loosened,
            public_subject=True,
        ), None

    def _known(self, unverified_client_id: str, unverified_token: str | None) -> Registered:
        """Return the relying party whose token this is; which of the two is wrong, nobody learns."""
        found = self._store.get(client_id=unverified_client_id) if unverified_token else None
        given, expected = _hash(unverified_token or ""), found.token_hash if found else b""
        if not hmac.compare_digest(given, expected) or found is None or found.client.ended_at is not None:
            raise InvalidToken(NOT_GOOD)
        return found

    def _make(
        self, unverified: Mapping[str, Any], *, client_id: str, allowance: Allowance, former: StoredClient | None
    ) -> Made:
        """Return the relying party as it would be stored, every rule kept."""
        said = self._with_statement(unverified, former=former)  # 2
        draft = complete(said, allowance=allowance, deployment=self._deployment, former=former)  # 3
        secret, secret_hash = _secret(draft, former=former)
        stored = StoredClient(
            client_id=client_id,
            profile=draft.profile,
            metadata={**_own_sector(draft, client_id=client_id), **draft.metadata, "client_id": client_id},
            secret_hash=secret_hash,
            status=_status(draft, allowance=allowance, former=former),
            created_at=former.created_at if former else clock.now(),
            ended_at=None,
        )
        checked = check(draft, stored=stored, deployment=self._deployment)  # 5
        self._check_sector(checked, uri=stored.metadata.get("sector_identifier_uri"))  # 4: it asks somebody else
        return Made(stored, secret, generation_of(checked))

    def _with_statement(self, unverified: Mapping[str, Any], *, former: StoredClient | None) -> Mapping[str, Any]:
        """Lay a software statement over the rest; one that was there stays binding (RFC 7591 section 2.3)."""
        held = None if former is None else former.metadata.get("software_statement")
        statement = held if unverified.get("software_statement") is None else unverified["software_statement"]
        if statement is None:
            return unverified
        if not isinstance(statement, str):
            raise InvalidClientMetadata("software_statement: a text is needed")
        said = self._issuers.read(statement, held=held, now=clock.now())
        vouched = {name.partition("#")[0] for name in said}  # in every language, though said in one
        own = {name: value for name, value in unverified.items() if name.partition("#")[0] not in vouched}
        return {**own, **said, "software_statement": statement}

    def _check_sector(self, checked: RelyingParty, *, uri: str | None) -> None:
        """Let the sector name every redirect address itself (OpenID Connect Registration section 5)."""
        if uri is None:
            return
        try:
            listed = self._outbound.fetch_json(uri).value
        except OutboundError as error:
            text = error.public[0].lower() + error.public[1:]
            raise InvalidClientMetadata(f"sector_identifier_uri: {text}", detail=error.detail) from error
        if not isinstance(listed, list) or any(redirect not in listed for redirect in checked.redirect_uris):
            raise InvalidClientMetadata("sector_identifier_uri: it has to list every one of redirect_uris")

    def _generation(self, client: StoredClient) -> str:
        """Return the generation of what is registered; none where a rule of today is broken: nobody works with that."""
        try:
            return generation_of(metadata_rules.check(client, deployment=self._deployment))
        except SettingsError:
            return ""


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _check_its_own(unverified: Mapping[str, Any], *, former: StoredClient) -> None:
    """Refuse a change that names another relying party, or what is for us to say (RFC 7592 section 2.2)."""
    if unverified.get("client_id") != former.client_id:
        raise InvalidRequest("client_id: its own has to stand in the metadata")
    sent = sorted(READ_ONLY.intersection(unverified))
    if sent:
        raise InvalidRequest(f"{', '.join(sent)}: not to be sent")
    secret = unverified.get("client_secret")
    if secret is None:
        return
    given = _hash(secret) if isinstance(secret, str) else b""
    if not hmac.compare_digest(given, former.secret_hash or b"\x00"):
        raise InvalidRequest("client_secret: is not the one that was issued")


def _own_sector(draft: Draft, *, client_id: str) -> dict[str, Any]:
    """Return the sector of who may be answered without a redirect, where no officer gave one: it is all its own.

    It could name the redirect addresses of anybody, and would see the `sub` that citizens have there (OpenID Connect
    Core section 8.1).
    """
    grants = draft.metadata["grant_types"]
    elsewhere = isinstance(grants, list) and any(grant in grants for grant in ANSWERED_ELSEWHERE)
    return {"sector_identifier": client_id} if elsewhere else {}


def _secret(draft: Draft, *, former: StoredClient | None) -> tuple[str | None, bytes | None]:
    """Return a new secret with its hash, or none and the hash that is there, or neither."""
    if not str(draft.metadata.get("token_endpoint_auth_method")).startswith("client_secret_"):
        return None, None
    if former is not None and former.secret_hash is not None:
        return None, former.secret_hash
    secret = secrets.token_urlsafe(TOKEN_BYTES)
    return secret, _hash(secret)


def _status(draft: Draft, *, allowance: Allowance, former: StoredClient | None) -> str:
    """Return whether it works at once: who was suspended stays so, and a name that misleads waits for an officer."""
    if former is not None and former.status == "suspended":
        return "suspended"
    waits = not allowance.approved or draft.confusable or (former is not None and former.status == "pending")
    return "pending" if waits else "approved"
