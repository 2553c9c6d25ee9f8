"""Documents that come with a registration: sectors, software statements, and bodies that are none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from idp import clock
from idp.errors import SettingsError
from idp.relying_parties.metadata_rules import KNOWN
from idp.relying_parties.software_statement import StatementIssuers
from tests.support.foreign.receiver import Receiver, says, says_json
from tests.support.foreign.registrant import REDIRECT, Registrant, count_registered, gives_token, is_refused, public_jwk
from tests.support.house import House, later, members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.valkey import ValkeyServer


@pytest.mark.spec("RG-03")
def test_a_sector_that_does_not_stand_for_its_addresses_is_refused(house: House, strict_house: House) -> None:
    behaviours: dict[str, Callable[[Any], None]] = {
        "/others": says_json(["https://other.example/cb"]),
        "/object": says_json({"redirect_uris": [REDIRECT]}),
        "/text": says_json(REDIRECT),
        "/html": says(b"<html>", kind="text/html"),
        "/gone": says(b"", status="404 Not Found"),
        "/huge": says(orjson.dumps([REDIRECT, "a" * 70_000])),
        "/moved": says(b"", status="302 Found", headers=("Location: /good",)),
    }
    before = count_registered(house)
    with Receiver(good=says_json([REDIRECT])) as receiver:
        receiver.answers |= behaviours
        for path in behaviours:
            refused = Registrant(house).registers(sector_identifier_uri=receiver.url(path))
            assert is_refused(refused, status=400, code="invalid_client_metadata")
            assert "sector_identifier_uri: " in members(refused)["error_description"]
        assert count_registered(house) == before
        assert Registrant(house).registers(sector_identifier_uri=receiver.url("/good")).status_code == 201
        asked = len(receiver.asked)
        for host in ("127.0.0.1", "localhost"):
            token, uri = gives_token(strict_house), receiver.url("/good", host=host).replace("http:", "https:")
            assert Registrant(strict_house, token).registers(sector_identifier_uri=uri).status_code == 400
        assert len(receiver.asked) == asked


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"redirect_uris=x", "application/x-www-form-urlencoded", 415, "invalid_request"),
        (b"{}", "", 415, "invalid_request"),
        (b"{}", "text/plain", 415, "invalid_request"),
        (b"", "application/json", 400, "invalid_client_metadata"),
        (b"[]", "application/json", 400, "invalid_client_metadata"),
        (b"{", "application/json", 400, "invalid_client_metadata"),
        (b'{"a":"\xff"}', "application/json", 400, "invalid_client_metadata"),
        (b'{"a":"\\ud800"}', "application/json", 400, "invalid_client_metadata"),
        (b"[" * 60_000, "application/json", 400, "invalid_client_metadata"),
        (b'{"a":' * 10_000, "application/json", 400, "invalid_client_metadata"),
        (b" " * 65_537, "application/json", 413, "invalid_request"),
        (b"{}", "application/json", 400, "invalid_redirect_uri"),
    ],
)
def test_a_body_that_is_no_metadata_is_refused(house: House, body: bytes, kind: str, status: int, code: str) -> None:
    before = count_registered(house)
    answer = Registrant(house).http.post("/register", data=body, content_type=kind)
    assert is_refused(answer, status=status, code=code)
    assert count_registered(house) == before


def test_no_value_of_any_member_breaks_anything(house: House) -> None:
    values: tuple[Any, ...] = (5, True, "", "x", [], [5], [[]], {"keys": [5]})
    before = count_registered(house)
    taken = 0
    for name in sorted(KNOWN | {"client_name#vi", "client_id", "client_secret"}):
        for value in values:
            answer = Registrant(house).registers(**{name: value})
            assert answer.status_code in {201, 400}, (name, value, answer.text)
            taken += answer.status_code == 201
    assert count_registered(house) == before + taken


# --------------------------------------------------------------------------------------------- statements


@dataclass
class Maker:
    """Somebody who makes programs and says so in software statements."""

    name: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def states(self, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """Sign a software statement (RFC 7591 section 2.3)."""
        now = int(clock.now().timestamp())
        body = {"iss": self.name, "iat": now, "exp": now + 3600, **claims}
        kept = {name: value for name, value in body.items() if value is not None}
        return jwt.encode(kept, self.key, algorithm="ES256", headers={"kid": "k1", **(header or {})})


@pytest.fixture(scope="module")
def maker() -> Maker:
    """Somebody whose statements are believed in `stating_house`."""
    return Maker("https://maker.example")


@pytest.fixture(scope="module")
def stating_house(tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer, maker: Maker) -> Iterator[House]:
    """Give a house that believes one maker of programs."""
    folder = tmp_path_factory.mktemp("stating")
    issuers = folder / "makers.json"
    issuers.write_bytes(orjson.dumps({maker.name: {"keys": [public_jwk(maker.key)]}}))
    changes = {"SEN_REGISTRATION__SOFTWARE_STATEMENTS": str(issuers)}
    house = House.build(folder=folder, redis_url=lone_valkey.url, **changes)
    yield house
    house.close()


def test_what_a_software_statement_says_goes_before_the_rest(stating_house: House, maker: Maker) -> None:
    statement = maker.states(client_name="Phần mềm thật", software_id="program-1", owner={"name#vi": "Bộ Công an"})
    registrant = Registrant(stating_house).registered(
        software_statement=statement, client_name="Phần mềm giả", software_id="another"
    )
    told = registrant.told
    assert (told["client_name"], told["software_id"]) == ("Phần mềm thật", "program-1")
    assert told["software_statement"] == statement
    stored = stating_house.services.provider.directory.find(told["client_id"])
    assert stored is not None
    assert stored.owner["vi"] != "Bộ Công an"
    assert members(registrant.changes(client_name="Phần mềm giả"))["client_name"] == "Phần mềm thật"


def test_a_software_statement_of_nobody_we_believe_is_unapproved(stating_house: House, house: House) -> None:
    stranger = Maker("https://stranger.example")
    for where, said in ((stating_house, stranger.states()), (house, Maker("https://maker.example").states())):
        refused = Registrant(where).registers(software_statement=said)
        assert is_refused(refused, status=400, code="unapproved_software_statement")
    unsigned = jwt.encode({"iss": "https://stranger.example"}, "", algorithm="none")
    refused = Registrant(stating_house).registers(software_statement=unsigned)
    assert members(refused)["error"] in {"unapproved_software_statement", "invalid_software_statement"}


@pytest.mark.parametrize("content", [None, b"{", b"[]", b'{"https://maker.example":{"keys":[{"kty":"oct"}]}}'])
def test_who_is_believed_is_read_whole_or_nothing_starts(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "makers.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=str(file)):
        StatementIssuers.load(str(file))


@pytest.mark.parametrize(
    "poison", ["other key", "unsigned", "expired", "for ever", "future", "changed", "no jwt", "typ"]
)
def test_a_software_statement_that_does_not_hold_is_refused(stating_house: House, maker: Maker, poison: str) -> None:
    now = int(clock.now().timestamp())
    good = maker.states(software_id="program-1")
    changed = good.split(".")
    changed[1] = jwt.utils.base64url_encode(orjson.dumps({"iss": maker.name, "exp": now + 60, "iat": now})).decode()
    poisons = {
        "other key": Maker(maker.name).states(),
        "unsigned": jwt.encode({"iss": maker.name, "iat": now}, "", algorithm="none"),
        "expired": maker.states(exp=now - 1),
        "for ever": maker.states(exp=now + 400 * 86400),
        "future": maker.states(iat=now + 3600, exp=now + 7200),
        "changed": ".".join(changed),
        "no jwt": "statement",
        "typ": maker.states(header={"typ": "at+jwt"}),
    }
    before = count_registered(stating_house)
    refused = Registrant(stating_house).registers(software_statement=poisons[poison])
    assert is_refused(refused, status=400, code="invalid_software_statement")
    assert count_registered(stating_house) == before
    assert Registrant(stating_house).registers(software_statement=good).status_code == 201


@pytest.mark.spec("RG-03")
def test_a_statement_that_was_taken_stays_binding_when_its_time_is_over_and_a_new_one_has_to_hold(
    stating_house: House, maker: Maker
) -> None:
    old = maker.states(client_name="Phần mềm thật")
    registrant = Registrant(stating_house).registered(software_statement=old)
    with later(400 * 86_400):
        for again in ({}, {"software_statement": old}):
            changed = registrant.changes(client_name="Phần mềm giả", **again)
            assert changed.status_code == 200, changed.text
            told = members(changed)
            assert (told["client_name"], told["software_statement"]) == ("Phần mềm thật", old)
        for poison in (Maker(maker.name).states(), maker.states(exp=1_700_000_000), f"{old[:-4]}AAAA"):
            refused = registrant.changes(software_statement=poison)
            assert is_refused(refused, status=400, code="invalid_software_statement")
        assert is_refused(
            Registrant(stating_house).registers(software_statement=old), status=400, code="invalid_software_statement"
        )
        newer = maker.states(client_name="Phần mềm mới")
        assert members(registrant.changes(software_statement=newer))["client_name"] == "Phần mềm mới"


@pytest.mark.spec("RG-03")
def test_a_statement_that_was_taken_stays_binding_when_its_issuer_is_believed_no_longer(
    stating_house: House, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = maker.states(client_name="Phần mềm thật")
    registrant = Registrant(stating_house).registered(software_statement=statement)
    monkeypatch.setattr(stating_house.services.registrar, "_issuers", StatementIssuers({}))
    assert members(registrant.changes(client_name="Phần mềm giả"))["client_name"] == "Phần mềm thật"
    refused = registrant.changes(software_statement=maker.states())
    assert is_refused(refused, status=400, code="unapproved_software_statement")


def test_no_language_says_otherwise_than_the_statement(stating_house: House, maker: Maker) -> None:
    statement = maker.states(client_name="Phần mềm thật")
    registrant = Registrant(stating_house)
    own = {"client_name#vi": "Cổng giả", "client_name#en": "False portal", "tos_uri#vi": "https://portal.example/vi"}
    for told in (
        members(registrant.registered(software_statement=statement, **own).reads()),
        members(registrant.changes(**own)),
    ):
        assert [name for name in told if name.startswith("client_name")] == ["client_name"]
        client = stating_house.services.provider.directory.find(told["client_id"])
        assert client is not None
        assert client.text(client.name, "vi") == "Phần mềm thật"
        assert told["tos_uri#vi"] == "https://portal.example/vi"
