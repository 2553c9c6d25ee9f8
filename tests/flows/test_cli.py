"""`sen` at a terminal: what operators register and issue, and what they are told when it fails."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from typing import TYPE_CHECKING

import pytest

from idp.cli.demo_people import PEOPLE
from tests.support.project.sources import ROOT
from tests.support.terminal import Answer, Terminal

if TYPE_CHECKING:
    from pathlib import Path

NUMBER = "099305000017"
REGISTER = f"number,full_name,birth_date\n{NUMBER},NGUYỄN THỊ AN,2005-03-14\n099185000033,LÊ THỊ CHI,1985\n"


def events(terminal: Terminal) -> list[tuple[str, str, str]]:
    """Return (type, actor, details) of every audit event, oldest first."""
    with sqlite3.connect(terminal.folder / "var" / "sen.db") as database:
        return database.execute("SELECT type, actor, details FROM audit_event ORDER BY id").fetchall()


def test_without_a_command_it_explains_itself(bare: Terminal) -> None:
    said = bare.types("--help")
    for command in ("demo", "serve", "worker", "doctor", "db", "keys", "client", "citizen", "revoke"):
        assert command in said.out
    assert "[server]" in said.out  # square brackets are no markup
    assert "[server] issuer and [front]" in bare.types("front", "--help").out
    assert "former_number" in bare.types("citizen", "import", "--help").out


def test_a_database_is_brought_up_to_date_once(bare: Terminal) -> None:
    assert "Applied: 0001" in bare.types("db", "upgrade").out
    again = bare.types("db", "upgrade")
    assert again.status == 0
    assert "up to date" in again.out


@pytest.mark.parametrize(
    "command", [["serve"], ["worker"], ["keys", "list"], ["client", "list"], ["citizen", "show", NUMBER]]
)
def test_nothing_works_on_a_database_that_is_behind(bare: Terminal, command: list[str]) -> None:
    (bare.folder / "var").mkdir()
    refused = bare.types(*command)
    assert refused.status == 1
    assert "sen db upgrade" in refused.err
    assert "Traceback" not in refused.err


@pytest.mark.spec("F32")
@pytest.mark.parametrize("command", [["serve"], ["worker"], ["db", "upgrade"], ["doctor"]])
def test_broken_settings_are_listed_at_once_and_nothing_starts(tmp_path: Path, command: list[str]) -> None:
    wrong = {"SEN_SERVER__PORT": "many", "SEN_TOKENS__CODE_SECONDS": "61", "SEN_LOG__LEVEL": "loud"}
    refused = Terminal(tmp_path, environ=wrong).types(*command)
    assert refused.status == 1
    for reason in ("[server] port", "[tokens] code_seconds", "[log] level"):
        assert reason in refused.err + refused.out
    assert not (tmp_path / "var").exists()


def test_keys_are_made_rotated_and_listed_whole(terminal: Terminal) -> None:
    rotated = terminal.types("keys", "rotate")
    assert rotated.status == 0
    assert "An announced key signs" in rotated.out
    listed = [line.split() for line in terminal.types("keys", "list").out.splitlines()[1:]]
    assert {(row[1], row[2]) for row in listed} == {
        (alg, state) for alg in ("ES256", "RS256", "PS256", "EdDSA") for state in ("active", "announced")
    }
    assert all(len(row[0]) == 43 for row in listed)
    assert "Nothing to do" in terminal.types("keys", "rotate").out


@pytest.mark.spec("ID-13")
def test_a_key_is_revoked_and_another_signs_at_once(terminal: Terminal) -> None:
    terminal.types("keys", "rotate")
    rows = [line.split() for line in terminal.types("keys", "list").out.splitlines()[1:]]
    kid = next(row[0] for row in rows if row[1:3] == ["ES256", "active"])
    revoked = terminal.types("revoke", "key", kid, "--reason", "drill")
    assert revoked.status == 0
    assert f"Ended: key {kid}" in revoked.out
    after = [line.split() for line in terminal.types("keys", "list").out.splitlines()[1:]]
    assert kid not in {row[0] for row in after}
    assert ["ES256", "active"] in [row[1:3] for row in after]


def portal_file(folder: Path, **changed: object) -> Path:
    """Write a file of metadata, the demo portal's but for what changed."""
    metadata = json.loads((ROOT / "examples" / "portal" / "client.json").read_text(encoding="utf-8"))
    file = folder / "client.json"
    file.write_text(json.dumps({**metadata, **changed}, ensure_ascii=False), encoding="utf-8")
    return file


@pytest.mark.spec("RG-04")
def test_a_relying_party_gets_its_secret_once_and_only_a_hash_is_kept(terminal: Terminal) -> None:
    file = portal_file(terminal.folder, token_endpoint_auth_method="client_secret_basic")
    added = terminal.types("client", "add", str(file))
    assert added.status == 0
    client_id, secret = re.findall(r": (\S+)", added.out)
    assert len(secret) == 43
    with sqlite3.connect(terminal.folder / "var" / "sen.db") as database:
        assert database.execute("SELECT secret_hash FROM relying_party").fetchall() == [
            (hashlib.sha256(secret.encode()).digest(),)
        ]
    assert secret.encode() not in (terminal.folder / "var" / "sen.db").read_bytes()
    assert client_id in terminal.types("client", "list").out
    shown = json.loads(terminal.types("client", "show", client_id).out)
    assert shown["client_name#vi"].startswith("Cổng Dịch vụ công")
    assert shown["has_secret"] is True
    assert secret not in json.dumps(shown)
    assert ("ClientAdded", "operator") in [event[:2] for event in events(terminal)]


def test_a_relying_party_is_changed_under_its_id_until_it_is_ended(terminal: Terminal) -> None:
    file = portal_file(terminal.folder, token_endpoint_auth_method="client_secret_basic")
    client_id = re.findall(r"client_id: (\S+)", terminal.types("client", "add", str(file)).out)[0]
    changed = portal_file(
        terminal.folder,
        token_endpoint_auth_method="client_secret_basic",
        client_id=client_id,
        client_uri="https://x.vn/",
    )
    assert terminal.types("client", "add", str(changed)).status == 0
    assert json.loads(terminal.types("client", "show", client_id).out)["client_uri"] == "https://x.vn/"
    assert terminal.types("revoke", "client", client_id, "--reason", "contract over").status == 0
    assert json.loads(terminal.types("client", "show", client_id).out)["status"] == "ended"
    refused = terminal.types("client", "add", str(changed))
    assert refused.status == 1
    assert "ended for ever" in refused.err


@pytest.mark.spec("AZ-10")
def test_what_a_relying_party_is_spared_stands_in_its_entry_and_in_the_list(terminal: Terminal) -> None:
    entries = {}
    for client_id, loosened in (("strict", {}), ("spared", {"loosened": ["no_pkce"]})):
        named = {"client_id": client_id, "token_endpoint_auth_method": "client_secret_basic"}
        file = portal_file(terminal.folder, **named, **loosened)
        assert terminal.types("client", "add", str(file)).status == 0
        entries[client_id] = json.loads(terminal.types("client", "show", client_id).out).get("loosened")
    assert entries == {"strict": None, "spared": ["no_pkce"]}
    heading, *rows = [line.split() for line in terminal.types("client", "list").out.splitlines()]
    told = {row[0]: row[heading.index("spared")] for row in rows}
    assert (told["strict"], told["spared"]) == ("-", "no_pkce")
    refused = terminal.types("client", "add", str(portal_file(terminal.folder, profile="fapi2", loosened=["no_pkce"])))
    assert refused.status == 1
    assert "loosened: the profile fapi2 is not spared that" in refused.out + refused.err


@pytest.mark.spec("RG-02", "RG-08")
def test_a_resource_has_one_server_until_that_one_is_ended(terminal: Terminal) -> None:
    serving = {"token_endpoint_auth_method": "client_secret_basic", "resources_served": ["https://api.example/"]}

    def adds(client_id: str, **more: object) -> Answer:
        file = portal_file(terminal.folder, client_id=client_id, **serving, **more)
        return terminal.types("client", "add", str(file))

    assert adds("first").status == 0
    assert adds("first", client_uri="https://x.vn/").status == 0
    refused = adds("second", authorization_details_types=["no_such_type"])
    assert refused.status == 1
    assert "resources_served: https://api.example/ is served by first already" in refused.err
    assert "authorization_details_types: no_such_type is not in the registry of types" in refused.err
    assert terminal.types("client", "show", "second").status == 1
    assert terminal.types("client", "end", "first", "--reason", "replaced").status == 0
    assert adds("second").status == 0


@pytest.mark.spec("RG-02")
def test_every_broken_rule_of_metadata_is_listed(terminal: Terminal) -> None:
    file = portal_file(
        terminal.folder, profile="web", redirect_uris=["http://evil.example/cb#x"], purposes=["no-such"], colour="red"
    )
    refused = terminal.types("client", "add", str(file))
    assert refused.status == 1
    for member in ("redirect_uris", "purposes", "colour", "jwks"):
        assert member in refused.err
    refused = terminal.types("client", "add", str(portal_file(terminal.folder, profile="x")))
    assert "profile: one of fapi2" in refused.err
    assert len(terminal.types("client", "list").out.splitlines()) == 1


@pytest.mark.parametrize("content", [None, "not json", "[]"])
def test_a_file_that_is_no_metadata_gets_one_sentence(terminal: Terminal, content: str | None) -> None:
    file = terminal.folder / "client.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    refused = terminal.types("client", "add", str(file))
    assert refused.status == 1
    assert len(refused.err.splitlines()) == 1
    assert str(file) in refused.err


def test_good_lines_of_a_register_land_and_bad_ones_are_named(terminal: Terminal) -> None:
    file = terminal.folder / "register.csv"
    file.write_text(REGISTER + "123,Ai Đó,1990\n", encoding="utf-8")
    imported = terminal.types("citizen", "import", str(file))
    assert imported.status == 1
    assert "2 of 3 lines landed" in imported.out
    assert "line 4: number" in imported.err
    file.write_text(REGISTER, encoding="utf-8")
    again = terminal.types("citizen", "import", str(file))
    assert again.status == 0
    assert "2 of 2 lines landed" in again.out


def test_a_long_list_of_bad_lines_goes_into_a_file_beside(terminal: Terminal) -> None:
    file = terminal.folder / "register.csv"
    file.write_text("number,full_name,birth_date\n" + "x,y,z\n" * 60, encoding="utf-8")
    imported = terminal.types("citizen", "import", str(file))
    assert imported.status == 1
    assert len((terminal.folder / "register.refused.txt").read_text(encoding="utf-8").splitlines()) == 60
    assert len(imported.err.splitlines()) == 51


def with_register(terminal: Terminal) -> Terminal:
    """Fill the register of a terminal's database."""
    file = terminal.folder / "register.csv"
    file.write_text(REGISTER, encoding="utf-8")
    assert terminal.types("citizen", "import", str(file)).status == 0
    return terminal


@pytest.mark.parametrize("argument", [NUMBER, "-"])
def test_a_code_is_issued_for_a_number_typed_or_given_on_standard_input(terminal: Terminal, argument: str) -> None:
    issued = with_register(terminal).types("citizen", "code", argument, stdin=f"{NUMBER}\n")
    assert issued.status == 0
    code = issued.out.split()[0]
    assert re.fullmatch(r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{2}", code)
    assert code.replace("-", "").encode() not in (terminal.folder / "var" / "sen.db").read_bytes()


@pytest.mark.spec("AU-03")
def test_no_event_of_an_operator_holds_a_number_a_name_or_a_code(terminal: Terminal) -> None:
    code = with_register(terminal).types("citizen", "code", NUMBER, "--account-level", "2").out.split()[0]
    kept = json.dumps(events(terminal), ensure_ascii=False)
    assert "ActivationCodeIssued" in kept
    for private in (NUMBER, "NGUYỄN", code, code.replace("-", "")):
        assert private not in kept


def test_a_number_that_nobody_has_gets_one_sentence_that_does_not_repeat_it(terminal: Terminal) -> None:
    for command in (["code", "099305000099"], ["show", "099305000099"], ["show", "12"]):
        refused = terminal.types("citizen", *command)
        assert refused.status == 1
        assert len(refused.err.splitlines()) == 1
        assert command[1] not in refused.err


def test_the_test_citizens_of_the_demo_are_in_order(terminal: Terminal) -> None:
    file = terminal.folder / "people.csv"
    file.write_text(
        "number;full_name;birth_date;gender;nationality;address;phone_number;email\n" + "\n".join(PEOPLE) + "\n",
        encoding="utf-8",
    )
    assert "3 of 3 lines landed" in terminal.types("citizen", "import", str(file)).out
