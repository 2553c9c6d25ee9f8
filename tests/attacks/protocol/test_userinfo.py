"""Attacks on userinfo: tokens of another kind, in other places, twice, altered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idp.errors import InvalidToken
from idp.protocol.tokens import ACCESS_PREFIX, LONGEST_TOKEN, read_userinfo_token
from tests.support.house import House, answered, members

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import Portal, SignedIn
    from tests.support.signed_in import Tokens

RESOURCE = "https://api.portal.example"


@pytest.fixture
def portal(house: House) -> Portal:
    """Give a portal of this test, with a resource server."""
    return house.registers_portal(resources=[RESOURCE])


@pytest.fixture
def tokens(portal: Portal, citizen: SignedIn) -> Tokens:
    """Give tokens that work."""
    given = citizen.gives_tokens(portal)
    assert given.are_alive()
    return given


def is_refused(response: TestResponse) -> bool:
    """Tell whether the token was refused as RFC 6750 section 3 says, and nothing told."""
    assert set(members(response)) == {"error", "error_description"}
    if response.status_code == 401:
        assert response.headers["WWW-Authenticate"].startswith("Bearer ")
        assert members(response)["error"] == "invalid_token"
    return response.status_code in {400, 401}


@pytest.mark.spec("ID-04")
def test_only_an_access_token_is_an_access_token(portal: Portal, tokens: Tokens) -> None:
    code = answered(tokens.answer)["code"]
    for other in (tokens.members["id_token"], tokens.refresh, code, portal.assertion(), "", "sen_at_", "x" * 9000):
        assert is_refused(portal.asks_userinfo(other))


@pytest.mark.spec("ID-04")
@pytest.mark.parametrize("header", [None, "Basic cG9ydGFsOnNlY3JldA==", "nonsense"])
@pytest.mark.parametrize("path", ["/userinfo", "/grants/unknown"])
def test_who_sends_no_access_token_is_told_how_and_no_error(portal: Portal, path: str, header: str | None) -> None:
    answer = portal.http.get(path, headers={} if header is None else {"Authorization": header})
    bearer, dpop = answer.headers.getlist("WWW-Authenticate")
    assert (answer.status_code, bearer) == (401, 'Bearer realm="sen"')
    assert dpop.startswith('DPoP realm="sen", algs="')
    bad = portal.http.get(path, headers={"Authorization": "Bearer x"})
    assert all('error="invalid_token"' in said for said in bad.headers.getlist("WWW-Authenticate"))


@pytest.mark.spec("ID-06")
def test_a_token_for_a_resource_is_not_good_for_userinfo_and_says_whom_it_is_for(
    portal: Portal, citizen: SignedIn, tokens: Tokens
) -> None:
    login = portal.asks(resource=RESOURCE, scope="openid service:login offline_access")
    given = members(login.redeem(citizen.arrives(login, "offline_access")))
    token = given["access_token"]
    claims = portal.reads_access_token(token, expected_audience=RESOURCE)
    assert claims["client_id"] == portal.client_id
    assert claims["sub"] == tokens.id_token["sub"]
    assert is_refused(portal.asks_userinfo(token))
    refreshed = members(portal.refreshes(given["refresh_token"]))["access_token"]
    assert portal.reads_access_token(refreshed, expected_audience=RESOURCE)["jti"] != claims["jti"]
    assert portal.revokes(token).status_code == 200
    assert portal.refreshes(given["refresh_token"]).status_code == 400


@pytest.mark.spec("ID-05")
def test_a_token_in_the_address_is_not_looked_at(portal: Portal, tokens: Tokens) -> None:
    assert is_refused(portal.http.get(f"/userinfo?access_token={tokens.access}"))
    assert is_refused(portal.http.post(f"/userinfo?access_token={tokens.access}"))


def test_a_token_may_be_sent_by_post_in_the_header_or_in_the_form(portal: Portal, tokens: Tokens) -> None:
    header = {"Authorization": f"Bearer {tokens.access}"}
    answers = [
        portal.http.post("/userinfo", headers=header),
        portal.http.post("/userinfo", data={"access_token": tokens.access}),
        portal.http.get("/userinfo", headers={"Authorization": f"bearer {tokens.access}"}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.data for answer in answers}) == 1
    assert all(answer.headers["Cache-Control"] == "no-store" for answer in answers)


@pytest.mark.parametrize(
    "header",
    ["Bearer\t{}", "Bearer  {}", "Bearer {} ", "Bearer {},Bearer {}", "Bearer {}, {}", "Basic {}", "{}", "Bearer", ""],
)
@pytest.mark.spec("ID-08")
def test_a_header_that_can_be_read_in_two_ways_is_refused(portal: Portal, tokens: Tokens, header: str) -> None:
    value = header.replace("{}", tokens.access)
    assert is_refused(portal.http.get("/userinfo", headers={"Authorization": value}))


@pytest.mark.spec("ID-08")
def test_a_token_in_two_places_is_refused(portal: Portal, tokens: Tokens) -> None:
    header = {"Authorization": f"Bearer {tokens.access}"}
    response = portal.http.post("/userinfo", headers=header, data={"access_token": tokens.access})
    assert (response.status_code, members(response)["error"]) == (400, "invalid_request")


def test_a_token_that_was_altered_anywhere_is_refused(portal: Portal, tokens: Tokens) -> None:
    text = tokens.access
    for place in range(7, len(text), 5):
        other = "A" if text[place] != "A" else "B"
        assert is_refused(portal.asks_userinfo(text[:place] + other + text[place + 1 :]))


def test_a_token_without_its_prefix_is_none(portal: Portal, tokens: Tokens) -> None:
    assert is_refused(portal.asks_userinfo(tokens.access.removeprefix(ACCESS_PREFIX)))


@pytest.mark.parametrize(("length", "tried"), [(LONGEST_TOKEN, True), (LONGEST_TOKEN + 1, False)])
def test_a_token_that_is_too_long_is_refused_before_anyone_tries_to_open_it(
    house: House, length: int, *, tried: bool
) -> None:
    with pytest.raises(InvalidToken) as refusal:
        read_userinfo_token(unverified_token=ACCESS_PREFIX.ljust(length, "A"), provider=house.services.provider)
    assert (refusal.value.__cause__ is not None) is tried


@pytest.mark.parametrize("foreign", [".", "=", "!", "%", "\xe9", ","])
def test_a_token_has_one_spelling(portal: Portal, tokens: Tokens, foreign: str) -> None:
    assert is_refused(portal.asks_userinfo(tokens.access + foreign))
    assert is_refused(portal.asks_userinfo(tokens.access[:20] + foreign + tokens.access[20:]))


def test_a_token_of_another_deployment_is_refused(
    tmp_path_factory: pytest.TempPathFactory, house: House, tokens: Tokens
) -> None:
    other = House.build(
        folder=tmp_path_factory.mktemp("other"),
        redis_url=house.settings.storage.redis_url,
        SEN_SECRETS__MASTER_KEY="b3RoZXItZGVwbG95bWVudC1tYXN0ZXIta2V5LTAwMDE=",
    )
    stranger = other.registers_portal()
    own = other.logs_in_directly().gives_tokens(stranger)
    assert is_refused(stranger.asks_userinfo(tokens.access))
    assert own.are_alive()
    other.services.close()


@pytest.mark.spec("ID-07")
def test_userinfo_tells_of_nobody_but_whom_the_id_token_names(house: House, portal: Portal) -> None:
    for _ in range(2):
        given = house.logs_in_directly().gives_tokens(portal)
        assert members(portal.asks_userinfo(given.access))["sub"] == given.id_token["sub"]


@pytest.mark.spec("ID-02")
def test_no_token_names_a_person_or_an_account(house: House) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    given = citizen.gives_tokens(portal)
    claims = given.id_token
    assert len(claims["sub"]) == 43
    for identifier in (citizen.citizen_id, citizen.account.session.id, citizen.account.passkey.id):
        assert identifier not in str(claims)
    assert not {"name", "personal_number", "birthdate"} & set(claims)
