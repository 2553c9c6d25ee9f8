"""Attacks by headers and losses: foreign hosts, odd headers, stores that are away, code that breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from tests.support.house import ISSUER, House, members

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.valkey import ValkeyServer

DOCUMENTS = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwks")
FOREIGN = "elsewhere.example"


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize(
    "name",
    [
        "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Server", "X-Host", "Forwarded", "X-Original-URL",
        "X-Rewrite-URL", "X-HTTP-Method-Override", "Accept-Language", "Origin", "Referer", "X-Forwarded-Prefix",
    ],
)  # fmt: skip
@pytest.mark.spec("HT-01", "HT-02", "ID-09", "ID-14")
def test_no_header_changes_what_is_published(house: House, path: str, name: str) -> None:
    browser = house.browser()
    plain = browser.get(path)
    odd = browser.get(path, headers={name: f"host={FOREIGN}" if name == "Forwarded" else FOREIGN})
    assert odd.status_code == 200
    assert odd.data == plain.data
    assert FOREIGN.encode() not in odd.data
    assert FOREIGN not in str(odd.headers)
    assert odd.headers["ETag"] == plain.headers["ETag"]
    assert "public" in odd.headers["Cache-Control"]


@pytest.mark.parametrize("path", [*DOCUMENTS, "/authorize", "/token", "/login", "/account"])
@pytest.mark.spec("HT-01", "ID-09")
def test_nothing_is_answered_under_another_name(house: House, path: str) -> None:
    for host in (FOREIGN, "localhost.elsewhere.example", f"{FOREIGN}:8000", "localhost@elsewhere.example", ""):
        response = house.browser().get(path, headers={"Host": host})
        assert response.status_code == 421, host
        assert "Location" not in response.headers
    assert house.browser().get(path).status_code != 421


@pytest.mark.spec("ID-09")
def test_every_published_address_begins_with_the_issuer_and_tokens_name_it_letter_by_letter(house: House) -> None:
    document = members(house.browser().get("/.well-known/openid-configuration"))
    assert document["issuer"] == ISSUER
    addresses = [value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(addresses) >= 6
    assert all(address.startswith(f"{ISSUER}/") for address in addresses)
    claims = house.logs_in_directly().gives_tokens(house.registers_portal()).id_token
    assert claims["iss"] == document["issuer"]


@pytest.mark.spec("HT-02")
def test_a_document_that_is_there_already_is_not_sent_again(house: House) -> None:
    for path in DOCUMENTS:
        etag = house.browser().get(path).headers["ETag"]
        same = house.browser().get(path, headers={"If-None-Match": etag})
        assert (same.status_code, same.data) == (304, b"")
        assert house.browser().head(path).data == b""
        assert house.browser().post(path).status_code == 405


@pytest.fixture
def fragile(tmp_path_factory: pytest.TempPathFactory, own_valkey: ValkeyServer) -> Iterator[House]:
    """Give a house whose stores may be taken away."""
    house = House.build(folder=tmp_path_factory.mktemp("fragile"), redis_url=own_valkey.url)
    yield house
    house.services.close()


@pytest.mark.spec("ID-14")
def test_what_is_published_stays_published_while_the_stores_are_away(
    fragile: House, own_valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [fragile.browser().get(path).data for path in DOCUMENTS]
    own_valkey.kill()
    monkeypatch.setattr(fragile.services.provider.authorizations._database.engine, "raw_connection", _away)  # type: ignore[attr-defined]  # the real store
    assert [fragile.browser().get(path).data for path in DOCUMENTS] == before
    assert fragile.browser().get("/health/live").status_code == 200
    assert fragile.browser().get("/health/ready").status_code == 503


def _away() -> None:
    raise OSError("the database is away")


@pytest.mark.spec("CA-04", "HT-10")
def test_without_the_memory_nothing_is_answered_and_nothing_breaks(fragile: House, own_valkey: ValkeyServer) -> None:
    portal, citizen = fragile.registers_portal(), fragile.logs_in_directly()
    tokens = citizen.gives_tokens(portal)
    waiting = portal.asks()
    code = citizen.opens(waiting)
    own_valkey.kill()
    answers = [portal.pushes(), portal.refreshes(tokens.refresh), waiting.redeem(code), portal.revokes(tokens.refresh)]
    assert [answer.status_code for answer in answers] == [503] * 4
    assert all(answer.headers["Retry-After"] for answer in answers)
    assert citizen.opens(waiting).status_code == 503
    assert portal.asks_userinfo(tokens.access).status_code == 200
    own_valkey.start()
    fragile.waits_until_assertions_count()
    assert tokens.are_alive()


@pytest.mark.spec("HT-10", "AZ-29")
def test_code_that_breaks_tells_nothing_and_the_next_request_is_answered(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal, citizen = house.registers_portal(), house.logs_in_directly()
    login = portal.asks()
    answer = citizen.arrives(login)
    secret = "a secret of the inside"

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(secret)

    with monkeypatch.context() as patch, capture_logs() as logged:
        patch.setattr(type(house.services.provider.authorizations), "create", broken)
        patch.setattr(type(house.services.provider.authorizations), "gates", broken)
        token, page = login.redeem(answer), citizen.opens(portal.asks())
    assert [entry["log_level"] for entry in logged if entry["event"] == "broken"] == ["error", "error"]
    assert (token.status_code, members(token)["error"]) == (500, "server_error")
    assert page.status_code == 500
    for response in (token, page):
        assert secret not in response.text
        assert "Traceback" not in response.text
        assert "Location" not in response.headers
    assert login.redeem(answer).status_code == 400
    assert citizen.gives_tokens(portal).are_alive()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "X"])
@pytest.mark.spec("HT-02")
def test_other_methods_are_refused_by_name(house: House, method: str) -> None:
    for path in ("/token", "/par", "/revoke", "/userinfo", "/jwks", "/authorize"):
        assert house.browser().open(path, method=method).status_code == 405


@pytest.mark.spec("HT-05")
def test_an_address_longer_than_any_honest_one_is_refused(house: House) -> None:
    portal = house.registers_portal()
    assert house.browser().get(portal.asks(state="s" * 17_000).url).status_code == 413
    assert house.browser().get(portal.asks(state="s" * 2000).url).status_code == 303
