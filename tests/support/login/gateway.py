"""The operator's gateway, which hears what citizens are to be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from tests.support.foreign.receiver import Receiver, says
from tests.support.house import ISSUER, House, members
from tests.support.login.leaving import carries, courier_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from idp.worker.courier import Courier
    from tests.support.house import ACitizen
    from tests.support.valkey import ValkeyServer

PHONE, EMAIL = "+84912345678", "hoa@dan.example"
RECEIVED = says(b"", status="202 Accepted")


@dataclass
class Gateway:
    """The operator's gateway, which reads what it is sent with a library of its own."""

    house: House
    receiver: Receiver
    courier: Courier

    def hears(self) -> list[dict[str, Any]]:
        """Let the worker deliver, and return the claims of every token that came in since."""
        self.receiver.asked.clear()
        carries(self.courier)
        return [self._read(asked.body.decode()) for asked in self.receiver.asked]

    def hears_once(self) -> dict[str, Any]:
        """Return the claims of the one token that came in."""
        (claims,) = self.hears()
        return claims

    def _read(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        assert header["typ"] == "secevent+jwt"
        keys = jwt.PyJWKSet.from_dict(members(self.house.browser().get("/jwks")))
        address = self.house.settings.notices.gateway
        required = ["iss", "aud", "iat", "jti", "events"]
        return jwt.decode(
            token, keys[header["kid"]], algorithms=["ES256"], audience=address, issuer=ISSUER,
            options={"require": required},
        )  # fmt: skip


@pytest.fixture
def gateway(tmp_path: Path, lone_valkey: ValkeyServer) -> Iterator[Gateway]:
    """Give a house with a gateway that takes what comes."""
    with Receiver(notices=RECEIVED) as receiver:
        url = receiver.url("/notices", host="localhost")
        house = House.build(folder=tmp_path, redis_url=lone_valkey.url, SEN_NOTICES__GATEWAY=url)
        courier = courier_of(house)
        yield Gateway(house, receiver, courier)
        courier.close()
        house.close()


def activated(gateway: Gateway) -> ACitizen:
    """Return a citizen with a telephone number and an e-mail address, of whose activation the gateway has heard."""
    citizen = gateway.house.registers_citizen(phone_number=PHONE, email=EMAIL)
    assert citizen.activates().status_code == 200
    gateway.hears_once()
    return citizen
