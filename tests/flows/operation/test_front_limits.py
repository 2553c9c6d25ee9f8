"""What the front answers by itself: to too many and too much, to who takes its time, and where no worker is."""

from __future__ import annotations

import re
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest
import requests

from idp.cli import demo_tls, front
from tests.support.demo import until
from tests.support.house import settings_for
from tests.support.running import free_neighbours
from tests.support.tls.slow import PATIENCE_SECONDS, Crowd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from idp.settings import Settings

LONGEST_SECONDS = {"client_header_timeout": 10, "client_body_timeout": 15, "keepalive_timeout": 5}
TRIES = 5
IN_HAND = 400
MOST_IN_HAND = 2000  # by then a very busy machine has sent the first ones away, and keeps the others
AT_ONCE = 100
MOST_BATCHES = 200
LET_THROUGH = b"HTTP/1.1 503"  # by the front alone: it finds no worker
REFUSED = b"HTTP/1.1 429"


def _settings(folder: Path, *, port: int) -> Settings:
    tls = demo_tls.Tls(folder / "tls")
    return settings_for(folder=folder, redis_url="unix:///nowhere", **tls.environ(port=port))


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """Start a front without workers, and give the people before it."""
    folder = tmp_path_factory.mktemp("limits")
    tls = demo_tls.prepare(folder, authorities=[])
    for _ in range(TRIES):  # somebody else may take the port first
        port, _next = free_neighbours()
        command = demo_tls.command(tls, settings=_settings(folder, port=port))
        with subprocess.Popen(command) as nginx, Crowd.at(port=port, authority=tls.authority) as people:
            assert until(lambda: people.is_heard() or nginx.poll() is not None)
            if nginx.poll() is None:
                yield people
                nginx.terminate()
                return
    raise AssertionError("no port is free")


def _request(port: int, path: str, *, last: bool = True) -> bytes:
    ends = "close" if last else "keep-alive"
    return f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: {ends}\r\n\r\n".encode()


def _is_let_through(crowd: Crowd, path: str, *, address: str) -> bool:
    answer = crowd.asks(_request(crowd.port, path), address=address)
    assert answer.startswith((LET_THROUGH, REFUSED)), answer
    return answer.startswith(LET_THROUGH)


def _is_told_to_wait(answer: bytes) -> bool:
    text = answer[answer.rindex(REFUSED) :].decode()
    told = re.search(r"^Retry-After: 5\r$", text, re.MULTILINE) is not None
    return told and "Quá nhiều yêu cầu; hãy đợi vài giây." in text and "Too many requests" in text


@pytest.mark.spec("HT-06")
def test_the_front_waits_for_nobody_longer_than_it_may(tmp_path: Path) -> None:
    papers = front.Papers(tmp_path / "chain.pem", tmp_path / "key.pem")
    _before, *servers = front.render(_settings(tmp_path, port=8443), papers=papers).split("\nserver {")
    assert len(servers) == 2
    for server in servers:
        for name, longest in LONGEST_SECONDS.items():
            assert 0 < int(re.findall(rf"^ +{name} +([0-9]+)s;", server, re.MULTILINE)[0]) <= longest


@pytest.mark.spec("LG-05")
def test_one_address_gets_so_many_pages_and_is_then_told_to_wait(crowd: Crowd) -> None:
    greedy, other = "127.0.0.2", "127.0.0.3"
    batch = _request(crowd.port, "/login", last=False) * (AT_ONCE - 1) + _request(crowd.port, "/login")
    first = crowd.asks(batch, address=greedy)
    assert (first.count(LET_THROUGH), first.count(REFUSED)) == (AT_ONCE, 0)
    answers = (crowd.asks(batch, address=greedy) for _ in range(MOST_BATCHES))
    assert _is_told_to_wait(next(answer for answer in answers if REFUSED in answer))
    assert _is_let_through(crowd, "/login", address=other)
    assert _is_let_through(crowd, "/token", address=greedy), "what relying parties send is counted by Sen"


@pytest.mark.spec("HT-06")
def test_one_address_has_so_many_requests_in_hand_and_those_it_only_begins_do_not_count(crowd: Crowd) -> None:
    greedy, other = "127.0.0.4", "127.0.0.5"
    crowd.begins_requests(AT_ONCE, address=greedy)
    begun = 0
    while (answer := crowd.asks(_request(crowd.port, "/token"), address=greedy)).startswith(LET_THROUGH):
        assert begun < MOST_IN_HAND
        crowd.begins_bodies(AT_ONCE, address=greedy)
        begun += AT_ONCE
        crowd.goes_on()
    assert begun >= IN_HAND
    assert _is_told_to_wait(answer)
    assert _is_let_through(crowd, "/token", address=other)


@pytest.mark.spec("F23", "HT-05")
def test_huge_heads_and_bodies_are_refused_and_the_next_request_is_served(crowd: Crowd) -> None:
    first = f"POST /token HTTP/1.1\r\nHost: localhost:{crowd.port}\r\n".encode()
    ten_megabytes = b"x" * 10_000_000
    huge = {
        b"HTTP/1.1 400": first + b"Accept: " + ten_megabytes + b"\r\n\r\n",
        b"HTTP/1.1 413": first + b"Content-Length: 10000000\r\n\r\n" + ten_megabytes,
    }
    for status, text in huge.items():
        answer = crowd.asks(text, address="127.0.0.6")
        assert answer.startswith(status) or not answer, "the front may hang up while more is on its way"
        assert _is_let_through(crowd, "/token", address="127.0.0.6")


@pytest.mark.spec("AU-03")
def test_while_no_worker_answers_the_front_says_so_and_logs_no_request(tmp_path: Path) -> None:
    (port, _another), tls = free_neighbours(), demo_tls.prepare(tmp_path, authorities=[])
    settings = settings_for(folder=tmp_path, redis_url="unix:///nowhere", **tls.environ(port=port))
    log = tmp_path / "log"
    with log.open("wb") as out, subprocess.Popen(demo_tls.command(tls, settings=settings), stderr=out) as nginx:
        assert until(lambda: _answers(port))
        address = f"https://localhost:{port}/authorize?login_hint=099305000017"
        answer = requests.get(address, verify=str(tls.authority), timeout=PATIENCE_SECONDS)
        nginx.terminate()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Sen tạm thời không trả lời" in answer.content.decode()
    assert "Sen does not answer" in answer.content.decode()
    assert "099305000017" not in log.read_text(encoding="utf-8")


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
