"""A person at the pages of activation, who takes the steps one by one, and what those leave in log and trail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import orjson
from sqlalchemy import select

from idp.storage.sql.tables import audit_event
from tests.support.authenticator import SoftwareAuthenticator
from tests.support.house import ISSUER, House, members
from tests.support.login.own_pages import OwnPages, begins_login

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from werkzeug.test import TestResponse

    from idp.citizens.national_id import PersonalNumber


@dataclass
class AtActivation:
    """A person at the pages of activation, who takes the steps one by one."""

    house: House
    number: PersonalNumber
    code: str
    authenticator: SoftwareAuthenticator = field(default_factory=SoftwareAuthenticator)

    def __post_init__(self) -> None:
        """Open a browser."""
        self.browser = self.house.browser()
        self.own = OwnPages(self.browser)
        self.tx = begins_login(self.browser, "/activate")

    @classmethod
    def with_code(cls, house: House) -> Self:
        """Give a person whom the register knows, with a good code."""
        number = house.office.registers()
        return cls(house, number, house.office.issues_code(number=number))

    def types_code(self) -> TestResponse:
        """Take the first step, and look at what comes next."""
        sent = self.own.sends("/activate", tx=self.tx, number=self.number.digits, code=self.code)
        return self.browser.get(sent.headers["Location"]) if sent.status_code == 303 else sent

    def makes_passkey(self) -> dict[str, Any]:
        """Let the device make a passkey."""
        options = self.own.calls("/activate/passkey/options", tx=self.tx)
        assert options.status_code == 200, options.text
        return self.authenticator.register(members(options), origin=ISSUER)

    def hands_in(self, credential: dict[str, Any]) -> TestResponse:
        """Take the second step."""
        return self.own.calls("/activate/passkey/verify", tx=self.tx, credential=credential, name="Máy")

    def looks_in_english(self) -> TestResponse:
        """Change the language of the page after the first step."""
        return self.browser.get(f"/activate/passkey?tx={self.tx}&lang=en")

    def is_logged(self, reason: str, logged: Sequence[MutableMapping[str, Any]]) -> None:
        """Require that both the log and the trail name this reason last, and that neither names the person."""
        (line,) = [line for line in logged if line["event"] == "refused"]
        newest = select(audit_event).order_by(audit_event.c.id.desc()).limit(1)
        event = self.house.office.database.consult(lambda connection: connection.execute(newest).mappings().one())
        assert line["reason"] == reason
        assert (event["type"], orjson.loads(event["details"])["reason"]) == ("ActivationRefused", reason)
        assert self.number.digits not in str(line) + str(event)
