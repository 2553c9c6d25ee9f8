"""Every event, one small class each. No event holds personal data: identifiers of ours, counts and reasons only.

Fields that every event shares: `actor` (`citizen:<id>`, `client:<id>`, `operator`, `worker`, `anyone`), `citizen_id`,
`client_id`, `object` (the id of what was changed). The rest of a class's fields become its `details`.
The name of the class is the event's type in the log: it never changes once shipped.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event says."""

    actor: str
    citizen_id: str | None = None
    client_id: str | None = None
    object: str | None = None


# ----------------------------------------------------------------------------------------------- citizens


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationCodeIssued(Event):
    """An operator or officer issued an activation code; `object` is the code's id."""

    account_level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CitizenActivated(Event):
    """A citizen activated an account with a code and the register's word."""

    account_level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationRefused(Event):
    """Number and code did not fit, or the register or the account did not agree; `reason` is a word of ours."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CitizenEnded(Event):
    """A citizen's account was suspended or closed."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRefreshed(Event):
    """The register said something new of a citizen; `fields` names what, and never says it."""

    fields: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberGiven(Event):
    """An operator gave a citizen a new number (the number itself stays out of the log)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyAdded(Event):
    """A passkey was created; `object` is its id."""

    aaguid: str
    attested: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyRenamed(Event):
    """A passkey got another name (the name itself stays out of the log)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyEnded(Event):
    """A passkey was removed or revoked."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyCounterWentBack(Event):
    """A passkey's counter went backwards: it may have been copied; the login was refused."""


# ------------------------------------------------------------------------------------------------- logins


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSucceeded(Event):
    """A citizen logged in; `object` is the session's id."""

    method: str
    level: int
    passkey_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRefused(Event):
    """A login was refused; `reason` is a word of ours, never what was typed."""

    method: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Event):
    """A login session was ended."""

    reason: str


# ------------------------------------------------------------------------------------------ authorizations


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRequestApproved(Event):
    """A citizen approved what another device asked for; `kind` is device or ciba."""

    kind: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRequestRefused(Event):
    """A citizen refused what another device asked for; `reason` is a word of ours."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRequestDisowned(Event):
    """A citizen said "not me" to a CIBA request: its relying party is not shown to this citizen for a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationGranted(Event):
    """A code was redeemed; `object` is the authorization's id."""

    scope: str
    claims: str
    acr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineAuthorized(Event):
    """A relying party got a token for itself; `object` is the authorization's id."""

    scope: str
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenExchanged(Event):
    """A token was exchanged for one for another resource; `object` is the new authorization's id."""

    scope: str
    resource: str
    parent_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRefreshed(Event):
    """A refresh token was used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationEnded(Event):
    """An authorization was ended; nothing that it reached works any more."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven(Event):
    """A citizen agreed; `object` is the consent's id."""

    purpose: str
    claims: str
    wording: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRefused(Event):
    """A citizen said no; nothing else was stored."""

    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWithdrawn(Event):
    """A consent was withdrawn."""

    reason: str


# ------------------------------------------------------------------------------------------------ operation


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAdded(Event):
    """A relying party was registered or changed."""

    profile: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationTokenIssued(Event):
    """An initial access token was made, with which relying parties register themselves; `object` is its id."""

    uses: int
    profiles: str
    approved: bool
    public_subject: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationTokenEnded(Event):
    """An initial access token was ended before its time."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRegistered(Event):
    """A relying party registered itself; `token_id` is the initial access token's, `open` where none was needed."""

    profile: str
    status: str
    token_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientChanged(Event):
    """A relying party changed its own registration; `generation` says whether what was pending ended with it."""

    status: str
    generation: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMoved(Event):
    """A relying party was approved or suspended."""

    status: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientEnded(Event):
    """A relying party was ended."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterImported(Event):
    """The local register took a file."""

    rows: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAdded(Event):
    """A signing key was made; `object` is its kid."""

    alg: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMoved(Event):
    """A signing key moved to another state of its life."""

    state: str
    reason: str
