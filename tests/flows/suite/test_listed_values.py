"""Each grant and each value of a parameter that the metadata lists is used in a request, and another is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idp.protocol.metadata import document
from tests.support.foreign.systems import EXCHANGE, Line, gets_token
from tests.support.login.elsewhere import CIBA, DEVICE, Phone, asks_for, begins, ciba_portal, device_portal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.house import House
    from tests.support.signed_in import SignedIn


@pytest.fixture
def citizen(house: House) -> SignedIn:
    """Give somebody who is logged in."""
    return house.logs_in_directly()


def _on_a_device(house: House, citizen: SignedIn) -> object:
    device = begins(device_portal(house))
    Phone.of(citizen).approves(device)
    return device.tokens()


def _by_name(house: House, citizen: SignedIn) -> object:
    request = asks_for(ciba_portal(house), citizen)
    Phone.of(citizen).approves(request)
    return request.tokens()


def _of_its_own(house: House, _: SignedIn) -> object:
    line = Line(house)
    return gets_token(line.server, line.second)


GRANTS: dict[str, Callable[[House, SignedIn], object]] = {
    "authorization_code": lambda house, citizen: citizen.gives_tokens(house.registers_portal()).access,
    "refresh_token": lambda house, citizen: citizen.gives_tokens(house.registers_portal()).are_alive(),
    "client_credentials": _of_its_own,
    DEVICE: _on_a_device,
    CIBA: _by_name,
    EXCHANGE: lambda house, _: Line(house).exchanged(),
}


def test_each_listed_grant_gives_tokens(house: House, citizen: SignedIn) -> None:
    listed = document(house.services.provider)["grant_types_supported"]
    assert sorted(listed) == sorted(GRANTS)
    for grant in listed:
        assert GRANTS[grant](house, citizen), grant


VALUES = {
    "response_modes_supported": ("response_mode", "{}", "fragment"),
    "code_challenge_methods_supported": ("code_challenge_method", "{}", "plain"),
    "response_types_supported": ("response_type", "{}", "code id_token"),
    "prompt_values_supported": ("prompt", "{}", "create"),
    "scopes_supported": ("scope", "openid {}", "openid service:nothing"),
}
"""A list, the parameter whose values it names, how one of them is asked for, and what is not listed."""


@pytest.mark.parametrize("name", VALUES)
def test_each_listed_value_of_a_parameter_is_taken_and_another_is_not(house: House, name: str) -> None:
    provider, (parameter, asked, other) = house.services.provider, VALUES[name]
    portal = house.registers_portal(purposes=sorted(provider.purposes.ids))
    for value in document(provider)[name]:
        said = {parameter: asked.format(value).replace("openid openid", "openid")}
        assert portal.pushes(**said).status_code == 201, value
    assert portal.pushes(**{parameter: other}).status_code == 400


def test_each_listed_prompt_shows_the_page_that_it_is_for(house: House, citizen: SignedIn) -> None:
    portal, shown = house.registers_portal(), {}
    citizen.agrees_to(portal.asks())
    for value in document(house.services.provider)["prompt_values_supported"]:
        shown[value] = citizen.opens(portal.asks(prompt=value)).headers["Location"].partition("?")[0]
    assert shown == {
        "none": portal.redirect_uri, "consent": "/consent", "login": "/login", "select_account": "/login",
    }  # fmt: skip
