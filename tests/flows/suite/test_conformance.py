"""What modules of the OpenID Foundation's conformance suite send and expect, where no other test sends the same."""

from __future__ import annotations

import importlib
import json
import secrets
import time
import uuid
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from idp import clock
from idp.cli.demo_clients import OWNER
from idp.relying_parties import metadata_rules
from idp.relying_parties.metadata_reader import Deployment
from idp.relying_parties.store import StoredClient
from tests.support.foreign.registrant import Registrant, is_refused
from tests.support.house import ASSERTION_TYPE, ISSUER, House, answered, members

if TYPE_CHECKING:
    from idp.relying_parties.client import RelyingParty
    from tests.support.house import Portal, SignedIn

ROOT = Path(__file__).parents[3]
CALLBACK = "https://localhost:8443/test/a/sen/callback"
PRIVATE = {"d", "p", "q", "dp", "dq", "qi"}


@pytest.fixture
def citizen(house: House) -> SignedIn:
    """Give somebody who is logged in."""
    return house.logs_in_directly()


@pytest.fixture
def portal(house: House) -> Portal:
    """Give an ordinary portal with the purpose that knows most."""
    return house.registers_portal(purposes=["driving-licence"])


def checked(house: House, metadata: dict[str, Any]) -> RelyingParty:
    """Hold a line of clients.json against every rule, as `sen demo --clients` does."""
    secret = b"x" if metadata.pop("client_secret", None) else None
    stored = StoredClient(
        metadata["client_id"], metadata["profile"], {**metadata, "owner": OWNER}, secret, "approved", clock.now(), None
    )
    known = house.services.provider.purposes.ids
    return metadata_rules.check(stored, deployment=Deployment(known, allow_loopback=True))


def test_everybody_that_is_made_for_a_run_of_the_suite_can_be_registered(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "conformance"))
    module = importlib.import_module("make_plans")
    count = module.write(tmp_path, module.Places("https://localhost:9443", "https://localhost:8443", "sen", "x"))
    plans = (tmp_path / "plans.txt").read_text(encoding="utf-8").splitlines()
    assert len(plans) == count
    clients = json.loads((tmp_path / "clients.json").read_text(encoding="utf-8"))
    assert not any(PRIVATE & set(key) for one in clients for key in one.get("jwks", {"keys": []})["keys"])
    by_id = {one["client_id"]: checked(house, one) for one in clients}
    for line in plans:
        configuration = json.loads((tmp_path / line.rpartition(" ")[2]).read_text(encoding="utf-8"))
        named = [configuration[name].get("client_id") for name in ("client", "client2") if name in configuration]
        assert all(client_id is None or client_id in by_id for client_id in named), line
        if "mtls" in configuration:
            assert by_id[named[0]].sender_constraint
        if "hint_type" in configuration["client"]:
            offered = house.services.provider.assurance.supported_acr_values()
            assert configuration["client2"]["acr_value"] in offered
    bound = {client_id for client_id, one in by_id.items() if one.sender_constraint == {"mtls"}}
    assert any(client_id.startswith("suite-ciba") for client_id in bound)


def test_a_relying_party_registers_as_the_suite_does_and_names_the_token_endpoint(
    house: House, citizen: SignedIn
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    jwk = {name: public[name] for name in ("kty", "n", "e")}
    registrant = Registrant(house).registered(
        client_name="Suite tWqX3k9aB2",
        grant_types=["authorization_code"],
        response_types=["code"],
        redirect_uris=[CALLBACK],
        contacts=["certification@oidf.org"],
        token_endpoint_auth_method="private_key_jwt",
        userinfo_signed_response_alg="RS256",
        jwks={"keys": [{**jwk, "alg": "RS256", "use": "sig"}]},
    )
    told, portal = registrant.told, registrant.as_portal()
    login = portal.asks(scope="openid")
    code = answered(citizen.arrives(login))["code"]
    now = int(time.time())
    claims = {"iss": told["client_id"], "sub": told["client_id"], "aud": f"{ISSUER}/token", "iat": now, "exp": now + 60}
    assertion = jwt.encode({**claims, "jti": secrets.token_hex(10)}, key, algorithm="RS256")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": login.verifier}
    proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
    response = portal.http.post("/token", data={**form, **proof})
    assert response.status_code == 200, response.text
    userinfo = portal.asks_userinfo(members(response)["access_token"])
    assert userinfo.headers["Content-Type"] == "application/jwt"
    assert jwt.get_unverified_header(userinfo.text)["alg"] == "RS256"


def test_a_login_is_begun_by_others_over_https_alone(house: House) -> None:
    refused = Registrant(house).registers(redirect_uris=[CALLBACK], initiate_login_uri="http://localhost:8443/login")
    assert is_refused(refused, status=400, code="invalid_client_metadata")
    taken = Registrant(house).registered(redirect_uris=[CALLBACK], initiate_login_uri="https://localhost:8443/login")
    assert members(taken.reads())["initiate_login_uri"] == "https://localhost:8443/login"
    without_tls = {"redirect_uris": ["http://localhost:8001/cb"], "initiate_login_uri": "http://localhost:8001/login"}
    assert Registrant(house).registers(**without_tls).status_code == 201


def test_a_login_that_begins_here_tells_the_portal_who_begins_it(house: House, citizen: SignedIn) -> None:
    portal = house.registers_portal(initiate_login_uri="https://portal.example/begin?from=sen")
    citizen.gives_tokens(portal)
    page = unescape(citizen.browser.get("/account/services").text)
    assert f'href="https://portal.example/begin?from=sen&{urlencode({"iss": ISSUER})}"' in page


@pytest.mark.parametrize(
    "sent",
    ["7b0c4a52-5f0e-4c39-9d5f-0a7d1c3e9b11", "7B0C4A52-5F0E-4C39-9D5F-0A7D1C3E9B12", None, "", "no uuid", "x" * 4000],
)
def test_userinfo_carries_the_callers_interaction_id_or_one_of_its_own(
    house: House, citizen: SignedIn, sent: str | None
) -> None:
    portal = house.registers_portal()
    token = citizen.gives_tokens(portal).access
    named = {} if sent is None else {"x-fapi-interaction-id": sent}
    answer = portal.http.get("/userinfo", headers={**portal.shows(token), **named})
    told = answer.headers["x-fapi-interaction-id"]
    assert answer.status_code == 200
    assert str(uuid.UUID(told)) == told.lower()
    assert (told == sent) == (len(sent or "") == len(told))


def test_all_levels_that_the_metadata_offer_may_be_asked_for_at_once(house: House, citizen: SignedIn) -> None:
    portal = house.registers_portal()
    offered = members(portal.http.get("/.well-known/openid-configuration"))["acr_values_supported"]
    tokens = citizen.gives_tokens(portal, acr_values=" ".join(offered), display="popup", claims_locales="se")
    assert tokens.id_token["acr"] in offered


PLACES = ("userinfo", "id_token")
SPECS: dict[str, Any] = {"null": None, "empty": {}, "voluntary": {"essential": False}, "essential": {"essential": True}}


@pytest.mark.parametrize("spec", SPECS)
def test_every_verified_claim_may_be_asked_for_in_both_places_and_unknown_ones_are_passed_over(
    portal: Portal, citizen: SignedIn, spec: str
) -> None:
    known = members(portal.http.get("/.well-known/openid-configuration"))["claims_in_verified_claims_supported"]
    names = [*known, "no_such_claim", "'<a href=x>\"&", "claim%1/a&,.b"]
    entry = {"verification": {"trust_framework": None}, "claims": dict.fromkeys(names, SPECS[spec])}
    plain = {"sub": None, "name": SPECS[spec]}
    claims = json.dumps({place: {**plain, "verified_claims": entry} for place in PLACES})
    tokens = citizen.gives_tokens(portal, claims=claims, scope="openid")
    for said in (members(portal.asks_userinfo(tokens.access)), tokens.id_token):
        verified = said["verified_claims"]
        assert set(verified) == {"verification", "claims"}
        assert {"name", "birthdate"} <= set(verified["claims"]) <= set(known)


def test_a_lone_verified_claim_with_a_value_that_nobody_has_leaves_no_element_behind(
    portal: Portal, citizen: SignedIn
) -> None:
    entry = {"verification": {"trust_framework": None}, "claims": {"name": {"value": str(uuid.uuid4())}}}
    claims = json.dumps({place: {"verified_claims": entry} for place in PLACES})
    tokens = citizen.gives_tokens(portal, claims=claims, scope="openid")
    assert "verified_claims" not in members(portal.asks_userinfo(tokens.access))
    assert "verified_claims" not in tokens.id_token
