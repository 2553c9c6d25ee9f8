"""What the protocol hands from one step to the next: frozen, checked, and ready to be kept as JSON."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003  dataclass fields are read at run time
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from consent import Standing  # noqa: TC001  dataclass fields are read at run time
from idp.citizens.citizen import Person  # noqa: TC001  dataclass fields are read at run time
from idp.protocol.claims import Known  # noqa: TC001  dataclass fields are read at run time


def _tuples(members: dict[str, Any]) -> dict[str, Any]:
    """Turn JSON's lists back into tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in members.items()}


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A checked authorization request (OpenID Connect Core section 3.1.2.1).

    `purpose` is the service that the citizen is shown; `claims` maps each asked claim to where it is to be sent
    (`userinfo`, `id_token`); `acr_names` are the asked levels by any of their names; `expected_subject` is the
    pairwise `sub` that must be the one who logs in (id_token_hint, or `sub` in the claims parameter). `arrived_at` is
    when it began to wait for its citizen, in seconds since 1970.
    """

    client_id: str
    redirect_uri: str
    code_challenge: str
    scope: tuple[str, ...]
    purpose: str
    state: str | None = None
    nonce: str | None = None
    prompt: tuple[str, ...] = ()
    max_age: int | None = None
    acr_names: tuple[str, ...] = ()
    claims_userinfo: tuple[str, ...] = ()
    claims_id_token: tuple[str, ...] = ()
    claims_wanted: str | None = None  # sealed, for the wanted values may be a person's
    expected_subject: str | None = None
    login_hint: str | None = None  # sealed, for it may be a personal number
    ui_locales: str | None = None
    resource: str | None = None
    pushed_id: str | None = None
    arrived_at: int | None = None
    response_mode: str = "query"
    dpop_jkt: str | None = None  # the key that the code is bound to (RFC 9449 section 10)
    authorization_details: str | None = None  # JSON, checked (RFC 9396)
    details_items: tuple[str, ...] = ()  # what each of them is called in the ledger of consents
    tells_grant: bool = False  # whether the token answer names the grant, to be managed by (Grant Management)
    generation: str = ""  # of the registration that it was checked against
    waiting: str | None = None  # the request of another device that is answered (RFC 8628, CIBA), by its name
    confirmed_by: str | None = None  # the id of the citizen who said that this device is the own one

    def to_json(self) -> bytes:
        """Return the record as JSON."""
        return orjson.dumps(self)

    @classmethod
    def from_members(cls, members: dict[str, Any]) -> Self:
        """Read back what `to_json` wrote, parsed; lists become tuples again."""
        return cls(**_tuples(members))


@dataclass(frozen=True, slots=True)
class CodeRecord:
    """What an authorization code stands for, as JSON; taken once at the token endpoint.

    `scope` and `claims` are words between spaces, `amr` between commas; `sid` is the session as this relying party
    sees it.
    `sealed_claims` holds the claims that the ID token itself was asked to carry, sealed, because they are personal.
    `auth_time` and `issued_at` are seconds since 1970.
    """

    client_id: str
    redirect_uri: str
    code_challenge: str
    nonce: str | None
    scope: str
    claims: str
    citizen_id: str
    passkey_id: str
    session_id: str
    sid: str
    consent_id: str
    subject: str
    acr: str
    account_level: int
    amr: str
    auth_time: int
    issued_at: int
    resource: str | None = None
    sealed_claims: str | None = None
    dpop_jkt: str | None = None
    authorization_details: str | None = None
    tells_grant: bool = False
    generation: str = ""


@dataclass(frozen=True, slots=True)
class SenderKey:
    """The key that tokens are bound to: a DPoP key's thumbprint, or a client certificate's, or none.

    Source: RFC 9449 section 6.1, RFC 8705 section 3.1.
    """

    jkt: str | None = None
    x5t: str | None = None


@dataclass(frozen=True, slots=True)
class Rotation:
    """The use of a refresh token that is replaced by it: whose it is, the SHA-256 of the next one, and the grace.

    `grace` is for how many microseconds the token before the newest may be used once more.
    """

    authorization_id: str
    next_hash: bytes
    grace: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAuthorization:
    """An authorization whose every gate is open at this instant."""

    id: str
    client_id: str
    citizen_id: str
    session_id: str
    scope: str
    claims: str
    resource: str | None
    subject: str
    acr: str
    amr: str
    account_level: int
    auth_time: int
    dpop_jkt: str | None = None
    certificate_x5t: str | None = None
    authorization_details: str | None = None
    sid: str = ""  # the session as this relying party sees it; not stored
    known: Known | None = None  # only where claims are to be read


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAuthorization(LiveAuthorization):
    """The authorization row that a redeemed code becomes, if every gate is open.

    Hashes are SHA-256, instants microseconds since 1970.
    """

    grant_type: str
    passkey_id: str
    consent_id: str
    code_hash: bytes
    refresh_hash: bytes | None
    refresh_expires_at: int | None
    offline: bool
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyAuthorization:
    """An authorization whose every gate is open at this instant, with a person behind it or without one.

    `act` and `authorization_details` are JSON, instants microseconds since 1970; `auth_time` is in seconds.
    """

    id: str
    grant_type: str
    client_id: str
    citizen_id: str | None = None
    scope: str
    claims: str
    resource: str | None
    subject: str | None
    acr: str | None = None
    amr: str | None = None
    account_level: int | None = None
    auth_time: int | None = None
    dpop_jkt: str | None = None
    certificate_x5t: str | None = None
    authorization_details: str | None = None
    act: str | None = None
    created_at: int
    last_used_at: int
    refresh_expires_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMachineAuthorization:
    """The authorization row of a relying party that acts by itself, or of a token that it exchanged.

    `parent_id` is the authorization behind the token that was exchanged: who stands behind that one stands behind
    this one too. `subject` is the relying party itself where there is no parent. `at` is microseconds since 1970.
    """

    id: str
    grant_type: str
    client_id: str
    scope: str
    resource: str
    subject: str | None = None
    dpop_jkt: str | None = None
    certificate_x5t: str | None = None
    authorization_details: str | None = None
    act: str | None = None
    parent_id: str | None = None
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """Where a citizen stands with a relying party and a purpose, all gates in one read.

    `consent` is the newest record for the relying party and purpose, in force or not. `person` opens what is known of
    the citizen, which came along sealed.
    """

    citizen_active: bool
    session_live: bool
    passkey_live: bool
    client_live: bool
    account_level: int
    consent: Standing | None
    person: Callable[[], Person] = field(repr=False)

    @property
    def logged_in(self) -> bool:
        """Whether the session still counts."""
        return self.citizen_active and self.session_live and self.passkey_live
