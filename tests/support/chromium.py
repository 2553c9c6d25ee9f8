"""Debian's Chromium, and the authenticators of a page in it: the phone itself, or a security key."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Playwright

CHROMIUM: Final = shutil.which("chromium-headless-shell") or "/usr/bin/chromium"
"""The shell has the same engine and no windows, for which Chromium takes half of its time even when none is shown."""
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--js-flags=--no-opt --no-maglev --always-sparkplug",  # a page here does not live long enough to be worth more
)
AUTHENTICATOR: Final = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def launch(playwright: Playwright) -> Browser:
    """Start Debian's Chromium."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))


@dataclass
class Device:
    """One authenticator of a page: the phone itself, or a security key."""

    session: CDPSession
    id: str

    def does_not_recognise_its_owner(self) -> None:
        """Let user verification fail from now on."""
        self._set("setUserVerified", isUserVerified=False)

    def recognises_its_owner(self) -> None:
        """Let user verification succeed again."""
        self._set("setUserVerified", isUserVerified=True)

    def is_left_untouched(self) -> None:
        """Wait for a touch that does not come."""
        self._set("setAutomaticPresenceSimulation", enabled=False)

    def is_touched_again(self) -> None:
        """Answer at once from now on."""
        self._set("setAutomaticPresenceSimulation", enabled=True)

    def is_taken_away(self) -> None:
        """Remove it, with what it holds."""
        self._set("removeVirtualAuthenticator")

    def passkeys(self) -> list[dict[str, Any]]:
        """Return what it holds."""
        answer = self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        return cast("list[dict[str, Any]]", answer["credentials"])

    def keeps(self, passkey: dict[str, Any]) -> None:
        """Put a passkey into it that another device had."""
        self._set("addCredential", credential=passkey)

    def _set(self, command: str, **values: object) -> None:
        self.session.send(f"WebAuthn.{command}", {"authenticatorId": self.id, **values})
