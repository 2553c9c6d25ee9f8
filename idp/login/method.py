"""The contract of a login method: a challenge goes out, an answer comes back and is verified into evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from idp.assurance import Evidence  # noqa: TC001  dataclass fields are read at run time
from idp.citizens.credentials import PasskeyUse  # noqa: TC001  dataclass fields are read at run time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.citizens.national_id import PersonalNumber
    from idp.citizens.store import PasskeyStore
    from idp.login.authenticator_metadata import AuthenticatorMetadata
    from idp.settings import Settings
    from keys import Sealer


@dataclass(frozen=True, slots=True)
class Desk:
    """What methods work with."""

    settings: Settings
    passkeys: PasskeyStore
    sealer: Sealer
    metadata: AuthenticatorMetadata | None


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the browser gets, and what is remembered (JSON) until its answer comes, once."""

    options: Mapping[str, Any]
    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verified:
    """Who has proved to be here, how, and what is to be stored of it."""

    citizen_id: str
    evidence: Evidence
    use: PasskeyUse


class Method(Protocol):
    """One way to log in."""

    name: ClassVar[str]

    def __init__(self, desk: Desk) -> None:
        """Keep what it works with."""
        ...

    def challenge(self, *, number: PersonalNumber | None) -> Challenge:
        """Return a fresh challenge; with a number, one that looks the same whoever holds it, or nobody."""
        ...

    def verify(self, *, expected_state: Mapping[str, Any], unverified_response: bytes) -> Verified:
        """Verify an answer against what was remembered; the state has been taken and will not come back.

        Raises:
            AssertionRefused: it does not hold, for whatever reason.
        """
        ...
