"""Relying parties register themselves, log a citizen in, and read, change and end what they registered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.support.foreign.receiver import Receiver, says_json
from tests.support.foreign.registrant import REDIRECT, Registrant, gives_token, moves, public_jwk
from tests.support.house import House, later, members
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.valkey import ValkeyServer

CHANGED = "https://portal.example/elsewhere"


@pytest.fixture(scope="module")
def closed_house(tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer) -> Iterator[House]:
    """Give a house where nobody registers without a token."""
    folder = tmp_path_factory.mktemp("closed")
    house = House.build(folder=folder, redis_url=lone_valkey.url, SEN_REGISTRATION__OPEN="false")
    yield house
    house.close()


def works(registrant: Registrant) -> bool:
    """Tell whether a citizen can be logged in at a relying party."""
    citizen, portal = registrant.house.logs_in_directly(), registrant.as_portal()
    login = portal.asks()
    if registrant.house.services.provider.directory.find(portal.client_id) is None:
        assert citizen.opens(login).status_code == 400
        return False
    return login.redeem(citizen.arrives(login)).status_code == 200


def test_what_is_registered_openly_in_development_works_at_once(any_house: House) -> None:
    registrant = Registrant(any_house).registered()
    told = registrant.told
    assert re.fullmatch(r"rp-[0-9a-f-]{36}", told["client_id"])
    assert told["registration_client_uri"].endswith(f"/register?client_id={told['client_id']}")
    assert {name: told[name] for name in ("redirect_uris", "client_name")} == registrant.metadata
    assert told["token_endpoint_auth_method"] == "client_secret_basic"
    assert told["id_token_signed_response_alg"] == "RS256"
    assert (told["grant_types"], told["response_types"]) == (["authorization_code"], ["code"])
    assert (told["application_type"], told["subject_type"], told["profile"]) == ("web", "pairwise", "web")
    assert (told["client_secret_expires_at"], told["registration_status"]) == (0, "approved")
    assert told["client_id_issued_at"] > 1_700_000_000
    assert len(told["client_secret"]) >= 43
    assert works(registrant)


def test_unknown_members_are_passed_over_and_null_counts_as_absent(house: House) -> None:
    told = Registrant(house).registered(colour="red", **{"client_name#vi": "Cổng", "client_uri": None}).told
    assert "colour" not in told
    assert told["client_name#vi"] == "Cổng"


@pytest.mark.parametrize(
    ("metadata", "method"),
    [
        ({"profile": "fapi2"}, "private_key_jwt"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "private_key_jwt"),
        ({"application_type": "native", "redirect_uris": ["http://127.0.0.1/cb"]}, "none"),
    ],
)
def test_each_profile_has_its_own_usual_values(house: House, metadata: dict[str, Any], method: str) -> None:
    registrant = Registrant(house)
    told = registrant.registered(jwks=registrant.jwks if method == "private_key_jwt" else None, **metadata).told
    assert told["token_endpoint_auth_method"] == method
    assert ("client_secret" in told and bool(told["client_secret"])) is False
    assert "client_secret_expires_at" not in told


def test_all_that_openid_connect_registration_knows_is_taken(house: House) -> None:
    registrant = Registrant(house)
    more: dict[str, Any] = {
        "contacts": ["it@portal.example"],
        "logo_uri": "https://portal.example/logo.png",
        "policy_uri": "https://portal.example/policy",
        "policy_uri#en": "https://portal.example/en/policy",
        "tos_uri": "https://portal.example/tos",
        "client_uri": "https://portal.example/",
        "initiate_login_uri": "https://portal.example/login",
        "request_uris": ["https://portal.example/request.jwt#abc"],
        "post_logout_redirect_uris": ["https://portal.example/bye"],
        "backchannel_logout_uri": "https://portal.example/logout",
        "frontchannel_logout_uri": "https://portal.example/front",
        "userinfo_signed_response_alg": "RS256",
        "request_object_signing_alg": "RS256",
        "default_max_age": 3600,
        "require_auth_time": True,
        "subject_type": "public",
        "grant_types": ["authorization_code", "refresh_token"],
        "jwks": registrant.jwks,
        "software_id": "4NRB1-0XZABZI9E6-5SM3R",
        "software_version": "2.1",
    }
    told = registrant.registered(**more).told
    assert {name: told[name] for name in more} == more
    assert told["scope"].split()[-1] == "offline_access"


def test_a_token_opens_a_closed_house_and_says_what_may_be_registered(closed_house: House) -> None:
    token = gives_token(closed_house, profiles=("fapi2", "web"), purposes=("login", "e-tax"), uses=2)
    assert Registrant(closed_house).registers().status_code == 401
    first = Registrant(closed_house, token).registered(profile="web")
    assert first.told["purposes"] == ["login", "e-tax"]
    assert works(first)
    assert Registrant(closed_house, token).registered(profile="web", purposes=["e-tax"]).told["purposes"] == ["e-tax"]
    assert Registrant(closed_house, token).registers(profile="web").status_code == 401


def test_who_was_not_approved_beforehand_waits_for_an_officer(closed_house: House) -> None:
    registrant = Registrant(closed_house, gives_token(closed_house, approved=False)).registered()
    assert registrant.told["registration_status"] == "pending"
    assert not works(registrant)
    moves(closed_house, registrant.told["client_id"], status="approved")
    assert works(registrant)
    moves(closed_house, registrant.told["client_id"], status="suspended")
    assert not works(registrant)
    assert members(registrant.reads())["registration_status"] == "suspended"


def test_a_registration_is_read_changed_and_ended_by_its_token(any_house: House) -> None:
    registrant = Registrant(any_house).registered()
    first = registrant.told
    read = members(registrant.reads())
    assert read == {name: value for name, value in first.items() if name != "client_secret"}
    assert registrant.changes(redirect_uris=[CHANGED], client_secret=first["client_secret"]).status_code == 200
    changed = registrant.told
    assert changed["redirect_uris"] == [CHANGED]
    assert changed["registration_access_token"] != first["registration_access_token"]
    assert "client_name" in changed
    assert registrant.reads(token=first["registration_access_token"]).status_code == 401
    assert works(registrant)
    assert registrant.ends().status_code == 204
    assert registrant.reads().status_code == 401
    assert not works(registrant)


def test_what_a_change_leaves_out_is_gone_but_never_the_names_by_which_citizens_are_known(house: House) -> None:
    registrant = Registrant(house).registered(contacts=["it@portal.example"], subject_type="public")
    assert registrant.changes().status_code == 200
    assert "contacts" not in registrant.told
    assert registrant.told["subject_type"] == "public", "another sub would be another person to the portal"
    assert members(registrant.changes(subject_type="pairwise"))["subject_type"] == "pairwise"


def test_a_change_of_method_makes_a_secret_or_takes_it_away(house: House) -> None:
    registrant = Registrant(house).registered()
    secret = registrant.told["client_secret"]
    assert registrant.changes(token_endpoint_auth_method="private_key_jwt", jwks=registrant.jwks).status_code == 200
    assert "client_secret_expires_at" not in registrant.told
    assert works(registrant)
    assert registrant.changes(token_endpoint_auth_method="client_secret_basic").status_code == 200
    assert registrant.told["client_secret"] not in {"", secret}
    assert works(registrant)


@pytest.mark.spec("RG-06")
@pytest.mark.parametrize("what", ["redirect_uris", "jwks"])
def test_what_was_pending_ends_when_addresses_or_keys_change(any_house: House, what: str) -> None:
    registrant = Registrant(any_house)
    registrant.registered(token_endpoint_auth_method="private_key_jwt", jwks=registrant.jwks)
    citizen, portal = any_house.logs_in_directly(), registrant.as_portal()
    coded, pushed, waiting = portal.asks(), portal.asks().pushed(), portal.asks(prompt="login")
    code = citizen.arrives(coded)
    page = citizen.opens(waiting).headers["Location"]
    assert citizen.browser.get(page).status_code == 200
    more: dict[str, Any] = {"redirect_uris": [REDIRECT, CHANGED]} if what == "redirect_uris" else {}
    if what == "jwks":
        portal.key = registrant.key = Registrant(any_house).key
    changed = registrant.changes(token_endpoint_auth_method="private_key_jwt", jwks=registrant.jwks, **more)
    assert changed.status_code == 200, changed.text
    assert members(coded.redeem(code))["error"] == "invalid_grant"
    assert citizen.opens(pushed).status_code == 400
    assert citizen.browser.get(page).status_code == 400
    fresh = portal.asks()
    assert fresh.redeem(citizen.arrives(fresh)).status_code == 200


def test_what_was_pending_lives_on_when_something_else_changes(house: House) -> None:
    registrant = Registrant(house).registered()
    citizen, portal = house.logs_in_directly(), registrant.as_portal()
    login, pushed = portal.asks(), portal.asks().pushed()
    code = citizen.arrives(login)
    assert registrant.changes(client_name="Cổng khác").status_code == 200
    assert login.redeem(code).status_code == 200
    assert pushed.redeem(citizen.arrives(pushed)).status_code == 200


@pytest.mark.spec("CA-10")
def test_what_a_relying_party_holds_lives_on_after_a_new_key(house: House) -> None:
    registrant = Registrant(house)
    method = {"token_endpoint_auth_method": "private_key_jwt"}
    registrant.registered(jwks=registrant.jwks, grant_types=["authorization_code", "refresh_token"], **method)
    portal = registrant.as_portal()
    tokens = house.logs_in_directly().gives_tokens(portal)
    former, portal.key = portal.key, Registrant(house).key
    registrant.key = portal.key
    grants = ["authorization_code", "refresh_token"]
    assert registrant.changes(jwks=registrant.jwks, grant_types=grants, **method).status_code == 200
    assert portal.refreshes(tokens.refresh).status_code == 200
    portal.key = former
    assert members(portal.refreshes(tokens.refresh))["error"] == "invalid_client"


@pytest.mark.spec("ID-02", "RG-03")
def test_a_sector_that_lists_every_redirect_address_makes_the_sub(house: House) -> None:
    addresses = ["https://one.example/cb", "https://two.example/cb"]
    subjects = set()
    with Receiver(sector=says_json([*addresses, REDIRECT])) as receiver:
        for uris in (addresses, [REDIRECT]):
            sector = receiver.url("/sector", host="localhost")
            registrant = Registrant(house).registered(redirect_uris=uris, sector_identifier_uri=sector)
            client = house.services.provider.directory.find(registrant.told["client_id"])
            assert client is not None
            subjects.add(client.sector)
    assert subjects == {"localhost"}
    refused = Registrant(house).registers(redirect_uris=addresses)
    assert (refused.status_code, members(refused)["error"]) == (400, "invalid_client_metadata")
    assert Registrant(house).registers(redirect_uris=addresses, subject_type="public").status_code == 201


@pytest.mark.spec("CA-07", "CA-10")
def test_a_published_key_set_is_fetched_once_and_again_for_a_new_key(any_house: House) -> None:
    registrant = Registrant(any_house)
    with Receiver(jwks=says_json(registrant.jwks)) as receiver:
        registrant.registered(jwks_uri=receiver.url("/jwks"), token_endpoint_auth_method="private_key_jwt")
        portal, citizen = registrant.as_portal(), any_house.logs_in_directly()
        assert receiver.asked == []
        for _ in range(3):
            login = portal.asks().pushed()
            assert login.redeem(citizen.arrives(login)).status_code == 200
        assert len(receiver.asked) == 1
        portal.key = Registrant(any_house).key
        receiver.answers["/jwks"] = says_json({"keys": [public_jwk(portal.key, kid="k2")]})
        for expected in (201, 201):
            assert portal.post("/par", **portal.asks().parameters).status_code == 401  # signed as k1
            renewed = portal.assertion(headers={"kid": "k2"})
            form = {**portal.asks().parameters, "client_assertion": renewed}
            assert portal.post("/par", **form).status_code == expected
        assert len(receiver.asked) == 2


def test_a_published_key_set_serves_on_for_a_while_and_not_for_ever(house: House) -> None:
    registrant = Registrant(house)
    with Receiver(jwks=says_json(registrant.jwks, "Cache-Control: max-age=600")) as receiver:
        registrant.registered(jwks_uri=receiver.url("/jwks"), token_endpoint_auth_method="private_key_jwt")
        portal = registrant.as_portal()
        assert portal.pushes().status_code == 201
    statuses = {}
    for seconds in (500, 700, 5000, 7300):
        with later(seconds):
            statuses[seconds] = portal.pushes().status_code
    assert statuses == {500: 201, 700: 201, 5000: 201, 7300: 401}


def test_the_operator_hands_out_a_token_and_approves(any_house: House) -> None:
    storage = any_house.settings.storage
    folder: Path = any_house.settings.data_file("purposes.toml").parent
    terminal = Terminal(
        folder, redis_url=storage.redis_url, environ={"SEN_STORAGE__DATABASE_URL": storage.database_url}
    )
    asks = ("client", "token", "--owner", "Bộ Thử nghiệm", "--owner", "Ministry of Tests")
    wrong = terminal.types(*asks, "--purpose", "nothing", "--profile", "nobody")
    assert wrong.status == 1
    assert "There is no profile nobody. There is no purpose nothing." in wrong.err
    made = terminal.types(*asks, "--purpose", "login", "--profile", "web", "--days", "3")
    assert made.status == 0, made.err
    token_id, token = re.findall(r": (\S+)", made.out)
    more = terminal.types(*asks, "--purpose=login", "--profile=web", "--allow=approved", "--allow=public-subject").out
    public = Registrant(any_house, more.split()[-1]).registered(subject_type="public").told
    assert (public["subject_type"], public["registration_status"]) == ("public", "approved")
    registrant = Registrant(any_house, token).registered(client_name="Cổng Сông")
    client_id = registrant.told["client_id"]
    listed = terminal.types("client", "list").out
    assert re.search(rf"{client_id}\s+web\s+pending\s+-\s+Cổng Сông \(!\)", listed), listed
    seen = orjson.loads(terminal.types("client", "show", client_id).out)
    assert seen["owner"]["name#en"] == "Ministry of Tests"
    assert registrant.changes(client_name="Cổng khác").status_code == 200
    as_seen = ("client", "approve", client_id, "--fingerprint")
    assert "look at it again" in terminal.types(*as_seen, seen["fingerprint"]).err
    seen = orjson.loads(terminal.types("client", "show", client_id).out)
    assert terminal.types(*as_seen, seen["fingerprint"]).out == f"Approved: {client_id}.\n"
    assert terminal.types("client", "suspend", client_id, "--reason", "case 7").status == 0
    assert terminal.types("client", "end", client_id, "--reason", "case 7").status == 0
    assert terminal.types("client", "approve", client_id).status == 1
    tokens = terminal.types("client", "tokens").out
    assert (token_id in tokens, token in tokens, "approved, public-subject" in tokens) == (True, False, True)
    assert terminal.types("client", "end-token", token_id, "--reason", "lost").status == 0
    assert terminal.types("client", "end-token", token_id, "--reason", "lost").status == 1
