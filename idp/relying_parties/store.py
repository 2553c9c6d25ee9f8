"""What relying parties need remembered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from idp.audit.events import Event


@dataclass(frozen=True, slots=True)
class StoredClient:
    """One row: metadata as registered (RFC 7591 section 2, plus ours), checked again when it is read."""

    client_id: str
    profile: str
    metadata: Mapping[str, Any]
    secret_hash: bytes | None
    status: str
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a relying party may register of itself: as its initial access token says, or an officer after that.

    `owner` is {name#vi, name#en} of the body that answers for it: nobody names that of himself. `approved` says that
    what is registered works at once; otherwise it waits for an officer, and waits again after each change.
    `public_subject` says that it may have the `sub` that others have too (OpenID Connect Core section 8).
    """

    profiles: tuple[str, ...]
    purposes: tuple[str, ...]
    owner: Mapping[str, str]
    approved: bool
    loosened: tuple[str, ...] = ()
    public_subject: bool = False

    def set_by_officer(self, client: StoredClient) -> Allowance:
        """Return what is allowed once an officer has registered this: as much, and no more.

        Whether a change works at once stays as it was: no file says that.
        """
        metadata = client.metadata
        return replace(
            self,
            profiles=(client.profile,),
            purposes=tuple(metadata.get("purposes", ())),
            owner=metadata.get("owner", {}),
            loosened=tuple(metadata.get("loosened", ())),
            public_subject=metadata.get("subject_type") == "public",
        )


@dataclass(frozen=True, slots=True)
class InitialToken:
    """An initial access token (RFC 7591 section 3), of which only a hash is kept."""

    id: str
    allowance: Allowance
    uses_left: int
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """A relying party that registered itself; `token_hash` is SHA-256 of its registration access token."""

    client: StoredClient
    allowance: Allowance
    token_hash: bytes = field(repr=False)


class RelyingPartyStore(Protocol):
    """Relying parties; every change brings its event."""

    def get(self, *, client_id: str) -> StoredClient | None:
        """Return one, ended or not, or None."""
        ...

    def all(self) -> Sequence[StoredClient]:
        """Return all, in the order of their making."""
        ...

    def put(self, client: StoredClient, *, event: Event) -> None:
        """Add or replace one on an officer's word, which bounds its own from now on; what was ended stays ended."""
        ...

    def end(self, *, client_id: str, reason: str, event: Event) -> bool:
        """End one for ever; False when there was none that lived."""
        ...

    def move(self, seen: StoredClient, *, status: str, event: Event) -> bool:
        """Give one another status; False when it is no longer as it was seen."""
        ...


class RegistrationStore(Protocol):
    """Relying parties that register themselves, and the tokens that let them; every change brings its event."""

    def issue(self, token: InitialToken, *, token_hash: bytes, event: Event) -> None:
        """Keep a new initial access token."""
        ...

    def find_token(self, *, token_hash: bytes, at: datetime) -> InitialToken | None:
        """Return an initial access token that is good at an instant, or None."""
        ...

    def tokens(self) -> Sequence[InitialToken]:
        """Return all initial access tokens, in the order of their making."""
        ...

    def end_token(self, *, token_id: str, reason: str, event: Event) -> bool:
        """End an initial access token; False when there was none that lived."""
        ...

    def add(self, registered: Registered, *, token_id: str | None, at: datetime, event: Event) -> bool:
        """Take one use of an initial access token and add the relying party, both or neither; False: no use left."""
        ...

    def get(self, *, client_id: str) -> Registered | None:
        """Return one that registered itself, ended or not, or None."""
        ...

    def change(self, registered: Registered, *, former: Registered, event: Event) -> bool:
        """Replace one that is still `former` in everything; False when somebody has changed it meanwhile."""
        ...

    def end(self, *, client_id: str, reason: str, event: Event) -> bool:
        """End one for ever; False when there was none that lived."""
        ...
