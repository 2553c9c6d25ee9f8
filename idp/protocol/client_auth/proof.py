"""What a request brings to prove whose it is, and what is left when that held."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from idp.errors import InvalidClient
from idp.relying_parties.client import RelyingParty  # noqa: TC001  dataclass fields are read at run time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.ephemeral import Claimed

METHODS_SHARED_TEXT = "The relying party could not be authenticated."


@dataclass(frozen=True, slots=True)
class Credentials:
    """The parts of a request that client authentication reads; nothing is checked yet."""

    client_id: str | None
    secret: str | None = field(repr=False)
    assertion: str | None = field(repr=False)
    assertion_type: str | None
    authorization: str | None = field(repr=False)

    @classmethod
    def of(cls, form: Mapping[str, str], *, authorization: str | None) -> Credentials:
        """Collect them from a form and the Authorization header."""
        return cls(
            client_id=form.get("client_id"),
            secret=form.get("client_secret"),
            assertion=form.get("client_assertion"),
            assertion_type=form.get("client_assertion_type"),
            authorization=authorization,
        )


@dataclass(frozen=True, slots=True)
class Proof:
    """A relying party that proved itself, and the mark that must still be claimed so that it did so once.

    `replay_key` is claimed in the request's one wave; `issued_at` is when the assertion was made, by its own word.
    """

    client: RelyingParty
    replay_key: str | None = None
    replay_seconds: int = 0
    issued_at: float = 0.0

    def check_claimed(self, claimed: Claimed) -> None:
        """Refuse a replay, and whatever was made before the memory of replays is known to be whole.

        Raises:
            InvalidClient: the assertion was used before, or cannot be told from one that was.
        """
        if not claimed.first:
            raise InvalidClient(METHODS_SHARED_TEXT, detail="assertion replayed")
        if self.issued_at <= claimed.since:
            raise InvalidClient(METHODS_SHARED_TEXT, detail="assertion older than the memory of replays")
