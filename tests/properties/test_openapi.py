"""Schemathesis over the description of every endpoint: whatever is sent, no answer is a 5xx or other than described."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from idp.openapi import document
from idp.relying_parties.profiles import CIBA, DEVICE_CODE, TOKEN_EXCHANGE
from tests.support.foreign.registrant import Registrant, gives_token
from tests.support.foreign.systems import new_resource
from tests.support.house import ISSUER, House, Portal, house

if TYPE_CHECKING:
    from schemathesis import Case

__all__ = ["house"]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    allow_header_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(document(ISSUER))
OPERATIONS = [(path, method) for path in SCHEMA for method in SCHEMA[path] if method != "head"]
FORMS = [(path, method) for path, method in OPERATIONS if method == "post" and path not in {"/register", "/logout"}]
BEARERS = [(path, method) for path, method in OPERATIONS if path.startswith(("/userinfo", "/grants", "/register"))]
CALMLY = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
)
DRAWN = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]


def cases(path: str, method: str) -> st.SearchStrategy[Case[Any]]:
    """Return what the description allows, and what it forbids."""
    operation = SCHEMA[path][method]
    return st.sampled_from(DRAWN).flatmap(lambda mode: operation.as_strategy(generation_mode=mode))


def is_as_described(case: Case[Any], house: House, **headers: str) -> int:
    """Send a case and return the status of its answer, once it is seen to be one that is described."""
    response = case.call(base_url=ISSUER, app=house.app, headers=headers)
    case.validate_response(response, checks=CHECKS)
    return int(response.status_code)


@dataclass
class Caller:
    """A relying party that may do everything, with tokens of each kind, to send where a case has any text."""

    portal: Portal
    access: str
    refresh: str
    told: dict[str, Any]

    @property
    def basic(self) -> str:
        """The header that authenticates it."""
        return "Basic " + b64encode(f"{self.portal.client_id}:{self.portal.secret}".encode()).decode()

    def improves(self, body: Any, data: st.DataObject) -> Any:
        """Put what is really good into some of a form's fields, so that a case gets further than its first check."""
        if not isinstance(body, dict):
            return body
        own = {
            "client_id": self.portal.client_id,
            "redirect_uri": self.portal.redirect_uri,
            "scope": "openid service:login offline_access",
            "token": self.access,
            "refresh_token": self.refresh,
            "subject_token": self.access,
            "access_token": self.access,
            "resource": self.told["resource"],
            "login_hint": "001099000001",
            "acr_values": "vn.2",
        }
        chosen = data.draw(st.sets(st.sampled_from(sorted(own))))
        kept = {name: value for name, value in body.items() if not name.startswith(("client_secret", "client_assert"))}
        return {**kept, **{name: own[name] for name in chosen & body.keys()}, "client_id": self.portal.client_id}


@pytest.fixture(scope="module")
def caller(house: House) -> Caller:
    resource = new_resource()
    portal = house.registers_portal(
        token_endpoint_auth_method="client_secret_basic",
        grant_types=["authorization_code", "refresh_token", "client_credentials", TOKEN_EXCHANGE, DEVICE_CODE, CIBA],
        scope="openid profile phone email address offline_access records.read",
        resources=[resource],
        exchange={"resources": [resource], "scopes": ["records.read"]},
        backchannel_token_delivery_mode="poll",
    )
    tokens = house.logs_in_directly().gives_tokens(portal)
    return Caller(portal, tokens.access, tokens.refresh, {"resource": resource})


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_whatever_a_stranger_sends_is_answered_as_described(house: House, path: str, method: str) -> None:
    @given(case=cases(path, method))
    @CALMLY
    def check(case: Case[Any]) -> None:
        is_as_described(case, house)

    check()


@pytest.mark.parametrize(("path", "method"), FORMS)
def test_whatever_a_relying_party_sends_is_answered_as_described(
    house: House, caller: Caller, path: str, method: str
) -> None:
    statuses = set()

    @given(case=cases(path, method), data=st.data())
    @CALMLY
    def check(case: Case[Any], data: st.DataObject) -> None:
        case.body = caller.improves(case.body, data)
        statuses.add(is_as_described(case, house, Authorization=caller.basic))

    check()
    assert path in {"/authorize", "/userinfo"} or statuses != {401}


@pytest.mark.parametrize(("path", "method"), BEARERS)
def test_whatever_comes_with_a_good_token_is_answered_as_described(
    house: House, caller: Caller, path: str, method: str
) -> None:
    registrant = Registrant(house, gives_token(house)).registered()
    registration = str(registrant.told["registration_access_token"])
    initial = gives_token(house, uses=100)

    @given(case=cases(path, method))
    @CALMLY
    def check(case: Case[Any]) -> None:
        token = caller.access
        if path == "/register":
            token = initial if method == "post" else registration
            case.query = case.query if method == "post" else {"client_id": registrant.told["client_id"]}
        is_as_described(case, house, Authorization=f"Bearer {token}")

    check()
