"""Devices and portals that wait for a citizen's word elsewhere, and the tour past the pages on which it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import httpx

from tests.browser.relying_party import RelyingParty
from tests.support.browser import WAIT_MS
from tests.support.login.elsewhere import CIBA, DEVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.browser import Someone
    from tests.support.running import Papers, Running


@dataclass
class OtherDevice:
    """A request that waits, over real HTTP."""

    party: RelyingParty
    grant: str
    parameter: str
    told: dict[str, Any]

    @classmethod
    def shows_a_code(cls, running: Running) -> Self:
        """Let a television ask for a code."""
        party = RelyingParty.registered(running, grant_types=["authorization_code", DEVICE])
        told = cls._posts(party, "/device_authorization", scope="openid")
        return cls(party, DEVICE, "device_code", told)

    @classmethod
    def names(cls, running: Running, papers: Papers, *, message: str = "47") -> Self:
        """Let a portal name a citizen."""
        party = RelyingParty.registered(
            running, grant_types=["authorization_code", CIBA], backchannel_token_delivery_mode="poll"
        )
        hint = {"login_hint": papers.number, "binding_message": message}
        return cls(party, CIBA, "auth_req_id", cls._posts(party, "/bc-authorize", scope="openid", **hint))

    @property
    def code(self) -> str:
        """What a television shows."""
        return str(self.told["user_code"])

    def polls(self) -> dict[str, Any]:
        """Ask for tokens; return what is told."""
        secret = {self.parameter: self.told[self.parameter]}
        return self._posts(self.party, "/token", grant_type=self.grant, **secret)

    @staticmethod
    def _posts(party: RelyingParty, path: str, **form: str) -> dict[str, Any]:
        address = party.running.issuer + path
        own = (party.client_id, party.secret)
        told: dict[str, Any] = httpx.post(address, data=form, auth=own, timeout=WAIT_MS / 1000).json()
        return told


def picks(someone: Someone, code: str) -> None:
    """Press the button with a code."""
    someone.page.get_by_role("button", name=code, exact=True).click()


def for_other_devices(someone: Someone, _other: Someone, running: Running) -> Iterator[tuple[str, Someone]]:
    """Walk past everything that is asked and said for another device."""
    papers = running.citizen()
    someone.has_an_account(papers)
    device = OtherDevice.shows_a_code(running)
    someone.opens("/device")
    yield "device", someone
    someone.fills("Mã trên thiết bị", "sai")
    someone.presses("Tiếp tục")
    yield "device with a wrong code", someone
    someone.opens(device.told["verification_uri_complete"])
    yield "device by a link", someone
    someone.presses("Tiếp tục")
    yield "device confirm", someone
    picks(someone, device.code)
    someone.agrees()
    yield "device done", someone
    someone.opens("/account/approvals")
    yield "approvals none", someone
    OtherDevice.names(running, papers)
    someone.opens("/account")
    yield "account while a portal waits", someone
    someone.follows("Xem yêu cầu")
    yield "approvals", someone
    someone.presses("Xem yêu cầu")
    yield "approvals confirm", someone
    picks(someone, "47")
    someone.agrees()
    yield "approvals done", someone
    OtherDevice.names(running, papers, message="Hồ sơ 12")
    someone.opens("/account/approvals")
    someone.presses("Xem yêu cầu")
    yield "approvals confirm a line", someone
    someone.presses("Không phải tôi")
    yield "approvals refused", someone
