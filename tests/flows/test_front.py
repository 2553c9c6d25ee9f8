"""The front: a real nginx before real workers, as `sen demo --tls` and `sen front` set it up."""

from __future__ import annotations

import http.client
import json
import re
import signal
import ssl
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import jwt
import pytest
import requests

from idp.cli.front import front
from tests.support.browser import Someone
from tests.support.foreign.dpop import DpopKey
from tests.support.portal import pkce
from tests.support.running import Running
from tests.support.tls.fronted import ASKED, CALLBACK, ELSEWHERE, MUTUAL, SELF_SIGNED, Fronted
from tests.support.tls.slow import PATIENCE_SECONDS, Crowd

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

CERTIFICATE_REQUEST = (22, 13)  # a message of the handshake (RFC 8446 section 4)


@pytest.mark.spec("ID-09", "MT-06")
def test_everything_is_said_to_be_where_it_is(fronted: Fronted) -> None:
    issuer, base = fronted.running.issuer, fronted.base
    document = fronted.ask(f"{issuer}/.well-known/openid-configuration").json()
    assert document["issuer"] == issuer
    assert document["mtls_endpoint_aliases"]["token_endpoint"] == f"{base}/token"
    assert fronted.ask(document["jwks_uri"]).json()["keys"]
    assert str(fronted.tls / "ca.pem") in fronted.running.welcome
    example = re.findall(r"^ +(curl .*)$", fronted.running.welcome, re.MULTILINE)
    assert len(set(example)) == 1
    answer = subprocess.run(example[0].split(), capture_output=True, check=True, timeout=PATIENCE_SECONDS)
    claims = jwt.decode(json.loads(answer.stdout)["access_token"], options={"verify_signature": False})
    assert claims["cnf"].keys() == {"x5t#S256"}


@pytest.mark.spec("HT-09")
def test_old_versions_and_weak_suites_of_tls_are_refused(fronted: Fronted) -> None:
    version = ssl.TLSVersion
    weak = "ALL:@SECLEVEL=0"
    for old in (version.TLSv1, version.TLSv1_1):
        with (
            pytest.raises((ssl.SSLError, ConnectionError)),
            fronted.handshake(ciphers=weak, minimum_version=version.TLSv1, maximum_version=old),
        ):
            pass
    for suite in ("ECDHE-RSA-AES128-SHA", "ECDHE-RSA-CHACHA20-POLY1305", "DHE-RSA-AES128-GCM-SHA256"):
        with (
            pytest.raises((ssl.SSLError, ConnectionError)),
            fronted.handshake(ciphers=f"{suite}:@SECLEVEL=0", maximum_version=version.TLSv1_2),
        ):
            pass
    with fronted.handshake(maximum_version=version.TLSv1_2) as secured:
        assert (secured.version(), secured.cipher()) == ("TLSv1.2", ("ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2", 128))
    with fronted.handshake() as secured:
        assert secured.version() == "TLSv1.3"
    plain = requests.get(f"http://localhost:{fronted.running.demo.port}/jwks", timeout=PATIENCE_SECONDS)
    assert plain.status_code == 400


def test_it_speaks_http_2(fronted: Fronted) -> None:
    with fronted.handshake(to="h2") as secured:
        assert secured.selected_alpn_protocol() == "h2"
        secured.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5))
        assert secured.recv(9)[3] == 4  # SETTINGS (RFC 9113 sections 3.4 and 6.5)


@pytest.mark.spec("HT-03")
def test_requests_of_two_lengths_are_refused(fronted: Fronted) -> None:
    host = f"Host: localhost:{fronted.running.demo.port}\r\n"
    form = "POST /token HTTP/1.1\r\n" + host + "Content-Type: application/x-www-form-urlencoded\r\n"
    form += "Connection: close\r\n"
    answers = {
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": b"400",
        "Content-Length: 4\r\nContent-Length: 5\r\n\r\naaaaa": b"400",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n": b"501",
        "Content-Length : 4\r\n\r\naaaa": b"400",
        "Content-Length: 100000\r\n\r\n": b"413",
        "Content-Length: 3\r\n\r\na=b": b"400",  # this one is read by Sen, which misses the grant
    }
    for rest, expected in answers.items():
        with fronted.handshake() as secured:
            secured.sendall((form + rest).encode())
            received = b""
            while more := secured.recv(1 << 16):  # a head and its body may come one after the other
                received += more
        assert received.split()[1] == expected, rest
        assert (b"grant_type" in received) == rest.endswith("a=b")
        assert (b'{"error":"invalid_request"' in received) == (rest.endswith("a=b") or expected == b"413")


@pytest.mark.spec("LO-01", "HT-05")
def test_what_is_too_large_for_a_page_is_told_to_a_person(fronted: Fronted) -> None:
    for path, is_page in (("/logout", True), ("/authorize", True), ("/par", False), ("/token", False)):
        answer = fronted.ask(f"{fronted.running.issuer}{path}", data="x" * 70_000)
        kind = "text/plain; charset=utf-8" if is_page else "application/json;charset=UTF-8"
        assert (answer.status_code, answer.headers["Content-Type"]) == (413, kind), path
        assert ("Yêu cầu quá lớn" in answer.content.decode()) == is_page


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.spec("MT-06", "HT-09")
def test_nobody_is_asked_for_a_certificate_but_at_the_address_for_them(
    fronted: Fronted, version: ssl.TLSVersion
) -> None:
    for port, is_asked in ((fronted.running.demo.port, False), (fronted.running.demo.port + 1, True)):
        said: list[tuple[int, int]] = []
        with fronted.handshake(
            port=port, maximum_version=version, _msg_callback=lambda *told, said=said: said.append(told[3:5])
        ) as secured:
            assert secured.version() == version.name.replace("_", ".")
        assert (CERTIFICATE_REQUEST in said) == is_asked, "and who has none is let in all the same"


@pytest.mark.spec("HT-01", "SS-11")
def test_another_name_gets_nothing_and_the_machines_own_addresses_are_not_shown(fronted: Fronted) -> None:
    issuer, base = fronted.running.issuer, fronted.base
    for host in ("elsewhere.example", f"localhost:{fronted.running.demo.port + 1}", "localhost"):
        assert fronted.ask(f"{issuer}/jwks", headers={"Host": host}).status_code == 421
    for path in ("/metrics", "/health/ready", "/health/live"):
        assert fronted.ask(issuer + path).status_code == 404
        assert fronted.ask(base + path).status_code == 404
    page = fronted.ask(f"{issuer}/login")
    assert (page.status_code, page.headers["Strict-Transport-Security"]) == (303, "max-age=0")
    assert page.headers["Server"] == "nginx"
    assert fronted.ask(f"{base}/login").status_code == 421


@pytest.mark.spec("MT-02", "MT-01")
def test_what_a_client_says_about_its_certificate_is_taken_away_on_the_way(fronted: Fronted) -> None:
    issuer, base = fronted.running.issuer, fronted.base
    client = (fronted.tls / "client.pem").read_text(encoding="ascii")
    forged = {
        "Client-Cert": "",
        "X-SSL-Client-Cert": "",
        "X_SSL_Client_Cert": "",
        "Client_Cert": "",
        "x-ssl-client-cert": "",
    }
    for name in forged:
        for address in (issuer, base):
            escaped = {name: quote(client, safe=""), "Sen-Front": "x" * 40, "X-Forwarded-For": "127.0.0.1"}
            assert fronted.pushes(MUTUAL, base=address, **escaped).status_code == 401
            assert fronted.pushes(MUTUAL, base=address, paper="own", **escaped).status_code == 401
    assert fronted.pushes(MUTUAL, base=base, paper="client", **{"X-SSL-Client-Cert": "x"}).status_code == 201
    assert fronted.pushes(MUTUAL, base=issuer, paper="client").status_code == 401


@pytest.mark.spec("MT-03", "MT-04")
def test_relying_parties_from_a_file_come_with_their_own_certificates(fronted: Fronted) -> None:
    good = {MUTUAL: "client", SELF_SIGNED: "own", ELSEWHERE: "foreign"}
    for client_id, own in good.items():
        for paper in ("client", "own", "foreign", "self-signed", None):
            expected = 201 if own == paper else 401
            assert fronted.pushes(client_id, base=fronted.base, paper=paper).status_code == expected, (client_id, paper)


@pytest.mark.spec("MT-05")
def test_a_citizen_logs_in_and_the_token_is_worth_something_to_its_holder_alone(
    fronted: Fronted, chromium: Browser
) -> None:
    running, base = fronted.running, fronted.base
    someone = Someone.at(chromium, running, ignore_https_errors=True)
    verifier, challenge = pkce()
    asked = {**ASKED, "client_id": MUTUAL, "code_challenge": challenge, "state": "s"}
    pushed = fronted.ask(f"{base}/par", paper="client", data=asked).json()
    query = urlencode({"client_id": MUTUAL, "request_uri": pushed["request_uri"]})
    someone.opens(f"/authorize?{query}")
    someone.activates(running.citizen())
    with someone.page.expect_request(f"{CALLBACK}?*") as back:
        someone.presses("Đồng ý")
    someone.page.wait_for_url(lambda url: not url.startswith(running.issuer))  # nobody answers there
    answered = {name: values[0] for name, values in parse_qs(urlsplit(back.value.url).query).items()}
    assert (answered["state"], answered["iss"]) == ("s", running.issuer)
    someone.chooses("login")
    someone.presses("Đồng ý")
    someone.page.wait_for_url(f"{running.portal}/**")
    assert someone.complaints == []
    someone.leaves()

    redeem = {"grant_type": "authorization_code", "code": answered["code"], "redirect_uri": CALLBACK}
    form = {**redeem, "client_id": MUTUAL, "code_verifier": verifier}
    token = fronted.ask(f"{base}/token", paper="client", data=form)
    assert token.status_code == 200, token.text
    bearer = {"Authorization": f"Bearer {token.json()['access_token']}"}
    assert fronted.ask(f"{base}/userinfo", paper="client", headers=bearer).json()["sub"]
    for address, paper in ((base, None), (base, "own"), (base, "foreign"), (running.issuer, "client")):
        assert fronted.ask(f"{address}/userinfo", paper=paper, headers=bearer).status_code == 401


@pytest.mark.spec("HT-06", "F22")
def test_a_thousand_slow_clients_stop_nobody_else(fronted: Fronted) -> None:
    issuer, base = fronted.running.issuer, fronted.base
    with Crowd.at(port=fronted.running.demo.port, authority=fronted.tls / "ca.pem") as slow:
        slow.shakes_hands_halfway(600, address="127.0.0.2")
        slow.begins_requests(200, address="127.0.0.3")
        slow.begins_bodies(200, address="127.0.0.4")
        for _ in range(5):
            slow.goes_on()
            assert fronted.ask(f"{issuer}/.well-known/openid-configuration").json()["issuer"] == issuer
            assert fronted.pushes(MUTUAL, base=base, paper="client").status_code == 201
            page = requests.get(f"{issuer}/login", verify=str(fronted.tls / "ca.pem"), timeout=PATIENCE_SECONDS)
            assert (page.status_code, "passkey" in page.text) == (200, True)
        ask = f"GET /jwks HTTP/1.1\r\nHost: localhost:{slow.port}\r\nConnection: close\r\n\r\n".encode()
        for beside in ("127.0.0.2", "127.0.0.3", "127.0.0.4"):
            assert slow.asks(ask, address=beside).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("mtls_base", ["", "https://mtls.sen.example", "https://login.sen.example:8444"])
def test_the_printed_configuration_is_good_for_an_nginx_that_has_one_already(
    fronted: Fronted,
    tmp_path: Path,
    mtls_base: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in {
        "SERVER__ISSUER": "https://login.sen.example",
        "SECRETS__MASTER_KEY": "QSBrZXkgb2YgdGhpcnR5LXR3byBieXRlcywgYSB0ZXM=",
        "FRONT__SOCKET": "/run/sen/sen.sock",
        "FRONT__MTLS_BASE": mtls_base,
        "FRONT__SECRET": "s" * 32,
    }.items():
        monkeypatch.setenv(f"SEN_{name}", value)
    front(certificate=fronted.tls / "server.pem", private_key=fronted.tls / "server.key")
    printed = capsys.readouterr().out
    assert printed.count("\n    server_name") == (2 if mtls_base else 1)
    assert "max-age=63072000; includeSubDomains" in printed
    assert ("optional_no_ca" in printed) == bool(mtls_base)
    served = printed.replace("/var/log/nginx/error.log", "stderr")
    folder = f'"{tmp_path}/t"'
    temporary = "".join(f"{kind}_temp_path {folder};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    usual = "ssl_protocols TLSv1.2; ssl_prefer_server_ciphers off; gzip on; access_log off; server_tokens on;"
    whole = f'pid "{tmp_path}/pid"; events {{}} http {{ {temporary} {usual}\n{served} }}'
    (tmp_path / "nginx.conf").write_text(whole, encoding="utf-8")
    command = ["/usr/sbin/nginx", "-t", "-e", "stderr", "-c", str(tmp_path / "nginx.conf")]
    tried = subprocess.run(command, capture_output=True, check=False, text=True)
    assert tried.returncode == 0, tried.stderr


def test_when_it_ends_nothing_is_left(tmp_path: Path) -> None:
    running = Running.start(tmp_path, options=("--tls",))
    demo = running.demo
    assert any(part.endswith("nginx") for child in demo.family for part in child.cmdline()[:1]) or demo.named("nginx")
    assert demo.send(signal.SIGINT) == 0
    assert demo.leaves_nothing()
    assert not (tmp_path / "var" / "tls" / "sen.sock").exists()
    running.end()


@pytest.mark.spec("DP-01", "DP-09")
def test_the_workers_hear_that_there_were_two_proofs(fronted: Fronted) -> None:
    key = DpopKey(base=fronted.running.issuer)
    context = ssl.create_default_context(cafile=fronted.tls / "ca.pem")
    context.load_cert_chain(fronted.tls / "own.pem", fronted.tls / "own.key")
    port = int(fronted.base.rpartition(":")[2])
    for proofs, outcome in ((1, 201), (2, 400)):
        _verifier, challenge = pkce()
        asked = {**ASKED, "client_id": SELF_SIGNED, "code_challenge": challenge}
        connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=PATIENCE_SECONDS)
        connection.putrequest("POST", "/par")
        connection.putheader("Content-Type", "application/x-www-form-urlencoded")
        for _ in range(proofs):
            connection.putheader("DPoP", key.proof("/par"))
        body = urlencode(asked).encode()
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        assert answer.status == outcome, text
        assert ("invalid_dpop_proof" in text) == (proofs > 1)
