"""What is registered that must not be: addresses, keys, names, and what is not its own to say."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

import pytest

from idp.relying_parties.profiles import CIBA, DEVICE_CODE
from tests.support.foreign.receiver import Receiver, says_json
from tests.support.foreign.registrant import (
    REDIRECT,
    Registrant,
    count_registered,
    gives_token,
    is_refused,
    moves,
    officer_sets,
    public_jwk,
    sector_of,
)
from tests.support.house import House, members

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.valkey import ValkeyServer


Poison = dict[str, Any]


@pytest.mark.spec("AZ-04", "RG-02")
@pytest.mark.parametrize(
    "uri",
    [
        "http://portal.example/cb", "https://portal.example/cb#part", "https://portal.example/*", "javascript:alert(1)",
        "data:text/html,x", "portal.example:/cb", "https://user@portal.example/cb", "https:///cb",
        "//portal.example/cb",
        "https://10.0.0.1/cb", "https://8.8.8.8/cb", "https://[2606:4700::1111]/cb", "https://2130706433/cb",
        "https://localhost/cb", "https://portal.example/ cb", "https://portal.example\\@thief.example/",
        "https://portal.example:0/cb", "https://pórtal.example/cb", "https://portal.example/" + "a" * 2048, "",
        "http://127.0.0.1/cb", "https://portal.example:99999/", "https://[::1", "https://portal.example;sandbox/cb",
        "https://portal.example,thief.example/cb", "https://'self'/cb", "https://portal.example%00/cb",
    ],
)  # fmt: skip
def test_an_address_that_is_not_fit_is_not_registered(strict_house: House, uri: str) -> None:
    before, token = count_registered(strict_house), gives_token(strict_house)
    for redirect_uris in ([uri], [REDIRECT, uri]):
        refused = Registrant(strict_house, token).registers(redirect_uris=redirect_uris)
        assert is_refused(refused, status=400, code="invalid_redirect_uri")
    others = ("post_logout_redirect_uris", "backchannel_logout_uri", "jwks_uri", "sector_identifier_uri", "logo_uri")
    for name in others if uri else ():
        value = [uri] if name.endswith("s") else uri
        refused = Registrant(strict_house, token).registers(**{name: value})
        assert is_refused(refused, status=400, code="invalid_client_metadata")
        assert name in members(refused)["error_description"]
    assert count_registered(strict_house) == before
    assert Registrant(strict_house, token).registers().status_code == 201


def test_every_broken_rule_is_named_at_once(house: House) -> None:
    refused = Registrant(house).registers(
        redirect_uris=["http://portal.example/cb"],
        response_types=["token"],
        grant_types=["implicit"],
        subject_type="secret",
        id_token_signed_response_alg="none",
        client_name="a\u202eb",
        tos_uri="javascript:alert(1)",
        contacts=5,
        default_max_age="3600",
        require_auth_time="yes",
    )
    assert is_refused(refused, status=400, code="invalid_redirect_uri")
    said = members(refused)["error_description"]
    for name in ("redirect_uris", "response_types", "grant_types", "subject_type", "id_token_signed_response_alg",
                 "client_name", "tos_uri", "contacts", "default_max_age", "require_auth_time"):  # fmt: skip
        assert f"{name}: " in said, said
    for seconds in (-1, 0.5, True):
        refused = Registrant(house).registers(default_max_age=seconds)
        assert is_refused(refused, status=400, code="invalid_client_metadata"), seconds


def _weak(key: dict[str, Any], **changes: Any) -> Poison:
    return {"jwks": {"keys": [{**key, **changes}]}, "token_endpoint_auth_method": "private_key_jwt"}


@pytest.mark.spec("JW-12", "CA-02")
@pytest.mark.parametrize(
    "poison",
    ["private", "symmetric", "off the curve", "small modulus", "beside jwks_uri", "none", "no certificate",
     "certificate of no bytes", "certificate of no text"],
)  # fmt: skip
def test_keys_that_must_not_be_relied_on_are_not_registered(house: House, poison: str) -> None:
    registrant = Registrant(house)
    good = public_jwk(registrant.key)
    poisons: dict[str, Poison] = {
        "private": _weak(good, d=good["x"]),
        "symmetric": _weak({"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}),
        "off the curve": _weak(good, y=good["x"]),
        "small modulus": _weak({"kty": "RSA", "n": "wVzRgJCDVsBJCqCrqS4P2w", "e": "AQAB"}),
        "beside jwks_uri": {**_weak(good), "jwks_uri": "https://portal.example/jwks"},
        "none": {"token_endpoint_auth_method": "private_key_jwt"},
        "no certificate": {**_weak(good), "token_endpoint_auth_method": "self_signed_tls_client_auth"},
        "certificate of no bytes": _weak(good, x5c=["%"]),
        "certificate of no text": _weak(good, x5c=[5]),
    }
    refused = registrant.registers(**poisons[poison])
    assert is_refused(refused, status=400, code="invalid_client_metadata")
    assert "jwks" in members(refused)["error_description"]
    assert registrant.registers(**_weak(good)).status_code == 201


@pytest.mark.spec("RG-04", "RG-08")
def test_what_is_not_its_own_to_say_is_not_heard(strict_house: House) -> None:
    token = gives_token(strict_house, uses=9)
    victim = Registrant(strict_house, token).registered()
    said: dict[str, Any] = {
        "client_id": victim.told["client_id"],
        "client_secret": "chosen-by-me",
        "owner": {"name#vi": "Bộ Công an"},
        "loosened": ["no_pkce"],
        "sandbox": True,
        "resources": ["https://api.example"],
        "sector_identifier": "victim.example",
        "registration_access_token": "mine",
    }
    told = Registrant(strict_house, token).registered(**said).told
    assert {told.get(name) == value for name, value in said.items()} == {False}
    stored = strict_house.services.provider.directory.find(told["client_id"])
    assert stored is not None
    assert (stored.owner["vi"], stored.loosened, stored.sector) == (
        "Cơ quan thử nghiệm",
        frozenset(),
        "portal.example",
    )
    for beyond in ({"profile": "native"}, {"purposes": ["login", "e-tax"]}, {"profile": "nobody"}, {"purposes": "x"}):
        refused = Registrant(strict_house, token).registers(**beyond)
        assert is_refused(refused, status=400, code="invalid_client_metadata")
    assert Registrant(strict_house, token).registers(profile="web", purposes=["login"]).status_code == 201


@pytest.mark.spec("ID-02", "RG-03")
@pytest.mark.parametrize("grant", [DEVICE_CODE, CIBA])
def test_who_is_answered_without_a_redirect_sees_no_sub_of_another_portals_sector(house: House, grant: str) -> None:
    victim = Registrant(house).registered()
    thief: dict[str, Any] = {
        "grant_types": [grant],
        "backchannel_token_delivery_mode": "poll" if grant == CIBA else None,
    }
    with Receiver(sector=says_json([REDIRECT])) as receiver:
        sector = receiver.url("/sector", host="localhost")
        seen = [
            sector_of(Registrant(house).registered(**thief, **more))
            for more in (
                {},
                {"redirect_uris": None, "sector_identifier_uri": sector},
                {"sector_identifier_uri": sector},
            )
        ]
    honest = Registrant(house).registered()
    assert honest.changes(grant_types=["authorization_code", DEVICE_CODE]).status_code == 200
    seen.append(sector_of(honest))
    assert sector_of(victim) == "portal.example"
    assert len(set(seen)) == len(seen)
    assert {"portal.example", "localhost"}.isdisjoint(seen)


def test_a_registration_that_a_later_rule_breaks_is_mended_by_its_own_change(house: House) -> None:
    registrant = Registrant(house).registered()
    officer_sets(registrant, purposes=["abolished", "login"])
    assert registrant.changes(purposes=["abolished"]).status_code == 400
    assert registrant.changes(purposes=["login"]).status_code == 200
    assert registrant.changes().status_code == 200
    assert registrant.told["purposes"] == ["login"]


def test_a_change_that_is_not_its_own_changes_nothing(house: House) -> None:
    registrant, other = Registrant(house).registered(), Registrant(house).registered()
    before = members(registrant.reads())
    for poison in (
        {"client_id": other.told["client_id"]},
        {"client_id": None},
        {"client_secret": "another"},
        {"client_secret": other.told["client_secret"]},
        {"client_secret": 5},
        {"registration_access_token": before["registration_access_token"]},
        {"client_id_issued_at": 1},
        {"client_secret_expires_at": 0},
    ):
        assert is_refused(registrant.changes(**poison), status=400, code="invalid_request")
    assert is_refused(registrant.changes(redirect_uris=[]), status=400, code="invalid_redirect_uri")
    assert members(registrant.reads()) == before
    assert registrant.changes(client_secret=registrant.told["client_secret"]).status_code == 200


@pytest.mark.spec("RG-07")
def test_a_name_that_may_mislead_waits_and_one_that_hides_is_refused(house: House) -> None:
    for misleading in ("Bộ Сông an", "Bộ Công аn", "Ｂộ Công an"):
        assert Registrant(house).registered(client_name=misleading).told["registration_status"] == "pending"
    for hiding in ("Bộ\u200bCông an", "\u202enA", "a\nb", "a" * 101):
        assert is_refused(Registrant(house).registers(client_name=hiding), status=400, code="invalid_client_metadata")
    for lookalike in ("Bộ Công \u0251n", "Bô\u0323\u0335 Công an", "Bộ C\u1d0fng an", "Dịch vụ công 12\u0663"):
        assert Registrant(house).registered(client_name=lookalike).told["registration_status"] == "pending"
    for honest in (
        "Sở Đất đai, tỉnh Đắk Lắk 2",
        unicodedata.normalize("NFD", "Cổng Dịch vụ công Quốc gia"),
        "Ångström",
    ):
        assert Registrant(house).registered(client_name=honest).told["registration_status"] == "approved"
    assert Registrant(house).registered(client_name="Bộ Công an").told["registration_status"] == "approved"
    approved = Registrant(house).registered()
    assert members(approved.changes(client_name="Bộ Сông an"))["registration_status"] == "pending"


@pytest.mark.spec("RG-07", "PAR-14")
def test_what_is_registered_is_escaped_on_pages_and_fetched_by_nobody(house: House) -> None:
    name = "<script>alert(1)</script>"
    with Receiver() as receiver:
        named = {name: receiver.url(f"/{name}") for name in ("logo_uri", "policy_uri", "tos_uri", "client_uri")}
        registrant = Registrant(house).registered(
            client_name=name, **named, request_uris=[receiver.url("/request")], jwks_uri=receiver.url("/jwks")
        )
        moves(house, registrant.told["client_id"], status="approved")
        citizen = house.logs_in_directly()
        page = citizen.browser.get(citizen.opens(registrant.as_portal().asks()).headers["Location"]).text
        assert name not in page
        assert "&lt;script&gt;" in page
        assert [one.path for one in receiver.asked if one.path != "/jwks"] == []


@pytest.mark.spec("RG-07")
def test_whom_nobody_has_vouched_for_is_not_shown_as_verified(house: House) -> None:
    vouched = Registrant(house, gives_token(house, approved=True)).registered()
    for registrant, said in ((vouched, "đã được"), (Registrant(house).registered(), "chưa được")):
        citizen = house.logs_in_directly()
        page = citizen.browser.get(citizen.opens(registrant.as_portal().asks()).headers["Location"]).text
        assert f"Đơn vị {said} xác minh" in page


@pytest.fixture(scope="module")
def odd_house(tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer) -> Iterator[House]:
    """Give a house of few algorithms that spares who registers openly PKCE."""
    odd = {"SEN_REGISTRATION__OPEN_LOOSENED": "no_pkce", "SEN_KEYS__ALGORITHMS": "ES256,EdDSA"}
    built = House.build(folder=tmp_path_factory.mktemp("odd"), redis_url=lone_valkey.url, **odd)
    yield built
    built.close()


@pytest.mark.spec("RG-01")
def test_no_answer_is_promised_in_an_algorithm_that_no_key_of_ours_is_for(odd_house: House) -> None:
    registrant = Registrant(odd_house)
    for member in ("id_token", "userinfo", "introspection", "authorization"):
        refused = registrant.registers(**{f"{member}_signed_response_alg": "RS256"})
        assert is_refused(refused, status=400, code="invalid_client_metadata")
        assert f"{member}_signed_response_alg: one of" in members(refused)["error_description"]
    assert registrant.registered().told["id_token_signed_response_alg"] == "ES256"
    portal, signed = registrant.as_portal(), {"Accept": "application/token-introspection+jwt"}
    assert portal.http.post("/introspect", data={"token": "x"}, headers=portal.basic() | signed).status_code == 200
    assert registrant.registered(id_token_signed_response_alg="EdDSA").told["registration_status"] == "approved"


def test_what_development_spares_it_spares_the_profile_web_alone(odd_house: House, house: House) -> None:
    registrant = Registrant(odd_house)
    assert registrant.registered().told["loosened"] == ["no_pkce"]
    assert "loosened" not in registrant.registered(profile="fapi2", jwks=registrant.jwks).told
    assert "loosened" not in Registrant(house).registered().told


def test_who_registers_a_machine_gets_no_citizen(house: House) -> None:
    registrant = Registrant(house)
    machine = {"profile": "machine", "redirect_uris": None, "jwks": registrant.jwks}
    told = registrant.registered(**machine).told
    assert (told["grant_types"], told["response_types"]) == (["client_credentials"], [])
    both = registrant.registers(**machine, grant_types=["client_credentials", "authorization_code"])
    assert is_refused(both, status=400, code="invalid_redirect_uri")
    assert "authorization_code is not offered" in members(both)["error_description"]


@pytest.mark.spec("ID-02")
def test_the_sub_that_others_have_is_had_only_where_the_token_says_so(strict_house: House) -> None:
    registrant = Registrant(strict_house, gives_token(strict_house))
    refused = members(registrant.registers(subject_type="public"))
    assert (refused["error"], "subject_type" in refused["error_description"]) == ("invalid_client_metadata", True)
    assert registrant.registered().told["subject_type"] == "pairwise"
    refused = members(registrant.changes(subject_type="public"))
    assert (refused["error"], registrant.told["subject_type"]) == ("invalid_client_metadata", "pairwise")
    allowed = Registrant(strict_house, gives_token(strict_house, public_subject=True))
    assert allowed.registered(subject_type="public").told["subject_type"] == "public"
    assert allowed.changes(subject_type="public").status_code == 200
