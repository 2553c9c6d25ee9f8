"""Gate by grant: whatever is ended behind a token ends it, on every worker, whatever is restarted or forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete

from idp.errors import NotKnown
from idp.storage.sql.tables import login_session
from tests.support.house import House, members
from tests.support.signed_in import COOKIE, GATES

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import Login, Portal, SignedIn
    from tests.support.signed_in import Tokens
    from tests.support.valkey import ValkeyServer


@dataclass
class Held:
    """What a portal holds of one citizen: a code that it has not used, and tokens."""

    portal: Portal
    citizen: SignedIn
    waiting: Login
    code: TestResponse
    tokens: Tokens

    @classmethod
    def of(cls, house: House, profile: str = "web") -> Held:
        """Let a new portal have both of a new citizen."""
        method = "none" if profile == "native" else "private_key_jwt"
        portal = house.registers_portal(profile=profile, token_endpoint_auth_method=method)
        citizen = house.logs_in_directly()
        tokens = citizen.gives_tokens(portal)
        waiting = portal.asks(scope="openid service:login offline_access")
        waiting = waiting.pushed() if portal.pushes_only else waiting
        return cls(portal, citizen, waiting, citizen.opens(waiting), tokens)

    def ends(self, gate: str) -> None:
        """Let one gate be shut; an authorization can only be shut once its code was redeemed."""
        if gate == "authorization ended":
            assert self.waiting.redeem(self.code).status_code == 200
        GATES[gate](self.citizen, self.portal)

    def what_works(self) -> dict[str, bool]:
        """Try everything once; a refusal must be the right one."""
        answers = {
            "code": self.waiting.redeem(self.code),
            "refresh": self.portal.refreshes(self.tokens.refresh),
            "userinfo": self.portal.asks_userinfo(self.tokens.access),
        }
        for name, answer in answers.items():
            assert answer.status_code == 200 or is_refused(name, members(answer)), (name, answer.text)
        return {name: answer.status_code == 200 for name, answer in answers.items()}

    def moves_to(self, house: House) -> None:
        """Speak to another house from now on."""
        self.portal.moves_to(house)


def is_refused(name: str, body: dict[str, Any]) -> bool:
    """Tell whether it is a refusal of the grant; one who was ended may be unknown altogether."""
    return body["error"] in ({"invalid_token"} if name == "userinfo" else {"invalid_grant", "invalid_client"})


NOTHING = {"code": False, "refresh": False, "userinfo": False}
EVERYTHING = {"code": True, "refresh": True, "userinfo": True}


@pytest.mark.parametrize("profile", ["web", "fapi2", "native"])
@pytest.mark.parametrize("gate", GATES)
@pytest.mark.spec("TK-16", "RT-07", "CO-04", "SS-05")
def test_what_was_ended_works_nowhere(any_house: House, gate: str, profile: str) -> None:
    untouched, held = Held.of(any_house, profile), Held.of(any_house, profile)
    held.ends(gate)
    assert held.what_works() == NOTHING
    assert untouched.what_works() == EVERYTHING


@pytest.mark.spec("TK-16", "RT-06", "RT-07", "CO-04")
def test_what_was_ended_stays_ended_through_a_restart_and_an_emptied_memory(
    lonely_house: House, own_valkey: ValkeyServer
) -> None:
    held = {gate: Held.of(lonely_house) for gate in GATES}
    untouched, forgotten = Held.of(lonely_house), Held.of(lonely_house)
    for gate, ended in held.items():
        ended.ends(gate)
    anew = lonely_house.restarted()
    for one in (*held.values(), untouched, forgotten):
        one.moves_to(anew)
    assert {gate: ended.what_works() for gate, ended in held.items()} == dict.fromkeys(GATES, NOTHING)
    assert untouched.what_works() == EVERYTHING
    browser = anew.browser()
    browser.set_cookie(COOKIE, forgotten.citizen.token)
    assert "code=" in browser.get(forgotten.portal.asks(prompt="none").url).headers["Location"]
    own_valkey.client.flushall()
    anew.waits_until_assertions_count()
    assert {gate: ended.what_works() for gate, ended in held.items()} == dict.fromkeys(GATES, NOTHING)
    assert forgotten.what_works() == {"code": False, "refresh": True, "userinfo": True}
    assert "/login?" in browser.get(forgotten.portal.asks().url).headers["Location"]
    anew.services.close()


@pytest.mark.parametrize("gate", ["citizen suspended", "passkey ended", "session ended"])
@pytest.mark.spec("SS-05", "AZ-18")
def test_who_was_ended_is_logged_in_nowhere(any_house: House, gate: str) -> None:
    held, other = Held.of(any_house), Held.of(any_house)
    held.ends(gate)
    assert "error=login_required" in held.citizen.opens(held.portal.asks(prompt="none")).headers["Location"]
    assert held.citizen.browser.get("/account").headers["Location"].startswith("/login?")
    assert "code=" in other.citizen.opens(other.portal.asks(prompt="none")).headers["Location"]
    assert other.citizen.browser.get("/account").status_code == 200


@pytest.mark.spec("SS-05", "F27")
def test_a_session_that_an_older_database_has_not_is_none(any_house: House) -> None:
    portal, citizen, other = any_house.registers_portal(), any_house.logs_in_directly(), any_house.logs_in_directly()
    gone = delete(login_session).where(login_session.c.citizen_id == citizen.citizen_id)
    any_house.office.database.transact(lambda connection: connection.execute(gone))
    assert [one.opens(portal.asks()).headers["Location"].partition("?")[0] for one in (citizen, other)] == [
        "/login",
        "/consent",
    ]
    with pytest.raises(NotKnown):
        any_house.services.provider.authorizations.known(citizen_id="nobody")


@pytest.mark.spec("RT-07")
def test_what_was_ended_before_its_code_is_asked_for_gets_none(any_house: House) -> None:
    held = Held.of(any_house)
    held.ends("consent withdrawn")
    assert "/consent?" in held.citizen.opens(held.portal.asks()).headers["Location"]
