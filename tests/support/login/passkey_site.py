"""A site that registers passkeys and lets people in with them: the rules alone, without pages and storage."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from idp.errors import AssertionRefused, RegistrationRefused
from idp.login import passkey as rules

if TYPE_CHECKING:
    from idp.citizens.credentials import NewPasskey, Passkey
    from idp.login.authenticator_metadata import AuthenticatorMetadata
    from tests.support.authenticator import SoftwareAuthenticator

NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
RP_ID = "id.example.vn"
ORIGIN = "https://id.example.vn"


@dataclass(slots=True)
class PasskeySite:
    """One site and one person's account at it; `origin` is where the browser says that it is."""

    origin: str = ORIGIN
    metadata: AuthenticatorMetadata | None = None
    now: datetime = NOON
    user_handle: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    registration_challenge: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    login_challenge: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def registration_options(self) -> dict[str, Any]:
        """Return what the browser is asked for."""
        return rules.registration_options(
            rp_id=RP_ID,
            rp_name="Sen",
            user=rules.PasskeyUser(self.user_handle, "•••• 1234", "Nguyễn V. A."),
            challenge=self.registration_challenge,
            exclude=(),
            attestation="none" if self.metadata is None else "direct",
        )

    def register(self, authenticator: SoftwareAuthenticator) -> NewPasskey:
        """Let the authenticator make a passkey, and verify it."""
        return self.take_registration(authenticator.register(self.registration_options(), origin=self.origin))

    def take_registration(self, response: dict[str, Any] | bytes) -> NewPasskey:
        """Verify an answer of navigator.credentials.create()."""
        return rules.verify_registration(
            unverified_response=as_bytes(response),
            expected=rules.ExpectedCeremony(challenge=self.registration_challenge, origin=ORIGIN, rp_id=RP_ID),
            user_handle=self.user_handle,
            name="Phone",
            metadata=self.metadata,
            now=self.now,
        )

    def enrol(self, authenticator: SoftwareAuthenticator) -> Passkey:
        """Register a passkey and return it as it is stored."""
        return self.register(authenticator).given_to(citizen_id="citizen-1", at=self.now)

    def login_options(self, *passkeys: Passkey) -> dict[str, Any]:
        """Return what the browser is asked for; without passkeys, a discoverable login."""
        allow = [(passkey.credential_id, passkey.transports) for passkey in passkeys]
        return rules.authentication_options(rp_id=RP_ID, challenge=self.login_challenge, allow=allow)

    def sign_in(self, authenticator: SoftwareAuthenticator, passkey: Passkey) -> rules.VerifiedAssertion:
        """Let the authenticator sign for a discoverable login, and verify it."""
        response = authenticator.sign_in(self.login_options(), origin=self.origin)
        return self.take_assertion(response, passkey=passkey)

    def take_assertion(
        self, response: dict[str, Any] | bytes, *, passkey: Passkey, allowed: frozenset[bytes] | None = None
    ) -> rules.VerifiedAssertion:
        """Verify an answer of navigator.credentials.get()."""
        return rules.verify_assertion(
            unverified=rules.read_assertion(as_bytes(response)),
            expected=rules.ExpectedCeremony(challenge=self.login_challenge, origin=ORIGIN, rp_id=RP_ID),
            passkey=passkey,
            allowed=allowed,
        )


def as_bytes(response: dict[str, Any] | bytes) -> bytes:
    """Return the body that a browser would post."""
    return response if isinstance(response, bytes) else json.dumps(response).encode()


def assert_same_public_answer(refused: AssertionRefused | RegistrationRefused) -> None:
    """Whatever the reason: one text, one status, nothing of the detail."""
    kind = AssertionRefused if isinstance(refused, AssertionRefused) else RegistrationRefused
    texts = {
        AssertionRefused: "This passkey was not accepted.",
        RegistrationRefused: "This passkey could not be added.",
    }
    assert (str(refused), refused.reason, refused.status) == (texts[kind], kind.reason, 400)
    assert refused.detail
