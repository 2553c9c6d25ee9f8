"""A relying party that is none of ours: Authlib's session over requests, and joserfc, told nothing but the issuer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from tests.support.house import ISSUER, members

if TYPE_CHECKING:
    from tests.support.house import House


class Doorstep(BaseAdapter):
    """Carries requests to a house in this process instead of over a wire."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self.browser = house.browser()

    def send(self, request: PreparedRequest, **_: Any) -> Response:  # type: ignore[override]  # how requests calls it
        """Ask the house."""
        given = self.browser.open(
            request.path_url, method=request.method, headers=dict(request.headers), data=request.body
        )
        response = Response()
        response.status_code = given.status_code
        response.headers.update(dict(given.headers))
        response._content = given.data
        response.url, response.request = request.url or "", request
        return response

    def close(self) -> None:
        """Nothing is held."""


@pytest.mark.spec("ID-10", "ID-01", "ID-09")
def test_a_client_of_another_maker_logs_a_citizen_in(house: House) -> None:
    portal = house.registers_portal(token_endpoint_auth_method="client_secret_basic")
    citizen = house.logs_in_directly()
    citizen.agrees_to(portal.asks(scope="openid service:login offline_access"), "offline_access")
    with OAuth2Session(
        portal.client_id,
        portal.secret,
        token_endpoint_auth_method="client_secret_basic",
        revocation_endpoint_auth_method="client_secret_basic",
        code_challenge_method="S256",
        scope="openid service:login offline_access",
        redirect_uri=portal.redirect_uri,
    ) as client:
        client.mount(ISSUER, Doorstep(house))
        found = client.get(f"{ISSUER}/.well-known/openid-configuration", withhold_token=True).json()
        assert found["issuer"] == ISSUER
        address, state = found["authorization_endpoint"], "a state"
        url, _ = client.create_authorization_url(address, state=state, code_verifier="v" * 64, nonce="once")
        back = citizen.browser.get(url.removeprefix(ISSUER)).headers["Location"]
        endpoint = found["token_endpoint"]
        token = client.fetch_token(endpoint, authorization_response=back, state=state, code_verifier="v" * 64)
        keys = client.get(found["jwks_uri"], withhold_token=True).json()
        claims = reads_id_token(token["id_token"], keys=keys, client_id=portal.client_id, access=token["access_token"])
        assert client.get(found["userinfo_endpoint"]).json()["sub"] == claims["sub"]
        renewed = client.refresh_token(endpoint, refresh_token=token["refresh_token"])
        assert renewed["access_token"] != token["access_token"]
        assert client.revoke_token(found["revocation_endpoint"], renewed["refresh_token"]).status_code == 200
        assert client.get(found["userinfo_endpoint"]).status_code == 401


def reads_id_token(token: str, *, keys: dict[str, Any], client_id: str, access: str) -> dict[str, Any]:
    """Verify an ID token as Authlib's own relying party does."""
    decoded = jwt.decode(token, KeySet.import_key_set(keys))  # type: ignore[arg-type]  # the library's own shape
    options = {"iss": {"value": ISSUER}, "aud": {"value": client_id}, "nonce": {"value": "once"}}
    params = {"client_id": client_id, "nonce": "once", "access_token": access}
    claims = CodeIDToken(decoded.claims, decoded.header, options, params)
    claims.validate()
    return dict(claims)


@pytest.mark.spec("ID-10")
def test_what_discovery_names_is_there_and_works(house: House) -> None:
    browser = house.browser()
    document = members(browser.get("/.well-known/openid-configuration"))
    assert document == members(browser.get("/.well-known/oauth-authorization-server"))
    for name, address in document.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            one = "/of-nobody" if name == "grant_management_endpoint" else ""  # each grant has an address below it
            assert browser.get(address.removeprefix(ISSUER) + one).status_code != 404, name
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["response_types_supported"] == ["code"]


@pytest.mark.spec("ID-11", "ID-10")
def test_the_key_set_has_public_members_of_distinct_keys_only(house: House) -> None:
    document = members(house.browser().get("/.well-known/openid-configuration"))
    keys = members(house.browser().get("/jwks"))["keys"]
    assert len({key["kid"] for key in keys}) == len(keys)
    assert all(not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(key) for key in keys)
    assert {key["use"] for key in keys} == {"sig"}
    published, promised = {key["alg"] for key in keys}, set(document["id_token_signing_alg_values_supported"])
    assert published == promised == {"ES256", "PS256", "RS256", "EdDSA"}
