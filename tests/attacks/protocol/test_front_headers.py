"""Attacks on what the front says: headers forged by others, said twice or unclearly, and names that are not ours."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.house import House, members
from tests.support.tls.certificates import a_name, issue
from tests.support.tls.mutual import FRONT_SECRET, MTLS_BASE, Mutual

if TYPE_CHECKING:
    from cryptography import x509

    from tests.support.valkey import ValkeyServer


@pytest.mark.parametrize("form", ["as_client_cert", "as_escaped_pem"])
@pytest.mark.spec("MT-01")
def test_a_certificate_counts_only_when_the_front_brings_it(mutual: Mutual, form: str) -> None:
    portal, paper = mutual.portal(None), mutual.issuer.client()
    shown: dict[str, str] = getattr(paper, form)
    before = mutual.counted("not from the front")
    for claimed in ({}, {"Sen-Front": ""}, {"Sen-Front": FRONT_SECRET[:-1]}, {"Sen-Front": FRONT_SECRET.upper()}):
        portal.front = {**claimed, **shown}
        assert portal.pushes().status_code == 401, claimed
    assert mutual.counted("not from the front") == before + 4
    portal.front = {"Sen-Front": FRONT_SECRET, **shown}
    assert portal.pushes().status_code == 201
    assert mutual.counted("not from the front") == before + 4


@pytest.mark.parametrize(
    "name",
    [
        "SSL-Client-Cert", "SSL_CLIENT_CERT", "X-Forwarded-Client-Cert", "X-Client-Verify", "X-Client-Cert",
        "X-SSL-Cert", "Client-Certificate", "X-Client-Certificate", "X-ARR-ClientCert", "Client-Cert-Chain",
    ],
)  # fmt: skip
@pytest.mark.spec("MT-01")
def test_no_other_header_is_read_even_from_the_front(mutual: Mutual, name: str) -> None:
    portal, paper = mutual.portal(None), mutual.issuer.client()
    for value in (*paper.as_client_cert.values(), *paper.as_escaped_pem.values()):
        portal.front = {"Sen-Front": FRONT_SECRET, name: value}
        assert portal.pushes().status_code == 401


def _of_version_1(certificate: x509.Certificate) -> bytes:
    """Return a certificate without what only later versions have, its version and its extensions (RFC 5280 4.1)."""
    der, signed = certificate.public_bytes(Encoding.DER), certificate.tbs_certificate_bytes
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    kept = _sequence(signed[9 : signed.index(key) + len(key)])
    return _sequence(kept + der[len(signed) + 4 :])


def _sequence(inner: bytes) -> bytes:
    return b"\x30\x82" + len(inner).to_bytes(2) + inner


def _out_of_shape(certificate: x509.Certificate) -> list[bytes]:
    """Return what a TLS library hands on: of versions 1 and 2, and with a name and a date that cannot be read."""
    der = certificate.public_bytes(Encoding.DER)
    date = der.index(b"\x17\x0d", der.index(b"Test authority")) + 2  # a serial number may hold anything
    return [
        _of_version_1(certificate),
        der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x01", 1),
        der.replace("Cơ quan".encode(), b"C\xc6\xff quan"),
        der[:date] + b"99" + der[date + 2 :].replace(b"Z", b"0", 1),
    ]


@pytest.mark.spec("MT-01")
def test_what_the_front_says_unclearly_is_refused_and_counted(mutual: Mutual) -> None:
    portal = mutual.portal(None)
    paper = next(one for one in iter(mutual.issuer.client, None) if len(one.certificate_der) % 3)
    encoded, pem = b64encode(paper.certificate_der).decode(), paper.as_escaped_pem["X-SSL-Client-Cert"]
    last = encoded.rstrip("=")[-1]
    unclear = [
        {"Client-Cert": value}
        for value in (
            encoded, f":{encoded}", f":{encoded}:;a=1", f":{encoded}:, :{encoded}:", f": {encoded}:", "::",
            f"::{encoded}:", f":{encoded[:-4]}:", f":{encoded}AAAA:", f":{encoded.replace('+', '-')}-:", ":AA:",
            f":{encoded.replace(f'{last}=', f'{chr(ord(last) + 1)}=')}:", '"text"',
        )
    ]  # fmt: skip
    unclear += [
        {"X-SSL-Client-Cert": value}
        for value in (
            "NONE", "%", pem + pem, "x" + pem, pem.replace("BEGIN", "BEGIN%20TRUSTED"), pem[:-60],
            pem.replace("%0A", "%0D%0A"), encoded, "a" * 30_000, pem.replace("MII", "NII"),
        )
    ]  # fmt: skip
    unclear.append({**paper.as_client_cert, **paper.as_escaped_pem})
    unclear += [{"Client-Cert": f":{b64encode(der).decode()}:"} for der in _out_of_shape(paper.certificate)]
    before = mutual.counted("malformed")
    for shown in unclear:
        portal.front = {"Sen-Front": FRONT_SECRET, **shown}
        response = portal.pushes()
        assert (response.status_code, members(response)["error"]) == (400, "invalid_request"), shown
    assert mutual.counted("malformed") == before + len(unclear)
    portal.front, portal.paper = {"Sen-Front": FRONT_SECRET}, paper
    assert portal.pushes().status_code == 201


@pytest.mark.spec("MT-06", "HT-01")
def test_the_metadata_tell_of_mutual_tls_where_there_is_some(mutual: Mutual, house: House) -> None:
    document = members(mutual.house.browser().get("/.well-known/openid-configuration"))
    assert document["tls_client_certificate_bound_access_tokens"] is True
    aliases = document["mtls_endpoint_aliases"]
    assert aliases["token_endpoint"] == f"{MTLS_BASE}/token"
    assert {name: alias.replace(MTLS_BASE, document["issuer"]) for name, alias in aliases.items()} == {
        name: document[name] for name in aliases
    }
    assert "authorization_endpoint" not in aliases
    methods = {"tls_client_auth", "self_signed_tls_client_auth"}
    assert methods <= set(document["token_endpoint_auth_methods_supported"])
    plain = members(house.browser().get("/.well-known/openid-configuration"))
    assert not {"mtls_endpoint_aliases", "tls_client_certificate_bound_access_tokens"} & plain.keys()
    assert not methods & set(plain["token_endpoint_auth_methods_supported"])


@pytest.mark.spec("MT-06")
def test_every_endpoint_that_is_said_to_be_there_is_there(mutual: Mutual) -> None:
    aliases = members(mutual.house.browser().get("/.well-known/openid-configuration"))["mtls_endpoint_aliases"]
    assert len(aliases) >= 4
    for name, alias in aliases.items():
        path = alias.removeprefix(MTLS_BASE) + ("/one" if name == "grant_management_endpoint" else "")
        answer = mutual.house.browser().post(path, headers={"Host": "localhost:8444"})
        assert answer.status_code in {400, 401, 405, 415}, name
        assert answer.is_json, name


@pytest.mark.parametrize("path", ["/login", "/authorize", "/account", "/", "/consent", "/logout", "/activate"])
@pytest.mark.spec("MT-06", "HT-01")
def test_where_certificates_are_asked_for_no_page_is_shown(mutual: Mutual, path: str) -> None:
    browser = mutual.house.browser()
    assert browser.get(path, headers={"Host": "localhost:8444"}).status_code == 421
    assert browser.get(path).status_code != 421
    assert browser.get("/jwks", headers={"Host": "localhost:8444"}).status_code == 200


@pytest.mark.spec("LG-08")
def test_the_address_that_a_stranger_claims_is_not_heard_and_the_fronts_is(
    mutual: Mutual, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    heard = mutual.house.app._front.hears

    def noting(environ: dict[str, Any]) -> None:
        heard(environ)
        seen.append(environ.get("REMOTE_ADDR", ""))

    monkeypatch.setattr(mutual.house.app._front, "hears", noting)
    browser = mutual.house.browser()
    browser.get("/jwks", headers={"X-Forwarded-For": "198.51.100.7"})
    browser.get("/jwks", headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.7", "Sen-Front": FRONT_SECRET})
    assert seen == ["", "198.51.100.7"]


@pytest.mark.spec("MT-01")
def test_a_socket_is_the_front_as_long_as_no_secret_is_asked_for(
    tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer, mutual: Mutual
) -> None:
    folder = tmp_path_factory.mktemp("socket")
    changes = {"SEN_FRONT__SOCKET": str(folder / "sen.sock"), "SEN_FRONT__MTLS_BASE": MTLS_BASE}
    behind = Mutual(House.build(folder=folder, redis_url=lone_valkey.url, **changes), mutual.issuer)
    paper = issue(subject=a_name("portal.example"), by=None)
    portal = behind.self_signed(paper)
    portal.front = {}
    over_socket, from_elsewhere = (
        portal.http.post(
            "/par",
            data={**portal.authentication(), **portal.asks().parameters},
            headers=portal.headers,
            environ_base={"REMOTE_ADDR": address},
        ).status_code
        for address in ("", "127.0.0.1")
    )
    behind.house.services.close()
    assert (over_socket, from_elsewhere) == (201, 401)
