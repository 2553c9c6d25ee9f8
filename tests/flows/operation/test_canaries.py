"""Canaries: a whole life of an account over the real server, then a search for every secret in all that is kept."""

from __future__ import annotations

import re
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from idp.audit.log import LETTERS
from idp.storage.sql.tables import METADATA, audit_event
from tests.support.authenticator import SoftwareAuthenticator
from tests.support.demo import until
from tests.support.house import answered, members
from tests.support.login.own_pages import OwnPages
from tests.support.login.served_house import ServedHouse
from tests.support.login.stranger import AStranger
from tests.support.office import new_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Select

    from tests.support.house import ACitizen
    from tests.support.valkey import ValkeyServer

NAME = "Kiều Thị Hoàng Yến"
WRONG_CODE = "BCFG-2345-HJKM-67"
COOKIES = ("sen_session", "sen_browser")
SHORTEST = 8


@dataclass
class Canaries:
    """Everything that must be found nowhere, and what it is."""

    birds: dict[str, str] = field(default_factory=dict)

    def let_fly(self, what: str, secret: str) -> str:
        """Remember a secret."""
        assert len(secret) >= SHORTEST, what
        self.birds[f"{what} {len(self.birds)}"] = secret
        return secret

    def found_in(self, kept: bytes) -> set[str]:
        """Return which of them stand in something, in clear or in one of the usual wrappings."""
        lowered = kept.lower()
        return {what for what, secret in self.birds.items() if any(form in lowered for form in _forms(secret))}


def _forms(secret: str) -> Iterator[bytes]:
    plain = secret.encode()
    escaped = secret.encode("ascii", "backslashreplace")
    for form in (plain, escaped, plain.hex().encode()):
        yield form.lower()
    for encode in (b64encode, urlsafe_b64encode):
        yield encode(plain)[: len(plain) * 8 // 6].lower()


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory, quick_valkey: ValkeyServer) -> Iterator[ServedHouse]:
    """Give a server with two workers of one's own."""
    started = ServedHouse.start(folder=tmp_path_factory.mktemp("canaries"), redis_url=quick_valkey.url)
    yield started
    started.stop()


def _cookies(canaries: Canaries, citizen: ACitizen) -> None:
    for name in COOKIES:
        cookie = citizen.browser.get_cookie(name)
        if cookie is not None:
            canaries.let_fly(f"cookie {name}", cookie.value)


def _a_whole_life(served: ServedHouse, canaries: Canaries) -> None:
    """Activate, log in both ways, fail in every way, agree, use tokens, change passkeys, log out."""
    house = served.house
    citizen = house.registers_citizen(full_name=NAME, phone_number="0912345678", email="hoang.yen@canary.example")
    for what, secret in (
        ("number", citizen.number.digits),
        ("code", citizen.code),
        ("code", citizen.code.replace("-", "")),
        ("name", NAME),
        ("phone", "912345678"),
        ("email", "hoang.yen@canary.example"),
    ):
        canaries.let_fly(what, secret)
    stranger = AStranger.at(house, "/activate")
    assert stranger.tries_code(citizen.number, WRONG_CODE).status_code == 400
    assert citizen.activates().status_code == 200
    _cookies(canaries, citizen)
    forger = AStranger.at(house)
    assert forger.answers(forger.forges(forger.sealed(citizen.number), SoftwareAuthenticator())).status_code == 400
    forger.browser.get(f"/login?tx={forger.tx}&number={citizen.number.digits}&code={citizen.code}")
    _uses_a_portal(served, canaries, citizen)
    own = OwnPages(citizen.browser)
    assert own.adds_passkey(SoftwareAuthenticator(), name="Khóa ở nhà").status_code == 200
    assert own.calls("/account/passkeys/verify", credential={"rawId": citizen.number.digits}).status_code == 400
    for path in ("/account", "/account/passkeys", "/account/services", "/account/sessions", "/account/activity"):
        assert own.browser.get(path).status_code == 200
    citizen.browser.delete_cookie("sen_session")
    by_number = AStranger.at(house)
    sealed = canaries.let_fly("sealed number", by_number.sealed(citizen.number))
    citizen.browser = by_number.browser
    assert citizen.signs_in(by_number.tx, sealed_number=sealed).status_code == 200
    _cookies(canaries, citizen)


def _uses_a_portal(served: ServedHouse, canaries: Canaries, citizen: ACitizen) -> None:
    house = served.house
    portal = house.registers_portal()
    login = portal.asks(scope="openid profile phone email service:driving-licence offline_access")
    code = answered(citizen.arrives(login, "offline_access"))["code"]
    canaries.let_fly("authorization code", code)
    canaries.let_fly("state", login.asked["state"])
    canaries.let_fly("code_verifier", login.verifier)
    response = portal.redeems(code, login.verifier)
    tokens = members(response)
    for name in ("access_token", "refresh_token", "id_token"):
        canaries.let_fly(name, tokens[name])
        canaries.let_fly(f"end of {name}", tokens[name][-40:])
    claims = members(portal.asks_userinfo(tokens["access_token"]))
    assert claims["name"] == NAME
    assertion = canaries.let_fly("client assertion", portal.assertion())
    assert portal.http.post("/token", data={"grant_type": "x", "client_assertion": assertion}).status_code in {400, 401}
    refreshed = members(portal.refreshes(tokens["refresh_token"]))
    canaries.let_fly("access_token", refreshed["access_token"])
    assert portal.redeems(code, login.verifier).status_code == 400
    assert portal.asks_userinfo(tokens["access_token"] + "x").status_code == 401
    query = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": "https://portal.example/bye"}
    assert citizen.browser.get("/logout", query_string=query).status_code == 200


def _all_rows(statement: Select[Any], connection: Connection) -> Sequence[Any]:
    return connection.execute(statement).all()


def _database(served: ServedHouse) -> dict[str, bytes]:
    """Return every table as one text; what is sealed or hashed stays as it is kept."""
    found = {}
    for table in METADATA.sorted_tables:
        statement = select(table)
        rows = served.house.office.database.consult(partial(_all_rows, statement))
        cells = (value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)
        found[f"table {table.name}"] = b"\n".join(cells)
    return found


def _memory(server: ValkeyServer) -> dict[str, bytes]:
    found = {}
    for key in server.client.scan_iter("*"):
        name = bytes(key).decode("utf-8", "replace")
        found[f"key {name}"] = bytes(key)
        if server.ask("TYPE", key) == b"string":
            found[f"value of {name}"] = bytes(server.ask("GET", key))
    return found


ALLOWED = re.compile(r"value of (tx|par|code):")
"""A request that waits holds its own state: the portal's word, good for nobody else."""


@pytest.mark.spec("AU-03", "TK-15", "I10", "SS-03")
def test_no_secret_and_nothing_personal_stands_anywhere_in_clear(
    served: ServedHouse, quick_valkey: ValkeyServer
) -> None:
    canaries = Canaries()
    _a_whole_life(served, canaries)
    waiting = served.house.registers_citizen(full_name=NAME)
    canaries.let_fly("number", waiting.number.digits)
    AStranger.at(served.house, "/activate").tries_code(waiting.number, waiting.code)
    metrics = served.wire.send("GET", "/metrics", headers={"Host": "localhost:8000"})[1]
    assert b"sen_logins_total" in metrics
    memory, database = _memory(quick_valkey), _database(served)
    assert any("activation:" in name for name in memory), "the memory holds what was proved, sealed"
    log = served.log.read_bytes()
    assert log.count(b'"event":"answered"') > 40
    kept = {"log": log, "metrics": metrics, **memory, **database}
    leaks = {
        place: birds
        for place, content in kept.items()
        if (birds := {bird for bird in canaries.found_in(content) if not (ALLOWED.match(place) and "state" in bird)})
    }
    assert leaks == {}
    assert canaries.found_in(b"x" + b64encode(NAME.encode()) + b"y"), "a canary in a wrapping would be found"
    assert canaries.found_in(waiting.number.digits.encode())
    _names_its_incident(served)


def _names_its_incident(served: ServedHouse) -> None:
    """An incident that a page names stands in the log."""
    page = served.house.browser().get("/nowhere")
    incident = re.search(f"[{LETTERS}]{{3}}-[{LETTERS}]{{3}}-[{LETTERS}]{{2}}", page.text)
    assert incident
    assert until(lambda: incident[0].encode() in served.log.read_bytes())


@pytest.mark.spec("AU-01", "AU-02")
def test_the_trail_tells_when_what_who_and_in_which_request(served: ServedHouse) -> None:
    canaries = Canaries()
    _a_whole_life(served, canaries)
    rows = served.house.office.database.consult(
        lambda connection: connection.execute(select(audit_event)).mappings().all()
    )
    assert {row["type"] for row in rows} >= {
        "ActivationCodeIssued",
        "ActivationRefused",
        "AuthorizationEnded",
        "AuthorizationGranted",
        "AuthorizationRefreshed",
        "CitizenActivated",
        "ClientAdded",
        "ConsentGiven",
        "LoginRefused",
        "LoginSucceeded",
        "PasskeyAdded",
    }
    ties = {row["correlation"] for row in rows if row["actor"].startswith("citizen:")}
    assert until(lambda: all(tie in served.log.read_text() for tie in ties))
    for row in rows:
        assert row["at"].utcoffset().total_seconds() == 0
        assert re.fullmatch(r"(citizen|client):\S+|operator|worker|anyone", row["actor"])
        if row["actor"].startswith("citizen:"):
            assert row["actor"] == f"citizen:{row['citizen_id']}"


HOSTILE = 'first\r\nsecond\x1b[31m\u202ered"}{\u2028{"event":"forged"}'


@pytest.mark.spec("AU-04")
def test_whatever_is_written_into_a_request_stays_inside_one_line_of_the_log(served: ServedHouse) -> None:
    stranger = AStranger.at(served.house)
    liar = SoftwareAuthenticator(client_data={"origin": HOSTILE, "type": HOSTILE, HOSTILE: HOSTILE})
    sealed = stranger.sealed(new_number())
    assert stranger.answers(stranger.forges(sealed, liar)).status_code == 400
    assert stranger.answers({HOSTILE: HOSTILE, "rawId": HOSTILE, "type": HOSTILE}).status_code == 400
    assert stranger.browser.get("/authorize", query_string={"client_id": HOSTILE, "state": HOSTILE}).status_code == 400
    assert stranger.browser.get("/help", headers={"User-Agent": "x" + HOSTILE[7:13]}).status_code == 200
    log = served.log.read_bytes()
    for line in log.splitlines():
        assert line.startswith(b"{"), line
        assert line.endswith(b"}"), line
    for poison in (b"\x1b", "\u202e".encode(), "\u2028".encode(), b'"event":"forged"'):
        assert poison not in log
    trail = select(audit_event.c.details).where(audit_event.c.type == "LoginRefused")
    for details in served.house.office.database.consult(lambda connection: connection.execute(trail).scalars().all()):
        assert details.isascii()
        assert details.isprintable()
