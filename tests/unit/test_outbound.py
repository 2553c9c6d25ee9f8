"""Calls to others reach public addresses alone, and nobody who is called can make us wait, swallow or wander."""

from __future__ import annotations

import gzip
import threading
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from idp.errors import NoAnswer, OutboundRefused, SettingsError
from idp.outbound import Fetched, OutboundClient, is_public
from idp.settings import Outbound
from tests.support.foreign.authority import TestAuthority
from tests.support.foreign.receiver import Receiver, says, says_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

HERE = Outbound(allow_loopback=True, extra_ca="", connect_seconds=10.0, total_seconds=10.0, largest_bytes=4096)
PRODUCTION = replace(HERE, allow_loopback=False)
HURRIED = replace(HERE, total_seconds=0.3, connect_seconds=0.3)

NOT_PUBLIC = (
    "0.0.0.0",  # noqa: S104  nobody listens here
    "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.31.196.1", "192.52.193.1",
    "192.88.99.1", "192.168.0.1", "192.175.48.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::1", "2002:808:808::1",
    "2620:4f:8000::1", "3fff::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1",
)  # fmt: skip
PUBLIC = ("1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.169.0.1",
          "203.162.4.191", "223.255.255.255", "2400:cb00::1", "2606:4700::1111", "2a00:1450::1")  # fmt: skip


def resolving(*addresses: str) -> Callable[[str], Sequence[str]]:
    """Return how a name becomes these addresses."""
    return lambda _: addresses


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server of somebody else, on this machine."""
    with Receiver(good=says_json({"keys": []}, "Cache-Control: public, max-age=600")) as listening:
        yield listening


# ------------------------------------------------------------------------------------------- what is called


@pytest.mark.spec("RG-03", "LO-06")
@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_never_called(address: str) -> None:
    assert not is_public(ip_address(address))
    for answer in ((address,), ("8.8.8.8", address)):
        with pytest.raises(OutboundRefused):
            OutboundClient(PRODUCTION, resolve=resolving(*answer)).fetch_json("https://portal.example/jwks")


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.spec("RG-03")
@pytest.mark.parametrize(
    "url",
    [
        "http://portal.example/", "ftp://portal.example/", "file:///etc/hosts", "gopher://portal.example/", "//host/",
        "https://", "https:///jwks", "https://user@portal.example/", "https://user:secret@portal.example/",
        "https://@portal.example/", "https://portal.example/#part", "https://portal.example/#",
        "https://portal.example:0/", "https://portal.example:99999/", "https://portal.example:4x3/",
        "https://portal.example\\@other.example/", "https://portal.example/ a", "https://portal.example/\r\nHost: b",
        "https://portal.example/\u00e1", "https://p\u00f3rtal.example/", "https://portal.example./",
        "https://8.8.8.8/", "https://[2606:4700::1111]/", "https://2130706433/", "https://0x7f.1/", "https://127.1/",
        "https://0177.0.0.1/", "https://[::1/", "https://[fe80::1%25eth0]/", "https://portal.example%00/",
        "https://portal.example/" + "a" * 2048,
    ],
)  # fmt: skip
def test_an_address_is_refused_for_how_it_is_written(url: str) -> None:
    with pytest.raises(OutboundRefused):
        OutboundClient(PRODUCTION, resolve=resolving("8.8.8.8")).fetch_json(url)


@pytest.mark.spec("RG-03")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_called_in_development_and_never_in_production(receiver: Receiver, host: str) -> None:
    with pytest.raises(OutboundRefused):
        OutboundClient(PRODUCTION).fetch_json(receiver.url("/good", host=host))
    assert receiver.asked == []
    assert OutboundClient(HERE).fetch_json(receiver.url("/good", host=host)) == Fetched({"keys": []}, 600)
    assert [one.headers["host"] for one in receiver.asked] == [f"{host}:{receiver.port}"]


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "192.168.1.1", "fd00::1", "::ffff:127.0.0.1"])
def test_development_opens_this_machine_and_no_other_private_one(address: str) -> None:
    with pytest.raises(OutboundRefused):
        OutboundClient(HERE, resolve=resolving(address)).fetch_json("https://portal.example/jwks")
    with pytest.raises(OutboundRefused):
        OutboundClient(HERE, resolve=resolving("127.0.0.1", address)).fetch_json("http://portal.example/jwks")


@pytest.mark.spec("RG-03")
def test_whom_the_operator_chose_need_not_be_public_and_is_called_over_tls_all_the_same(receiver: Receiver) -> None:
    here = receiver.url("/good", host="localhost")
    with pytest.raises(OutboundRefused):
        OutboundClient(PRODUCTION).post(here, b"{}", kind="application/json")
    assert OutboundClient(PRODUCTION, own_network=True).post(here, b"{}", kind="application/json") == 200
    assert [asked.headers["content-type"] for asked in receiver.asked] == ["application/json"]
    next_door = OutboundClient(PRODUCTION, resolve=resolving("10.1.2.3"), own_network=True)
    with pytest.raises(OutboundRefused, match="https"):
        next_door.post("http://gateway.example/notices", b"{}", kind="application/json")


def test_a_name_that_nobody_knows_is_refused() -> None:
    assert OutboundClient(HERE)._resolve("nobody.invalid") == ()
    for host in ("portal.example", "127.1", "0x7f.1", "2130706433"):
        with pytest.raises(OutboundRefused):
            OutboundClient(HERE, resolve=resolving()).fetch_json(f"https://{host}/jwks")


@pytest.mark.spec("RG-03")
def test_a_name_is_resolved_once_so_that_it_cannot_change_its_mind(receiver: Receiver) -> None:
    answers = iter([("127.0.0.1",), ("10.0.0.1",)])
    client = OutboundClient(HERE, resolve=lambda _: next(answers))
    assert client.fetch_json(receiver.url("/good", host="portal.example")).value == {"keys": []}
    with pytest.raises(OutboundRefused):
        client.fetch_json(receiver.url("/good", host="portal.example"))
    assert len(receiver.asked) == 1


def test_a_proxy_of_the_environment_is_not_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        assert OutboundClient(HERE).fetch_json(receiver.url("/good")).value == {"keys": []}
        assert proxy.asked == []


# --------------------------------------------------------------------------------------------------- TLS


@pytest.mark.spec("RG-03")
def test_tls_proves_the_name_although_the_address_is_pinned(tmp_path: Path) -> None:
    authority = TestAuthority.make(tmp_path / "ours")
    believing = replace(HERE, extra_ca=authority.ca_file)
    resolve = resolving("127.0.0.1")
    with Receiver(tls=authority.serves("portal.example"), good=says_json([1])) as receiver:
        url = receiver.url("/good", host="portal.example")
        assert OutboundClient(believing, resolve=resolve).fetch_json(url).value == [1]
        with pytest.raises(NoAnswer, match="certificate"):
            OutboundClient(believing, resolve=resolve).fetch_json(receiver.url("/good", host="other.example"))
        with pytest.raises(NoAnswer, match="certificate"):
            OutboundClient(HERE, resolve=resolve).fetch_json(url)
        stranger = replace(HERE, extra_ca=TestAuthority.make(tmp_path / "theirs").ca_file)
        with pytest.raises(NoAnswer, match="certificate"):
            OutboundClient(stranger, resolve=resolve).fetch_json(url)
        with pytest.raises(SettingsError, match="extra_ca"):
            OutboundClient(replace(HERE, extra_ca=str(tmp_path)), resolve=resolve).fetch_json(url)
    assert len(receiver.asked) == 1


# ---------------------------------------------------------------------------------------- what comes back


@pytest.mark.spec("RG-03", "LO-06")
def test_who_answers_too_slowly_is_given_up(receiver: Receiver) -> None:
    dripped = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n"
    receiver.answers |= {
        "/silent": receiver.is_silent(),
        "/head": receiver.drips(b"H"),
        "/body": receiver.drips(b" ", after=dripped),
    }
    for path in receiver.answers.keys() - {"/good"}:
        with pytest.raises(NoAnswer):
            OutboundClient(HURRIED).fetch_json(receiver.url(path))
    for path in ("/silent", "/head"):
        with pytest.raises(NoAnswer):
            OutboundClient(HURRIED).post_form(receiver.url(path), {"logout_token": "x"})
    with pytest.raises(NoAnswer, match="too slowly"):
        OutboundClient(replace(HERE, total_seconds=0.0)).fetch_json(receiver.url("/good"))
    assert OutboundClient(HERE).fetch_json(receiver.url("/good")).value == {"keys": []}


def test_a_name_that_is_resolved_too_slowly_is_given_up() -> None:
    given_up = threading.Event()

    def resolve(_: str) -> Sequence[str]:
        given_up.wait(60)
        return ("8.8.8.8",)

    with pytest.raises(NoAnswer, match="resolved"):
        OutboundClient(HURRIED, resolve=resolve).fetch_json("https://portal.example/")
    given_up.set()


@pytest.mark.spec("RG-03")
def test_who_answers_too_much_is_not_read_to_the_end(receiver: Receiver) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    receiver.answers |= {
        "/longer": says(b'"' + b"a" * 4095 + b'"'),
        "/endless": receiver.pours(head + b"\r\n", b" " * 1000),
        "/chunks": receiver.pours(head + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        "/extensions": receiver.pours(head + b"Transfer-Encoding: chunked\r\n\r\n1;", b"a" * 1000),
        "/headers": receiver.pours(head, b"X-More: and more\r\n"),
        "/informed": receiver.pours(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    }
    for path in receiver.answers.keys() - {"/good"}:
        with pytest.raises(NoAnswer):
            OutboundClient(HERE).fetch_json(receiver.url(path))
    receiver.answers["/longest"] = says(b'"' + b"a" * 4094 + b'"')
    assert OutboundClient(HERE).fetch_json(receiver.url("/longest")).value == "a" * 4094


@pytest.mark.spec("RG-03", "LO-06")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    receiver.answers["/away"] = says(b"", status=f"{status} Away", headers=(f"Location: {receiver.url('/good')}",))
    client = OutboundClient(HERE)
    with pytest.raises(NoAnswer, match="redirect"):
        client.fetch_json(receiver.url("/away"))
    assert client.post_form(receiver.url("/away"), {"a": "b"}) == status
    assert [one.path for one in receiver.asked] == ["/away", "/away"]


def test_a_packed_answer_is_not_unpacked(receiver: Receiver) -> None:
    bomb = gzip.compress(b'"' + b"0" * 3_000_000 + b'"')
    receiver.answers["/bomb"] = says(bomb, headers=("Content-Encoding: gzip",))
    with pytest.raises(NoAnswer, match="packs"):
        OutboundClient(HERE).fetch_json(receiver.url("/bomb"))
    assert receiver.asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "answer",
    [
        says(b"{}", kind="text/html"),
        says(b"{}", kind=""),
        says(b"{}", kind="application/jwt"),
        says(b"{"),
        says(b""),
        says(b"\xff"),
        says(b"[" * 3000),
        says(b"{}", status="404 Not Found"),
        says(b"{}", status="500 Broken"),
        says(b"{}", status="204 No Content"),
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                              b"Content-Length: 9\r\n\r\n{}"),
        lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"),
        lambda _: None,
    ],
)  # fmt: skip
def test_an_answer_that_is_not_what_was_asked_for_is_refused(
    receiver: Receiver, answer: Callable[[object], None]
) -> None:
    receiver.answers["/bad"] = answer
    with pytest.raises(NoAnswer):
        OutboundClient(HERE).fetch_json(receiver.url("/bad"))


def test_who_does_not_listen_gives_no_answer(receiver: Receiver) -> None:
    with Receiver() as gone:
        pass
    with pytest.raises(NoAnswer):
        OutboundClient(HERE).fetch_json(gone.url("/good"))
    assert OutboundClient(HERE).fetch_json(receiver.url("/good")).max_age == 600


# ---------------------------------------------------------------------------------------------------- post


def test_a_form_and_json_arrive_as_they_were_sent_and_the_status_comes_back(receiver: Receiver) -> None:
    receiver.answers |= {
        "/logout": says(b"", status="204 No Content"),
        "/ping": says(b'{"error":"unknown"}', status="400 Bad Request"),
    }
    client = OutboundClient(HERE)
    assert client.post_form(receiver.url("/logout?tenant=1"), {"logout_token": "a.b+c"}) == 404
    assert client.post_form(receiver.url("/logout"), {"logout_token": "a.b+c &"}) == 204
    assert client.post_json(receiver.url("/ping"), {"auth_req_id": "ố"}, bearer="to-ken~1==") == 400
    asked, form, ping = receiver.asked
    assert (asked.method, asked.path) == ("POST", "/logout?tenant=1")
    assert (form.headers["content-type"], form.body) == (
        "application/x-www-form-urlencoded",
        b"logout_token=a.b%2Bc+%26",
    )
    assert (ping.headers["content-type"], ping.headers["authorization"]) == ("application/json", "Bearer to-ken~1==")
    assert ping.body.decode() == '{"auth_req_id":"ố"}'


@pytest.mark.parametrize("bearer", ["a\r\nHost: other.example", "a b", "", "ố"])
def test_a_token_that_would_break_out_of_its_header_is_not_sent(receiver: Receiver, bearer: str) -> None:
    with pytest.raises(OutboundRefused):
        OutboundClient(HERE).post_json(receiver.url("/good"), {}, bearer=bearer)
    assert receiver.asked == []
