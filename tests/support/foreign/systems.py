"""Systems that speak with each other: machines with tokens of their own, servers of resources, and what they ask."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.portal import Portal, members

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import House
    from tests.support.signed_in import SignedIn, Tokens

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
INACTIVE = {"active": False}
SCOPES = "records.read records.write"


def new_resource() -> str:
    """Return the name of a resource that no other test uses."""
    return f"https://api-{secrets.token_hex(6)}.example"


def registers_machine(house: House, **metadata: Any) -> Portal:
    """Register a system without people: profile machine, private_key_jwt, two scopes."""
    complete: dict[str, Any] = {
        "profile": "machine",
        "grant_types": ["client_credentials"],
        "response_types": [],
        "scope": SCOPES,
        "purposes": [],
        **metadata,
    }
    return Portal.registered(house, **complete)


def asks_for_token(system: Portal, **parameters: str) -> TestResponse:
    """Ask for a token of its own (RFC 6749 section 4.4); a parameter that is empty is left out."""
    form = {"grant_type": "client_credentials", **parameters}
    return system.post("/token", **{name: value for name, value in form.items() if value})


def gets_token(system: Portal, resource: str, **parameters: str) -> str:
    """Get a token of its own."""
    answer = asks_for_token(system, resource=resource, **parameters)
    assert answer.status_code == 200, answer.text
    return str(members(answer)["access_token"])


def introspects(asker: Portal, token: str) -> dict[str, Any]:
    """Ask what a token is, in plain JSON (RFC 7662)."""
    answer = asker.post("/introspect", token=token)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return members(answer)


def exchanges(system: Portal, token: str, **parameters: str) -> TestResponse:
    """Ask for another token in exchange (RFC 8693); a parameter that is empty is left out."""
    form = {
        "grant_type": EXCHANGE,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
        **parameters,
    }
    return system.post("/token", **{name: value for name, value in form.items() if value})


@dataclass
class Line:
    """A portal with a citizen's token for one server, which exchanges it to reach the next."""

    house: House
    first: str = field(default_factory=new_resource)
    second: str = field(default_factory=new_resource)
    third: str = field(default_factory=new_resource)

    def __post_init__(self) -> None:
        """Register all of them, and let a citizen log in at the portal."""
        self.portal = self.house.registers_portal(
            resources=[self.first], scope="openid profile offline_access records.read records.write"
        )
        self.server = self._server(self.first, reaches=self.second)
        self.next = self._server(self.second, reaches=self.third)
        self.last = registers_machine(self.house, resources=[self.third], resources_served=[self.third])
        self.citizen: SignedIn = self.house.logs_in_directly()
        self.tokens: Tokens = self.citizen.gives_tokens(
            self.portal,
            resource=self.first,
            scope="openid service:login offline_access records.read records.write",
        )

    def _server(self, served: str, *, reaches: str) -> Portal:
        return registers_machine(
            self.house,
            grant_types=["client_credentials", EXCHANGE],
            resources=[reaches],
            resources_served=[served],
            exchange={"resources": [reaches], "scopes": ["records.read", "records.write"]},
        )

    def exchanged(self, **parameters: str) -> dict[str, Any]:
        """Let the first server exchange what it received for a token for the second one."""
        answer = exchanges(self.server, self.tokens.access, **{"resource": self.second, **parameters})
        assert answer.status_code == 200, answer.text
        return members(answer)

    def moves_to(self, house: House) -> None:
        """Speak to another house from now on."""
        for system in (self.portal, self.server, self.next, self.last):
            system.moves_to(house)
