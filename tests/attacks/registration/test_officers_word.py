"""What an officer has set about a relying party that registered itself: no change of its own undoes or widens it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from idp.relying_parties.profiles import TOKEN_EXCHANGE
from idp.storage.sql.relying_parties import SqlRelyingParties
from tests.support.foreign.registrant import Registrant, gives_token, is_refused, officer_sets
from tests.support.portal import members
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.house import House

BESIDE_METADATA = ("status", "fingerprint", "has_secret")
"""What `sen client show` says and `sen client add` does not take back."""

API = "https://api.example"


@pytest.mark.spec("RG-06", "RG-08", "ID-02")
def test_the_subject_type_in_an_officers_file_outlives_the_next_change(strict_house: House, tmp_path: Path) -> None:
    registrant = Registrant(strict_house, gives_token(strict_house)).registered()
    storage = strict_house.settings.storage
    folder = strict_house.settings.data_file("purposes.toml").parent
    terminal = Terminal(
        folder, redis_url=storage.redis_url, environ={"SEN_STORAGE__DATABASE_URL": storage.database_url}
    )
    shown = orjson.loads(terminal.types("client", "show", registrant.told["client_id"]).out)
    told = {name: value for name, value in shown.items() if name not in BESIDE_METADATA}
    file = tmp_path / "portal.json"
    file.write_bytes(orjson.dumps({**told, "subject_type": "public"}))
    assert is_refused(registrant.changes(subject_type="public"), status=400, code="invalid_client_metadata")
    added = terminal.types("client", "add", str(file))
    assert added.status == 0, added.err
    for sent in ({}, {"subject_type": "public"}, {"client_name": "Cổng khác"}):
        assert registrant.changes(**sent).status_code == 200
        assert registrant.told["subject_type"] == "public"
    for sent in ({"subject_type": "pairwise"}, {}):
        assert registrant.changes(**sent).status_code == 200
        assert registrant.told["subject_type"] == "pairwise"
    assert registrant.changes(subject_type="public").status_code == 200
    file.write_bytes(orjson.dumps(told))
    added = terminal.types("client", "add", str(file))
    assert added.status == 0, added.err
    assert is_refused(registrant.changes(subject_type="public"), status=400, code="invalid_client_metadata")
    assert registrant.changes().status_code == 200
    assert registrant.told["subject_type"] == "pairwise"


NARROWED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "purpose": ({"purposes": ["login", "e-tax"]}, {"purposes": ["login"]}),
    "profile": ({"profile": "web"}, {"profile": "fapi2", "id_token_signed_response_alg": "ES256"}),
    "subject_type": ({"subject_type": "public"}, {"subject_type": "pairwise"}),
}
"""What its token lets a relying party have, and what an officer leaves it of that."""


@pytest.mark.spec("RG-06", "RG-08")
@pytest.mark.parametrize("what", NARROWED)
def test_what_an_officer_takes_away_no_change_brings_back(strict_house: House, what: str) -> None:
    much, left = NARROWED[what]
    token = gives_token(strict_house, profiles=("web", "fapi2"), purposes=("login", "e-tax"), public_subject=True)
    registrant = Registrant(strict_house, token)
    method: dict[str, Any] = {"token_endpoint_auth_method": "private_key_jwt", "jwks": registrant.jwks}
    registrant.registered(**method, **much)
    assert registrant.changes(**method, **much).status_code == 200
    assert {name: registrant.told[name] for name in much} == much
    officer_sets(registrant, **left)
    assert is_refused(registrant.changes(**method, **much), status=400, code="invalid_client_metadata")
    for sent in ({}, left):
        assert registrant.changes(**method, **sent).status_code == 200
        assert {name: registrant.told[name] for name in left} == left
        assert registrant.told["registration_status"] == "approved"
    officer_sets(registrant, **much, id_token_signed_response_alg=None)
    assert registrant.changes(**method, **much).status_code == 200


@pytest.mark.spec("RG-06", "RG-08")
@pytest.mark.parametrize(("name", "value"), [("loosened", ["no_pkce"]), ("sandbox", True)])
def test_what_only_an_officer_sets_is_gone_once_an_officer_takes_it(strict_house: House, name: str, value: Any) -> None:
    registrant = Registrant(strict_house, gives_token(strict_house, loosened=("no_pkce",))).registered()
    for said in (value, None, value):
        officer_sets(registrant, **{name: said})
        asked: tuple[dict[str, Any], ...] = ({}, {name: value}, {name: []})
        for sent in asked:
            assert registrant.changes(**sent).status_code == 200
            assert (registrant.told.get(name) or None) == said


@pytest.mark.spec("RG-06")
def test_who_waits_for_an_officer_after_each_change_does_so_when_one_has_set_something(strict_house: House) -> None:
    registrant = Registrant(strict_house, gives_token(strict_house, approved=False)).registered()
    officer_sets(registrant, purposes=["login", "e-tax"])
    assert members(registrant.reads())["registration_status"] == "approved"
    assert registrant.changes().status_code == 200
    assert (registrant.told["registration_status"], registrant.told["purposes"]) == ("pending", ["login", "e-tax"])


@pytest.mark.spec("RG-06", "RG-08")
def test_a_change_takes_nothing_away_that_an_officer_has_said(house: House) -> None:
    registrant = Registrant(house).registered()
    said: dict[str, Any] = {
        "sandbox": True,
        "sector_identifier": "agency.example",
        "resources": [API],
        "resources_served": [f"{API}/{registrant.told['client_id']}"],
        "authorization_details_types": ["vn_signing_request"],
        "loosened": ["no_pkce"],
        "owner": {"name#vi": "Bộ Ví dụ", "name#en": "Ministry of Examples"},
    }
    officer_sets(registrant, **said)
    mine = {"sandbox": False, "sector_identifier": "victim.example", "resources": [], "loosened": [], "owner": {}}
    for sent in (mine, {"client_name": "Cổng khác"}):
        assert registrant.changes(**sent).status_code == 200
        found = SqlRelyingParties(house.office.database).get(client_id=registrant.told["client_id"])
        assert found is not None
        assert {name: found.metadata.get(name) for name in said} == said


@pytest.mark.spec("RG-06", "RG-08")
def test_a_purpose_and_a_profile_beyond_its_token_stay_and_reach_no_further(strict_house: House) -> None:
    registrant = Registrant(strict_house, gives_token(strict_house))
    method: dict[str, Any] = {"token_endpoint_auth_method": "private_key_jwt", "jwks": registrant.jwks}
    registrant.registered(**method)
    beyond: dict[str, Any] = {"purposes": ["login", "e-tax"], "profile": "fapi2"}
    assert is_refused(registrant.changes(**method, **beyond), status=400, code="invalid_client_metadata")
    officer_sets(registrant, **beyond, id_token_signed_response_alg="ES256")
    for sent in ({}, beyond):
        assert registrant.changes(**method, **sent).status_code == 200
        assert {name: registrant.told[name] for name in beyond} == beyond
    beyond_that: tuple[dict[str, Any], ...] = ({"profile": "native"}, {"purposes": ["login", "health"]})
    for poison in beyond_that:
        assert is_refused(registrant.changes(**method, **poison), status=400, code="invalid_client_metadata")
    less: tuple[dict[str, Any], ...] = ({"purposes": ["e-tax"]}, beyond)
    for sent in less:
        assert registrant.changes(**method, **sent).status_code == 200
        assert registrant.told["purposes"] == sent["purposes"]


def test_what_tokens_are_exchanged_for_stays_for_as_long_as_the_grant_does(house: House) -> None:
    registrant = Registrant(house).registered()
    exchanging: dict[str, Any] = {"grant_types": ["authorization_code", TOKEN_EXCHANGE]}
    assert is_refused(registrant.changes(**exchanging), status=400, code="invalid_client_metadata")
    policy = {"resources": [API], "scopes": ["records"]}
    officer_sets(registrant, **exchanging, exchange=policy)
    assert registrant.changes(**exchanging, exchange={"resources": ["https://all.example"]}).status_code == 200
    assert registrant.told["exchange"] == policy
    assert registrant.changes().status_code == 200
    assert "exchange" not in registrant.told
    assert is_refused(registrant.changes(**exchanging), status=400, code="invalid_client_metadata")
