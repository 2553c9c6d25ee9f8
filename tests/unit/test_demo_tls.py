"""What `sen demo --tls` keeps in var/tls, and what it says when there is no nginx."""

from __future__ import annotations

import socket
import stat
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from idp import clock
from idp.cli import demo_clients, demo_tls
from idp.cli.front import fill_in
from idp.cli.serve import own_socket
from idp.errors import SettingsError
from keys.certificates.development import DevelopmentAuthority
from tests.support.house import settings_for

if TYPE_CHECKING:
    from pathlib import Path


def test_certificates_are_kept_and_made_anew_when_they_end_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = demo_tls.prepare(tmp_path, authorities=["another authority"])
    assert tls.authorities.read_text(encoding="ascii").endswith("another authority")
    authority, server = tls.authority.read_bytes(), tls.server.read_bytes()
    for file in tls.folder.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0 or file.suffix == ".pem"
    demo_tls.prepare(tmp_path, authorities=[])
    assert (tls.authority.read_bytes(), tls.server.read_bytes()) == (authority, server)

    later = clock.now() + timedelta(days=360)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: later)
        demo_tls.prepare(tmp_path, authorities=[])
    assert tls.authority.read_bytes() == authority
    assert tls.server.read_bytes() != server

    demo_tls.key_of(tls.authority).write_text("damaged", encoding="ascii")
    demo_tls.prepare(tmp_path, authorities=[])
    assert tls.authority.read_bytes() != authority
    believed = DevelopmentAuthority.read(
        certificate_pem=tls.authority.read_bytes(), key_pem=demo_tls.key_of(tls.authority).read_bytes()
    )
    assert believed.pair.certificate_pem == tls.authority.read_bytes()


def test_another_name_gets_papers_of_its_own_and_addresses_under_it(tmp_path: Path) -> None:
    here = demo_tls.prepare(tmp_path, authorities=[])
    first = here.server.read_bytes()
    there = demo_tls.prepare(tmp_path, authorities=[], host="sen.example")
    assert there.server.read_bytes() != first
    assert there.environ(port=8443)["SEN_SERVER__ISSUER"] == "https://sen.example:8443"
    assert there.environ(port=8443)["SEN_FRONT__MTLS_BASE"] == "https://sen.example:8444"
    kept = there.server.read_bytes()
    assert demo_tls.prepare(tmp_path, authorities=[], host="sen.example").server.read_bytes() == kept
    for wrong in ("", "a b", "sen.example/", "a;b", "-"):
        with pytest.raises(SettingsError, match="is no name of a host"):
            demo_tls.prepare(tmp_path, authorities=[], host=wrong)


def test_a_missing_nginx_is_named_in_one_sentence_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(demo_tls, "PLACES", ())
    with pytest.raises(SettingsError) as refused:
        demo_tls.prepare(tmp_path, authorities=[])
    (sentence,) = refused.value.reasons
    assert sentence.count("sudo apt-get install nginx-light") == 2
    assert not (tmp_path / "tls").exists()


@pytest.mark.parametrize("value", ['a"b', "a$b", "a\\b", "a\nb", "a@b"])
def test_what_would_mean_something_else_to_nginx_is_not_filled_in(value: str) -> None:
    assert fill_in("x @y@", {"y": "/a path/with; signs{}"}) == "x /a path/with; signs{}"
    with pytest.raises(SettingsError):
        fill_in("x @y@", {"y": value})


@pytest.mark.parametrize("text", ["", "{}", "7", "[7]", '{"clients": 7}', "[[]"])
def test_a_file_that_lists_no_relying_parties_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "clients.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match="holds no list of relying parties"):
        demo_clients.read(file)
    file.write_text("[{}]", encoding="utf-8")
    assert demo_clients.read(file).clients == ({},)


def test_a_socket_that_a_killed_server_left_is_removed_and_a_living_ones_is_not(tmp_path: Path) -> None:
    path = tmp_path / "sen.sock"
    settings = settings_for(folder=tmp_path, redis_url="unix:///nowhere", SEN_FRONT__SOCKET=str(path))
    assert own_socket(settings) == path
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert path.exists()
    assert own_socket(settings) == path
    assert not path.exists()
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(str(path))
        living.listen()
        with pytest.raises(SettingsError, match="another server listens"):
            own_socket(settings)
        assert path.exists()
    assert own_socket(settings_for(folder=tmp_path, redis_url="unix:///nowhere")) is None
