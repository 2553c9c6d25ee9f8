"""Signed backchannel requests: forged, too old, used twice, with something beside them (CIBA Core section 7.1.1)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from idp import clock
from tests.support.house import House, members
from tests.support.login.elsewhere import ciba_portal, names, number_of, signed_request

if TYPE_CHECKING:
    from tests.support.portal import Portal
    from tests.support.signed_in import SignedIn


def unsigned(portal: Portal, **claims: Any) -> str:
    """Return a request without a signature."""
    body = signed_request(portal, **claims).split(".")[1]
    head = base64.urlsafe_b64encode(orjson.dumps({"alg": "none"})).rstrip(b"=").decode()
    return f"{head}.{body}."


def moved(seconds: dict[str, int]) -> dict[str, Any]:
    """Return instants that lie so many seconds from now."""
    return {name: int(clock.now().timestamp()) + away for name, away in seconds.items()}


def without(portal: Portal, name: str) -> str:
    """Return a signed request that lacks a claim."""
    left_out: dict[str, Any] = {name: None}
    return signed_request(portal, **left_out)


OLD: dict[str, Any] = {"iat": -4000, "nbf": -4000, "exp": -100}
FORGED: dict[str, Any] = {
    "no signature": unsigned,
    "another key": lambda portal: signed_request(portal, key=ec.generate_private_key(ec.SECP256R1())),
    "a secret as a key": lambda portal: signed_request(portal, algorithm="HS256", key="x" * 64),
    "another issuer": lambda portal: signed_request(portal, iss="somebody-else"),
    "another audience": lambda portal: signed_request(portal, aud="https://elsewhere.example"),
    "expired": lambda portal: signed_request(portal, **moved(OLD)),
    "too long a life": lambda portal: signed_request(portal, exp=int(clock.now().timestamp()) + 7200),
    "not yet good": lambda portal: signed_request(portal, nbf=int(clock.now().timestamp()) + 300),
    **{
        f"without {name}": lambda portal, name=name: without(portal, name)
        for name in ("iss", "aud", "exp", "nbf", "iat", "jti")
    },
    "a client assertion": lambda portal: signed_request(portal, sub=portal.client_id),
    "a number as a text": lambda portal: signed_request(portal, login_hint=12),
    "another request inside": lambda portal: signed_request(portal, request=signed_request(portal)),
    "another client_id inside": lambda portal: signed_request(portal, client_id="somebody-else"),
}


@pytest.mark.parametrize("forged", FORGED)
@pytest.mark.spec("DC-05")
def test_a_forged_request_is_refused(portal: Portal, citizen: SignedIn, forged: str) -> None:
    answer = portal.post("/bc-authorize", request=FORGED[forged](portal))
    assert (answer.status_code, members(answer)["error"]) == (400, "invalid_request"), answer.text
    good = signed_request(portal, login_hint=number_of(citizen))
    assert portal.post("/bc-authorize", request=good).status_code == 200


@pytest.mark.spec("DC-05")
def test_a_signed_request_is_used_once(portal: Portal, citizen: SignedIn) -> None:
    signed = signed_request(portal, login_hint=number_of(citizen))
    assert portal.post("/bc-authorize", request=signed).status_code == 200
    again = portal.post("/bc-authorize", request=signed)
    assert (again.status_code, members(again)["error"]) == (400, "invalid_request")


@pytest.mark.spec("DC-05")
@pytest.mark.parametrize("outside", ["scope", "login_hint", "binding_message", "acr_values"])
def test_nothing_of_a_signed_request_stands_outside(portal: Portal, citizen: SignedIn, outside: str) -> None:
    signed = signed_request(portal, login_hint=number_of(citizen))
    answer = portal.post("/bc-authorize", request=signed, **{outside: "openid"})
    assert members(answer)["error"] == "invalid_request"
    assert portal.post("/bc-authorize", request=signed).status_code == 200


@pytest.mark.spec("DC-05", "RFC 8707 2")
def test_several_resources_stand_in_a_signed_request_as_an_array_of_texts(house: House, citizen: SignedIn) -> None:
    resources = ["https://one.example/api", "https://two.example/api"]
    portal, hint = ciba_portal(house, resources=resources), number_of(citizen)
    odd = portal.post("/bc-authorize", request=signed_request(portal, login_hint=hint, resource=[*resources, 5]))
    assert (odd.status_code, members(odd)["error"]) == (400, "invalid_request")
    good = signed_request(portal, login_hint=hint, resource=resources)
    assert portal.post("/bc-authorize", request=good).status_code == 200


@pytest.mark.spec("DC-05")
def test_a_portal_that_registered_how_it_signs_sends_nothing_unsigned(house: House, citizen: SignedIn) -> None:
    portal = ciba_portal(house, backchannel_authentication_request_signing_alg="ES256")
    assert members(names(portal, login_hint=number_of(citizen)))["error"] == "invalid_request"
    good = signed_request(portal, login_hint=number_of(citizen))
    assert portal.post("/bc-authorize", request=good).status_code == 200
