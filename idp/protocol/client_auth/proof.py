"""What a request brings to prove whose it is, and what is left when that held."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003  dataclass fields are read at run time
from typing import TYPE_CHECKING, Protocol

from idp.errors import ProtocolError  # noqa: TC001  dataclass fields are read at run time
from idp.relying_parties.client import RelyingParty  # noqa: TC001  dataclass fields are read at run time

if TYPE_CHECKING:
    from collections.abc import Mapping

METHODS_SHARED_TEXT = "The relying party could not be authenticated."
CLIENT_ID = re.compile(r"[!-~]{1,128}")
"""What a client_id may look like (RFC 6749 appendix A.1); anything else is unknown without asking the database."""


class Sent(Protocol):
    """What client authentication looks at in a request; nothing is checked yet."""

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters of the address: there must be none."""
        ...

    @property
    def form(self) -> Mapping[str, str]:
        """The parameters of the body."""
        ...

    @property
    def authorization(self) -> str | None:
        """The header."""
        ...

    @property
    def certificate(self) -> bytes | None:
        """In DER, of the mutual TLS that the front ended."""
        ...

    @property
    def address(self) -> str:
        """Where it comes from."""
        ...


@dataclass(frozen=True, slots=True)
class Credentials:
    """The parts of a request that client authentication reads, and when it came; nothing is checked yet."""

    client_id: str | None
    secret: str | None = field(repr=False)
    assertion: str | None = field(repr=False)
    assertion_type: str | None
    authorization: str | None = field(repr=False)
    at: datetime
    certificate: bytes | None = field(default=None, repr=False)  # DER, of the mutual TLS that the front ended
    address: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """What may be used once: claimed in the request's one wave under `key`, for `seconds`.

    `issued_at` is when it was made, by its own word; `refusal` is raised when it was used before, or is older than
    the memory of replays.
    """

    key: str
    seconds: int
    issued_at: float
    refusal: type[ProtocolError]
    public: str = METHODS_SHARED_TEXT


@dataclass(frozen=True, slots=True)
class Proof:
    """A relying party that proved itself, and the marks that must still be claimed so that it did so once.

    `share` is where it calls from, when it has proved nothing: whoever uses its name elsewhere uses up nothing of it.
    """

    client: RelyingParty
    marks: tuple[Mark, ...] = ()
    share: str = ""
