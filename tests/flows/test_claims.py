"""Claims asked for one by one: with wanted values, verified by the register, or under the former hub's names."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from idp import clock
from idp.ephemeral import Read
from idp.protocol.claims.verification import available
from tests.support.house import House, answered, members

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.valkey import ValkeyServer

FRAMEWORK = "vn_decree_69_2024"
LICENCE = "openid service:driving-licence"
VERIFIED = {"verification": {"trust_framework": None}, "claims": {"name": None, "birthdate": None}}
SOURCE = "National Population Database"


def evidence(**members: Any) -> dict[str, Any]:
    """Ask for evidence of the one kind that is here, with these members."""
    return {"trust_framework": None, "evidence": [{"type": {"value": "electronic_record"}, **members}]}


def nested(deep: int) -> dict[str, Any]:
    """Ask for something that lies deep."""
    return {"value": "x"} if deep == 0 else {"inside": nested(deep - 1)}


def told(house: House, *ticked: str, **claims: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Log a citizen in with a claims parameter; return the ID token's claims and userinfo's."""
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    tokens = citizen.gives_tokens(portal, *ticked, scope=LICENCE, claims=json.dumps(claims))
    return tokens.id_token, members(portal.asks_userinfo(tokens.access))


def refused(house: House, claims: Any) -> str:
    """Push a request with a claims parameter that is not taken; return the error."""
    answer = house.registers_portal().pushes(claims=claims if isinstance(claims, str) else json.dumps(claims))
    assert answer.status_code == 400
    return str(members(answer)["error"])


def test_a_claim_with_a_wanted_value_is_told_when_the_value_is_the_citizens(house: House) -> None:
    id_token, userinfo = told(
        house,
        userinfo={"name": {"value": "Nguyễn Thị Hoa"}},
        id_token={"birthdate": {"values": ["1950", "1941"], "essential": True}},
    )
    assert userinfo["name"] == "Nguyễn Thị Hoa"
    assert id_token["birthdate"] == "1941"


def test_a_claim_with_another_wanted_value_is_left_out_and_the_rest_is_told(house: House) -> None:
    id_token, userinfo = told(
        house,
        userinfo={"name": {"value": "Trần Văn Nam"}},
        id_token={"birthdate": {"values": ["1950"]}, "name": None},
    )
    assert "name" not in userinfo
    assert "account_level" in userinfo
    assert "birthdate" not in id_token
    assert id_token["name"] == "Nguyễn Thị Hoa"


@pytest.mark.parametrize(
    "claims",
    [
        "[]",
        "{",
        {"userinfo": []},
        {"userinfo": {"name": "Hoa"}},
        {"userinfo": {"name": {"values": "Hoa"}}},
        {"userinfo": {"verified_claims": None}},
        {"userinfo": {"verified_claims": []}},
        {"userinfo": {"verified_claims": [VERIFIED] * 6}},
        {"userinfo": {"verified_claims": {"claims": {"name": None}}}},
        {"userinfo": {"verified_claims": {"verification": {}, "claims": {"name": None}}}},
        {"userinfo": {"verified_claims": {"verification": {"trust_framework": None}, "claims": {}}}},
        {"userinfo": {"verified_claims": {"verification": {"trust_framework": "x"}, "claims": {"name": None}}}},
        {"userinfo": {"verified_claims": {**VERIFIED, "verification": {"trust_framework": None, "evidence": {}}}}},
        *(
            {"userinfo": {"verified_claims": {**VERIFIED, "verification": verification}}}
            for verification in (
                {"trust_framework": None, "time": {"max_age": "1"}},
                {"trust_framework": None, "time": {"max_age": -1}},
                {"trust_framework": None, "other": {"max_age": True}},
                {"trust_framework": None, "other": [{"values": "x"}]},
                {"trust_framework": None, "other": nested(9)},
            )
        ),
    ],
)
def test_a_claims_parameter_that_is_none_is_refused_and_nothing_is_kept(house: House, claims: Any) -> None:
    assert refused(house, claims) == "invalid_request"


def test_verified_claims_say_by_which_rules_and_nothing_that_was_not_asked_for(house: House) -> None:
    _, userinfo = told(house, userinfo={"verified_claims": VERIFIED})
    assert userinfo["verified_claims"] == {
        "verification": {"trust_framework": FRAMEWORK},
        "claims": {"name": "Nguyễn Thị Hoa", "birthdate": "1941"},
    }


def test_verified_claims_bring_the_registers_evidence_time_and_account_level_where_asked(house: House) -> None:
    asked = {
        "verification": {
            "trust_framework": {"value": FRAMEWORK},
            "time": {"max_age": 3600},
            "assurance_level": {"values": ["02"]},
            "evidence": [{"type": {"value": "electronic_record"}, "record": None}],
        },
        "claims": {"name": {"value": "Nguyễn Thị Hoa"}},
    }
    id_token, _ = told(house, id_token={"verified_claims": [asked]})
    verification = id_token["verified_claims"]["verification"]
    assert verification["assurance_level"] == "02"
    source = {"name": SOURCE, "country_code": "VN"}
    record = {"type": "population_register", "source": source}
    assert verification["evidence"] == [{"type": "electronic_record", "record": record}]
    confirmed = datetime.fromisoformat(verification["time"])
    assert 0 <= (clock.now() - confirmed).total_seconds() < 600


def test_where_nobody_knows_when_the_register_confirmed_it_no_time_is_told(house: House) -> None:
    for at, times in ((None, set()), (clock.now(), {"time"})):
        said = available(register=house.settings.register, confirmed_at=at)
        assert said.keys() & {"time"} == said["evidence"][0].keys() & {"time"} == times


@pytest.mark.parametrize(
    "verification",
    [
        {"trust_framework": {"value": "de_aml"}},
        {"trust_framework": {"values": ["de_aml", "eidas"]}},
        {"trust_framework": None, "evidence": [{"type": {"value": "document"}}]},
        {"trust_framework": None, "assurance_level": {"value": "03"}},
        {"trust_framework": None, "time": {"max_age": 0}},
        {"trust_framework": None, "time": {"value": "2020-01-01T00:00:00Z"}},
        {"trust_framework": {"value": FRAMEWORK, "values": ["de_aml"]}},
        {"trust_framework": {"max_age": 3600}},
        {"trust_framework": None, "assurance_process": {"policy": {"value": "gold"}}},
        {"trust_framework": None, "assurance_process": {"policy": {"value": None}}},
        {"trust_framework": None, "assurance_process": {"assurance_details": [{"assurance_type": {"values": ["x"]}}]}},
        {"trust_framework": None, "verified_at": {"max_age": 3600}},
        evidence(record={"type": {"value": "bank_account"}}),
        evidence(record={"source": {"country_code": {"values": ["DE", "FR"]}}}),
        evidence(time={"max_age": 0}),
        evidence(check_details=[{"check_method": {"value": "vpip"}}]),
    ],
)
def test_verified_claims_under_conditions_that_do_not_hold_are_left_out(
    house: House, verification: dict[str, Any]
) -> None:
    _, userinfo = told(house, userinfo={"verified_claims": {**VERIFIED, "verification": verification}})
    assert "verified_claims" not in userinfo
    assert userinfo["sub"]


def test_of_several_verified_claims_each_that_can_be_given_is_with_its_own_verification(house: House) -> None:
    foreign = {"verification": {"trust_framework": {"value": "de_aml"}}, "claims": {"name": None}}
    too_old = {"verification": {"trust_framework": None, "time": {"max_age": 0}}, "claims": {"name": None}}
    ours = {"verification": {"trust_framework": {"value": FRAMEWORK}}, "claims": {"birthdate": None, "name": None}}
    level = {"verification": {"trust_framework": None, "assurance_level": None}, "claims": {"name": None}}
    id_token, userinfo = told(
        house,
        userinfo={"verified_claims": [foreign, too_old, ours, level]},
        id_token={"verified_claims": [too_old, ours, foreign]},
    )
    of_ours = {
        "verification": {"trust_framework": FRAMEWORK},
        "claims": {"birthdate": "1941", "name": "Nguyễn Thị Hoa"},
    }
    of_level = {
        "verification": {"trust_framework": FRAMEWORK, "assurance_level": "02"},
        "claims": {"name": "Nguyễn Thị Hoa"},
    }
    assert userinfo["verified_claims"] == [of_ours, of_level]
    assert id_token["verified_claims"] == of_ours


def test_a_verified_claim_with_another_wanted_value_is_left_out_alone(house: House) -> None:
    claims = {"name": {"value": "Trần Văn Nam"}, "birthdate": {"values": ["1941"]}, "account_level": {"max_age": 1}}
    _, userinfo = told(house, userinfo={"verified_claims": {**VERIFIED, "claims": claims}})
    assert userinfo["verified_claims"]["claims"] == {"birthdate": "1941"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"record": {"type": {"value": "population_register"}}}, {"record": {"type": "population_register"}}),
        (
            {"record": {"source": {"country_code": {"values": ["VN", "LA"]}}}, "check_details": [{"txn": None}]},
            {"record": {"type": "population_register", "source": {"name": SOURCE, "country_code": "VN"}}},
        ),
        ({"document_details": {"type": None}}, {}),
        ({}, {}),
    ],
)
def test_of_the_evidence_nothing_is_said_that_was_not_asked_for(
    house: House, asked: dict[str, Any], said: dict[str, Any]
) -> None:
    other = {"type": {"value": "document"}, "time": None}
    verification = evidence(**asked)
    verification["evidence"].append(other)
    _, userinfo = told(house, userinfo={"verified_claims": {**VERIFIED, "verification": verification}})
    assert userinfo["verified_claims"]["verification"] == {
        "trust_framework": FRAMEWORK,
        "evidence": [{"type": "electronic_record", **said}],
    }


def test_the_time_of_the_evidence_is_told_where_it_is_asked_for_and_young_enough(house: House) -> None:
    verification = evidence(time={"max_age": 3600.5})
    _, userinfo = told(house, userinfo={"verified_claims": {**VERIFIED, "verification": verification}})
    (one,) = userinfo["verified_claims"]["verification"]["evidence"]
    assert 0 <= (clock.now() - datetime.fromisoformat(one["time"])).total_seconds() < 600
    assert set(one) == {"type", "time"}


def test_a_verified_claim_that_the_purpose_does_not_hold_or_nobody_agreed_to_is_not_told(house: House) -> None:
    asked = {"verification": {"trust_framework": None}, "claims": {"gender": None, "former_number": None, "name": None}}
    _, userinfo = told(house, userinfo={"verified_claims": asked})
    assert userinfo["verified_claims"]["claims"] == {"name": "Nguyễn Thị Hoa"}


def test_wanted_values_do_not_lie_about_in_the_memory(house: House) -> None:
    portal = house.registers_portal()
    claims = json.dumps({"userinfo": {"name": {"value": "Nguyễn Thị Hoa"}}})
    uri = members(portal.pushes(claims=claims))["request_uri"]
    (kept,) = house.services.provider.ephemeral.wave(Read("par:" + uri.rpartition(":")[2]))
    assert kept is not None
    assert b"claims_wanted" in kept
    assert "Nguyễn".encode() not in kept
    assert b"Nguy\\u" not in kept


@pytest.mark.spec("AZ-22")
def test_an_essential_level_that_is_not_offered_is_refused_and_one_that_is_reached_is_told(house: House) -> None:
    claims = {"id_token": {"acr": {"essential": True, "values": ["urn:nobody:level"]}}}
    assert refused(house, claims) == "unmet_authentication_requirements"
    id_token, _ = told(house, id_token={"acr": {"essential": True, "values": ["LoA2"]}})
    assert id_token["acr"] == "LoA2"


def test_the_level_that_a_portal_registered_is_asked_for_where_its_request_names_none(house: House) -> None:
    portal = house.registers_portal(default_acr_values=["LoA3"])
    citizen = house.logs_in_directly()
    stepped = citizen.opens(portal.asks())
    assert "/login?tx=" in stepped.headers["Location"]
    assert "code=" in citizen.arrives(portal.asks(acr_values="LoA2")).headers["Location"]


def test_the_former_hubs_names_are_told_beside_ours_where_the_deployment_wants_it(
    tmp_path: Path, own_valkey: ValkeyServer
) -> None:
    house = House.build(folder=tmp_path, redis_url=own_valkey.url, SEN_REGISTER__LEGACY_CLAIMS="true")
    portal = house.registers_portal(scope="openid vn_legacy")
    citizen = house.logs_in_directly()
    tokens = citizen.gives_tokens(portal, scope=f"{LICENCE} vn_legacy")
    userinfo = members(portal.asks_userinfo(tokens.access))
    assert userinfo["HoVaTen"] == userinfo["name"] == "Nguyễn Thị Hoa"
    assert userinfo["SoDinhDanh"] == userinfo["personal_number"]
    assert userinfo["NgayThangNamSinh"] == "19410000"
    assert userinfo["LoaiTaiKhoan"] == "1"
    assert uuid.UUID(userinfo["TechID"]).version == 5
    assert "GioiTinh" not in userinfo  # the purpose does not ask for it
    assert "DiaChi" not in userinfo  # optional, and not ticked
    again = members(portal.asks_userinfo(citizen.gives_tokens(portal, scope=f"{LICENCE} vn_legacy").access))
    assert again["TechID"] == userinfo["TechID"]
    assert "vn_legacy" in members(portal.http.get("/.well-known/openid-configuration"))["scopes_supported"]


def test_the_former_hubs_names_are_not_told_by_default(house: House) -> None:
    portal = house.registers_portal(scope="openid vn_legacy")
    login = portal.asks(scope=f"{LICENCE} vn_legacy")
    response = login.redeem(house.logs_in_directly().arrives(login))
    assert members(response)["scope"] == LICENCE
    assert "TechID" not in members(portal.asks_userinfo(members(response)["access_token"]))


def test_a_resource_that_wants_a_higher_level_gets_a_real_step_up_or_a_refusal(house: House) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    citizen.gives_tokens(portal)
    login = portal.asks(acr_values="LoA3", max_age="300")
    assert "/login?tx=" in citizen.opens(login).headers["Location"]
    silent = answered(citizen.opens(portal.asks(acr_values="LoA3", prompt="none")))
    assert silent["error"] == "login_required"
