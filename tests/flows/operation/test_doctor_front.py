"""`sen doctor` looks at the way in: by what the front is known, and whether that is of any use."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from idp import clock
from keys.certificates.development import DevelopmentAuthority

if TYPE_CHECKING:
    from tests.support.terminal import Answer, Terminal

ISSUER = "https://login.sen.example"
SECRET = "s" * 32
FILES = ("FRONT__SOCKET", "FRONT__CLIENT_AUTHORITIES")
"""Settings that name files of the folder."""


def _front_lines(terminal: Terminal, **settings: str) -> list[str]:
    """Return what the doctor says about the front, each problem with what to do about it."""
    placed = {name: str(terminal.folder / value) for name, value in settings.items() if name in FILES}
    environ = {f"SEN_{name}": value for name, value in {"SERVER__ISSUER": ISSUER, **settings, **placed}.items()}
    said: Answer = replace(terminal, environ=environ).types("doctor")
    lines = said.out.splitlines()
    return [
        f"{line} {after.strip()}" if line.startswith("problem") else line
        for line, after in zip(lines, [*lines[1:], ""], strict=True)
        if line.split()[1:2] == ["front:"]
    ]


@pytest.mark.parametrize(
    ("settings", "known_by"),
    [
        ({"FRONT__SOCKET": "sen.sock"}, "known by the socket; no client certificates"),
        ({"FRONT__SECRET": SECRET}, "known by a secret; no client certificates"),
        ({"SERVER__TRUSTED_PROXIES": "192.0.2.1"}, "known by its address; no client certificates"),
        ({"SERVER__ISSUER": "http://localhost:8000"}, "none, and the issuer is http://"),
        (
            {"FRONT__SOCKET": "sen.sock", "FRONT__SECRET": SECRET, "FRONT__MTLS_BASE": f"{ISSUER}:8444"},
            f"known by the socket and a secret; client certificates are asked for at {ISSUER}:8444",
        ),
    ],
)
def test_the_doctor_says_by_what_a_front_is_known(bare: Terminal, settings: dict[str, str], known_by: str) -> None:
    assert _front_lines(bare, **settings) == [f"ok       front: {known_by}"]


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({}, "set [front] socket or secret, or name the proxy in [server] trusted_proxies"),
        ({"FRONT__SOCKET": "nowhere/sen.sock"}, "make the folder that [front] socket names"),
        ({"FRONT__SOCKET": "anybodys/sen.sock"}, "run `chmod o-w` on the folder of [front] socket"),
        (
            {"FRONT__SOCKET": "sen.sock", "SERVER__TRUSTED_PROXIES": "192.0.2.1"},
            "leave [server] trusted_proxies empty",
        ),
        (
            {"FRONT__SECRET": SECRET, "FRONT__MTLS_BASE": f"{ISSUER}:443"},
            "give [front] mtls_base another name or another port",
        ),
        (
            {"FRONT__SECRET": SECRET, "FRONT__CLIENT_AUTHORITIES": "authorities.pem"},
            "set [front] mtls_base, or leave client_authorities empty",
        ),
        (
            {"FRONT__SECRET": SECRET, "FRONT__CLIENT_AUTHORITIES": "missing.pem"},
            "repair the file that [front] client_authorities names",
        ),
    ],
)
def test_the_doctor_says_what_is_wrong_with_the_way_in(bare: Terminal, settings: dict[str, str], remedy: str) -> None:
    authority = DevelopmentAuthority.make(name="Test authority", now=clock.now())
    (bare.folder / "authorities.pem").write_bytes(authority.pair.certificate_pem)
    (bare.folder / "anybodys").mkdir()
    (bare.folder / "anybodys").chmod(0o777)
    (line,) = _front_lines(bare, **settings)
    assert line.startswith("problem  front: ")
    assert remedy in line


@pytest.mark.parametrize(("status", "said"), [(200, "ok"), (503, "answers 503"), (None, "does not answer")])
def test_the_doctor_asks_workers_behind_a_socket_whether_they_live(
    bare: Terminal, status: int | None, said: str
) -> None:
    path = bare.folder / "sen.sock"
    terminal = replace(bare, environ={"SEN_FRONT__SOCKET": str(path)})
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        if status is not None:
            listener.listen()
            threading.Thread(target=_answers_once, args=(listener, status), daemon=True).start()
        answer = terminal.types("doctor", "--live")
    assert answer.status == (0 if status == 200 else 1)
    assert said in answer.out + answer.err
    assert str(path) in answer.out + answer.err


def _answers_once(listener: socket.socket, status: int) -> None:
    caller, _ = listener.accept()
    with caller, suppress(OSError):  # it may have hung up meanwhile
        asked = caller.recv(1 << 16)
        known = asked.startswith(b"GET /health/live ")
        caller.sendall(b"HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n" % (status if known else 404))
