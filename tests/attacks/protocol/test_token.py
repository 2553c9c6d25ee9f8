"""Attacks on the token endpoint: codes used twice, late, by others, without their verifier; tokens in the stores."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from idp.audit.log import correlation
from idp.protocol.codes import CODE_KEY
from tests.support.house import House, answered, later, members
from tests.support.login.elsewhere import DEVICE, device_portal

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import Login, Portal, SignedIn
    from tests.support.valkey import ValkeyServer


def a_code(citizen: SignedIn, login: Login) -> str:
    """Return a fresh code for a login."""
    return answered(citizen.arrives(login))["code"]


def key_of(code: str) -> str:
    """Return where the memory keeps a code."""
    return CODE_KEY + sha256(code.encode()).hexdigest()


def refused(response: TestResponse, error: str = "invalid_grant") -> bool:
    """Tell whether a token request was refused as expected, without a token in the answer."""
    body = members(response)
    assert not {"access_token", "id_token", "refresh_token"} & set(body)
    assert response.headers["Cache-Control"] == "no-store"
    assert body["error"] == error, body
    return response.status_code == 400


@pytest.mark.spec("TK-01")
def test_a_code_lives_a_minute(portal: Portal, citizen: SignedIn) -> None:
    login = portal.asks()
    code = a_code(citizen, login)
    with later(61):
        assert refused(portal.redeems(code, login.verifier))
    young = portal.asks()
    code = a_code(citizen, young)
    with later(30):
        assert portal.redeems(code, young.verifier).status_code == 200


@pytest.mark.spec("TK-01")
def test_the_memory_itself_forgets_a_code_after_a_minute(
    portal: Portal, citizen: SignedIn, lone_valkey: ValkeyServer
) -> None:
    code = a_code(citizen, portal.asks())
    assert 30 <= lone_valkey.client.ttl(CODE_KEY + sha256(code.encode()).hexdigest()) <= 60


@pytest.mark.spec("TK-02")
def test_a_code_that_comes_again_ends_all_that_it_became(any_house: House) -> None:
    portal, citizen = any_house.registers_portal(), any_house.logs_in_directly()
    tokens, untouched = citizen.gives_tokens(portal), citizen.gives_tokens(portal)
    assert tokens.are_alive()
    again = tokens.login.redeem(tokens.answer)
    assert refused(again)
    assert not tokens.are_alive()
    assert untouched.are_alive()


@pytest.mark.spec("TK-02")
def test_a_code_that_comes_again_half_a_minute_later_ends_all_that_it_became(portal: Portal, citizen: SignedIn) -> None:
    tokens = citizen.gives_tokens(portal)
    with later(30):
        assert refused(tokens.login.redeem(tokens.answer))
        assert not tokens.are_alive()


@pytest.mark.spec("TK-03")
def test_a_memory_restored_from_an_older_file_brings_no_code_back(any_house: House, lone_valkey: ValkeyServer) -> None:
    portal, citizen = any_house.registers_portal(), any_house.logs_in_directly()
    login = portal.asks(scope="openid service:login offline_access")
    answer = citizen.arrives(login, "offline_access")
    key = key_of(answered(answer)["code"])
    older = lone_valkey.ask("DUMP", key)
    tokens = members(login.redeem(answer))
    assert portal.asks_userinfo(tokens["access_token"]).status_code == 200
    lone_valkey.ask("RESTORE", key, 60_000, older)
    assert refused(login.redeem(answer))
    assert portal.asks_userinfo(tokens["access_token"]).status_code == 401
    assert portal.refreshes(tokens["refresh_token"]).status_code == 400


@pytest.mark.spec("TK-04")
def test_another_portal_cannot_use_a_code_and_burns_it(house: House, portal: Portal, citizen: SignedIn) -> None:
    for other in (house.registers_portal(), portal.twin()):
        login = portal.asks()
        code = a_code(citizen, login)
        assert refused(other.redeems(code, login.verifier))
        assert refused(portal.redeems(code, login.verifier))
    fresh = portal.asks()
    assert portal.redeems(a_code(citizen, fresh), fresh.verifier).status_code == 200


@pytest.mark.spec("TK-04")
def test_who_does_not_prove_who_it_is_burns_nothing(portal: Portal, citizen: SignedIn) -> None:
    login = portal.asks()
    code = a_code(citizen, login)
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": login.verifier}
    assert portal.http.post("/token", data={**form, "redirect_uri": portal.redirect_uri}).status_code == 401
    assert portal.redeems(code, login.verifier).status_code == 200


@pytest.mark.parametrize("redirect_uri", ["", "https://portal.example/callback/", "https://elsewhere.example/callback"])
@pytest.mark.spec("TK-05")
def test_a_code_is_for_the_address_that_it_was_sent_to(portal: Portal, citizen: SignedIn, redirect_uri: str) -> None:
    login = portal.asks()
    code = a_code(citizen, login)
    assert refused(portal.redeems(code, login.verifier, redirect_uri=redirect_uri))
    assert refused(portal.redeems(code, login.verifier))


@pytest.mark.parametrize("wrong", ["", "v" * 42, "v" * 43, "v" * 128, "v" * 129, "ố" * 43, "=" * 43])
@pytest.mark.spec("TK-06")
def test_a_code_is_for_whoever_holds_the_verifier(portal: Portal, citizen: SignedIn, wrong: str) -> None:
    login = portal.asks()
    assert refused(portal.redeems(a_code(citizen, login), wrong))
    challenge_itself = portal.asks()
    assert refused(portal.redeems(a_code(citizen, challenge_itself), challenge_itself.asked["code_challenge"]))


@pytest.mark.parametrize(("verifier", "status"), [("v" * 42, 400), ("v" * 43, 200), ("v" * 129, 400), ("+" * 43, 400)])
@pytest.mark.spec("TK-06")
def test_a_verifier_that_fits_has_to_be_one_too(portal: Portal, citizen: SignedIn, verifier: str, status: int) -> None:
    login = portal.asks(code_challenge=urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode())
    assert portal.redeems(a_code(citizen, login), verifier).status_code == status


@pytest.mark.spec("TK-06")
def test_a_verifier_of_another_login_does_not_fit(portal: Portal, citizen: SignedIn) -> None:
    mine, attackers = portal.asks(), portal.asks()
    assert refused(portal.redeems(a_code(citizen, mine), attackers.verifier))


@pytest.mark.spec("TK-07")
def test_no_code_is_ever_issued_without_a_challenge(portal: Portal, citizen: SignedIn) -> None:
    citizen.agrees_to(portal.asks())
    without = portal.asks(code_challenge="", code_challenge_method="")
    assert "code" not in answered(citizen.opens(without))


@pytest.mark.parametrize(
    "grant_type",
    ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", "Authorization_code"],
)
@pytest.mark.spec("TK-09")
def test_other_grants_do_not_exist(portal: Portal, grant_type: str) -> None:
    assert refused(portal.post("/token", grant_type=grant_type), "unsupported_grant_type")


@pytest.mark.spec("TK-09")
def test_a_grant_that_a_portal_is_not_registered_for_is_refused(house: House) -> None:
    portal, citizen = house.registers_portal(grant_types=["authorization_code"]), house.logs_in_directly()
    login = portal.asks(scope="openid service:login offline_access")
    tokens = members(login.redeem(citizen.arrives(login, "offline_access")))
    assert "refresh_token" not in tokens
    assert tokens["scope"] == "openid service:login", "what it cannot have, it did not ask for"
    assert refused(portal.refreshes("sen_rt_x"), "unauthorized_client")
    assert refused(portal.post("/token"), "invalid_request")
    assert refused(portal.redeems("", login.verifier), "invalid_request")
    elsewhere = device_portal(house, grant_types=[DEVICE])
    assert answered(citizen.opens(elsewhere.asks()))["error"] == "unauthorized_client"
    assert refused(elsewhere.redeems("x", login.verifier), "unauthorized_client")


@pytest.mark.spec("TK-10")
def test_a_token_request_is_a_post_with_a_body(portal: Portal, citizen: SignedIn) -> None:
    login = portal.asks()
    form = {
        **portal.authentication(),
        "grant_type": "authorization_code",
        "code": a_code(citizen, login),
        "redirect_uri": portal.redirect_uri,
        "code_verifier": login.verifier,
    }
    got = portal.http.get("/token", query_string=form)
    assert got.status_code == 405
    assert "POST" in got.headers["Allow"]
    assert refused(portal.http.post("/token", query_string=form), "invalid_request")
    assert refused(portal.http.post("/token?x=1", data=form), "invalid_request")
    assert portal.http.post("/token", json=form).status_code == 415
    assert portal.http.post("/token", data=form).status_code == 200


@pytest.mark.parametrize("path", ["/token", "/par", "/revoke", "/introspect", "/device_authorization", "/bc-authorize"])
@pytest.mark.spec("TK-10")
def test_nobody_authenticates_with_anything_in_the_address(portal: Portal, path: str) -> None:
    form = {**portal.authentication(), "grant_type": "refresh_token", "refresh_token": "sen_rt_x", "token": "sen_rt_x"}
    asked = portal.http.post(f"{path}?client_id={portal.client_id}", data=form)
    assert (asked.status_code, members(asked)["error"]) == (400, "invalid_request")
    assert "body" in members(asked)["error_description"]


@pytest.mark.parametrize("name", ["grant_type", "code", "redirect_uri", "code_verifier", "client_id", "unknown"])
@pytest.mark.spec("AZ-08")
def test_no_parameter_of_a_token_request_may_stand_twice(portal: Portal, citizen: SignedIn, name: str) -> None:
    login = portal.asks()
    form = {
        **portal.authentication(),
        "grant_type": "authorization_code",
        "code": a_code(citizen, login),
        "redirect_uri": portal.redirect_uri,
        "code_verifier": login.verifier,
        "client_id": portal.client_id,
        "unknown": "x",
    }
    twice = {**{key: [value] for key, value in form.items()}, name: [form[name], form[name]]}
    assert refused(portal.http.post("/token", data=twice), "invalid_request")
    assert portal.http.post("/token", data=form).status_code == 200


@pytest.mark.spec("TK-11")
def test_errors_too_are_json_that_nobody_keeps(portal: Portal) -> None:
    response = portal.redeems("nothing", "v" * 43)
    assert refused(response)
    assert response.headers["Content-Type"].lower() == "application/json;charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Sen-Incident"] == correlation.get(), "what the log has beside the reason"


@pytest.mark.spec("TK-15")
def test_whoever_reads_the_stores_finds_no_token_that_works(house: House, lone_valkey: ValkeyServer) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    waiting = portal.asks()
    code = a_code(citizen, waiting)
    tokens = citizen.gives_tokens(portal)
    usable = [code, tokens.access, tokens.refresh, citizen.token, answered(tokens.answer)["code"]]
    dump = everything_in(house) + everything_in_memory(lone_valkey)
    assert portal.client_id in dump
    for token in usable:
        random_part = token.removeprefix("sen_at_").removeprefix("sen_rt_")
        assert len(random_part) >= 43
        assert random_part not in dump


def everything_in(house: House) -> str:
    """Return every value of every table as text."""
    database = house.office.database

    def read(connection: object) -> str:
        names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()  # type: ignore[attr-defined]  # a SQLAlchemy connection
        rows = [connection.execute(text(f'SELECT * FROM "{name}"')).all() for name in names]  # type: ignore[attr-defined]  # noqa: S608  names of our own tables
        return repr(rows)

    return database.consult(read)


def everything_in_memory(valkey: ValkeyServer) -> str:
    """Return every key and value of the memory as text."""
    client = valkey.client
    found = []
    for key in client.scan_iter(count=1000):
        kind = client.type(key)
        found.append((key, client.get(key) if kind == b"string" else kind))
    return repr(found)


@pytest.mark.spec("TK-17")
def test_a_citizen_who_begins_again_gets_another_code_and_each_works_once(portal: Portal, citizen: SignedIn) -> None:
    first, second = portal.asks(), portal.asks()
    codes = [a_code(citizen, first), a_code(citizen, second)]
    assert len(set(codes)) == 2
    assert portal.redeems(codes[1], second.verifier).status_code == 200
    assert portal.redeems(codes[0], first.verifier).status_code == 200
    assert refused(portal.redeems(codes[0], first.verifier))


def test_a_code_that_nobody_issued_is_refused(portal: Portal) -> None:
    for code in (secrets.token_urlsafe(32), "x", "x" * 10_000, "'; DROP TABLE authorization --"):
        assert refused(portal.redeems(code, "v" * 43))
