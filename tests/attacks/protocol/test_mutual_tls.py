"""Attacks on mutual TLS: foreign and worn-out certificates, other names, tokens that were stolen."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

import jwt
import pytest
from cryptography import x509

from tests.support.foreign.registrant import REDIRECT, Registrant
from tests.support.house import House, later, members
from tests.support.tls.certificates import AUTHORITY, SERVER_AUTH, Issuer, a_name, issue
from tests.support.tls.mutual import FRONT_SECRET, MTLS_BASE, SUBJECT, Mutual, MutualPortal

if TYPE_CHECKING:
    from tests.support.valkey import ValkeyServer


@pytest.mark.parametrize(
    "subject",
    [
        "CN=portal.example",
        "CN=portal.example,O=Cơ quan thử nghiệm",
        "C=VN,O=Cơ quan thử nghiệm,CN=portal.example",
        "CN=Portal.example,O=Cơ quan thử nghiệm,C=VN",
        "CN=portal.example\\ ,O=Co quan thu nghiem,C=VN",
        "CN=portal.example+O=Cơ quan thử nghiệm,C=VN",
        "CN=*,O=Cơ quan thử nghiệm,C=VN",
        "OU=more,CN=portal.example,O=Cơ quan thử nghiệm,C=VN",
    ],
)
@pytest.mark.spec("MT-03")
def test_a_subject_that_differs_in_anything_is_somebody_else(mutual: Mutual, subject: str) -> None:
    paper = mutual.issuer.client()
    assert mutual.portal(paper, tls_client_auth_subject_dn=subject).pushes().status_code == 401
    assert mutual.portal(paper).pushes().status_code == 201


@pytest.mark.parametrize(
    ("kind", "registered", "shown", "others"),
    [
        (
            "dns",
            "portal.example",
            x509.DNSName("portal.example"),
            [x509.DNSName("a.portal.example"), x509.DNSName("*.example"), x509.RFC822Name("a@portal.example")],
        ),
        (
            "uri",
            "https://portal.example/a",
            x509.UniformResourceIdentifier("https://portal.example/a"),
            [x509.UniformResourceIdentifier("https://portal.example/A"), x509.DNSName("portal.example")],
        ),
        (
            "ip",
            "2001:db8:0::1",
            x509.IPAddress(ip_address("2001:db8::1")),
            [x509.IPAddress(ip_address("2001:db8::2")), x509.DNSName("2001.example")],
        ),
        (
            "email",
            "portal@portal.example",
            x509.RFC822Name("portal@portal.example"),
            [x509.RFC822Name("Portal@portal.example"), x509.DNSName("portal.example")],
        ),
    ],
)
@pytest.mark.spec("MT-03")
def test_an_alternative_name_counts_where_it_is_the_registered_one(
    mutual: Mutual, kind: str, registered: str, shown: x509.GeneralName, others: list[x509.GeneralName]
) -> None:
    portal = mutual.portal(None, **{f"tls_client_auth_san_{kind}": registered})
    for names in ([], *([other] for other in others)):
        portal.paper = mutual.issuer.client(names=names)
        assert portal.pushes().status_code == 401, names
    portal.paper = mutual.issuer.client(names=[*others[:1], shown])
    assert portal.pushes().status_code == 201


@pytest.mark.spec("MT-03")
def test_only_a_good_path_to_a_configured_authority_counts(mutual: Mutual) -> None:
    issuer, portal = mutual.issuer, mutual.portal(None)
    leaf = issuer.client("another.example")
    leaf_as_issuer = Issuer(leaf.certificate, leaf.key)
    bad = {
        "expired": issuer.client(days=(-30, -0.01)),
        "not yet valid": issuer.client(days=(0.5, 30)),
        "for servers": issuer.client(usage=SERVER_AUTH),
        "an authority itself": issuer.client(authority=AUTHORITY),
        "another authority of the same name": Issuer.alone().client(),
        "another authority": Issuer.alone("Somebody else").client(),
        "signed itself": issue(subject=a_name("portal.example"), by=None),
        "issued by a client": leaf_as_issuer.client(),
        "an authority in between that nobody configured": issuer.authority().client(),
    }
    for why, paper in bad.items():
        portal.paper = paper
        response = portal.pushes()
        assert (response.status_code, members(response)["error"]) == (401, "invalid_client"), why
    portal.paper = issuer.client()
    assert portal.pushes().status_code == 201
    with later(31 * 86400):
        assert portal.pushes().status_code == 401


@pytest.mark.spec("MT-03")
def test_without_configured_authorities_no_name_is_believed(
    mutual: Mutual, house: House, tmp_path_factory: pytest.TempPathFactory, lone_valkey: ValkeyServer
) -> None:
    folder = tmp_path_factory.mktemp("nobody")
    settings = {"SEN_FRONT__SECRET": FRONT_SECRET, "SEN_FRONT__MTLS_BASE": MTLS_BASE}
    bare = Mutual(House.build(folder=folder, redis_url=lone_valkey.url, **settings), mutual.issuer)
    paper = mutual.issuer.client()
    assert bare.portal(paper).pushes().status_code == 401
    assert bare.self_signed(paper).pushes().status_code == 201
    bare.house.services.close()
    assert Mutual(house, mutual.issuer).portal(paper).pushes().status_code == 401


@pytest.mark.spec("MT-04")
def test_a_self_signed_certificate_counts_where_it_is_the_registered_one(mutual: Mutual) -> None:
    mine, yours = (issue(subject=a_name("portal.example"), by=None) for _ in range(2))
    portal = mutual.self_signed(mine)
    assert portal.pushes().status_code == 201
    same_key = Issuer(mine.certificate, mine.key).client()
    for other in (yours, same_key, mutual.issuer.client(), None):
        portal.paper = other
        assert portal.pushes().status_code == 401
    worn_out = mutual.self_signed(issue(subject=a_name("portal.example"), by=None, days=(-9, -1)))
    assert worn_out.pushes().status_code == 401


@pytest.mark.spec("MT-03", "MT-04")
def test_one_relying_partys_certificate_is_not_anothers(mutual: Mutual) -> None:
    one = mutual.portal(
        mutual.issuer.client("one.example"), tls_client_auth_subject_dn="CN=one.example,O=Cơ quan thử nghiệm,C=VN"
    )
    two = mutual.self_signed(issue(subject=a_name("two.example"), by=None))
    for portal, other in ((one, two), (two, one)):
        own = portal.paper
        portal.paper = other.paper
        assert portal.pushes().status_code == 401
        portal.paper = own
        assert portal.pushes().status_code == 201


@pytest.mark.spec("MT-03")
def test_a_certificate_authenticates_nobody_who_is_registered_otherwise(mutual: Mutual) -> None:
    paper = mutual.issuer.client()
    for method in ("private_key_jwt", "client_secret_basic"):
        portal = MutualPortal.registered(mutual.house, token_endpoint_auth_method=method)
        portal.paper = paper
        response = portal.http.post("/par", data=portal.asks().parameters, headers=portal.headers)
        assert response.status_code == 401
    known = mutual.portal(paper)
    stranger = replace(known, client_id="nobody")
    assert stranger.pushes().status_code == 401
    doubled = known.http.post("/par", data={**known.asks().parameters, "client_secret": "x"}, headers=known.headers)
    assert doubled.status_code == 401


@pytest.mark.spec("MT-05")
def test_a_stolen_token_is_worth_nothing_without_its_certificate(mutual: Mutual) -> None:
    paper = mutual.issuer.client()
    portal, citizen = mutual.portal(paper), mutual.house.logs_in_directly()
    tokens = citizen.gives_tokens(portal)
    assert portal.asks_userinfo(tokens.access).status_code == 200
    for other in (None, mutual.issuer.client(), issue(subject=a_name("portal.example"), by=None)):
        portal.paper = other
        response = portal.asks_userinfo(tokens.access)
        assert (response.status_code, members(response)["error"]) == (401, "invalid_token")
    portal.paper, portal.front = paper, {}
    assert portal.asks_userinfo(tokens.access).status_code == 401
    portal.front = {"Sen-Front": FRONT_SECRET}
    assert portal.asks_userinfo(tokens.access).status_code == 200


@pytest.mark.spec("MT-05")
def test_a_renewed_certificate_goes_on_and_its_tokens_are_bound_to_it_alone(mutual: Mutual) -> None:
    paper, renewed = mutual.issuer.client(), mutual.issuer.client()
    portal, citizen = mutual.portal(paper), mutual.house.logs_in_directly()
    tokens = citizen.gives_tokens(portal)
    portal.paper = mutual.issuer.client("another.example")
    assert portal.refreshes(tokens.refresh).status_code == 401
    portal.paper = renewed
    again = portal.refreshes(tokens.refresh)
    assert again.status_code == 200
    assert portal.asks_userinfo(members(again)["access_token"]).status_code == 200
    portal.paper = paper
    assert portal.asks_userinfo(members(again)["access_token"]).status_code == 401


@pytest.mark.spec("RG-06", "MT-03")
def test_what_was_pending_ends_when_the_name_in_the_certificate_changes(mutual: Mutual) -> None:
    names = {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": SUBJECT}
    registrant = Registrant(mutual.house).registered(**names)
    citizen, paper = mutual.house.logs_in_directly(), mutual.issuer.client()
    portal = MutualPortal(mutual.house, registrant.told["client_id"], registrant.key, REDIRECT, paper=paper)
    portal.method = names["token_endpoint_auth_method"]
    kept, ended, pushed = portal.asks(), portal.asks(), portal.asks().pushed()
    code, late = citizen.arrives(kept), citizen.arrives(ended)
    assert registrant.changes(**names, client_name="Cổng khác").status_code == 200
    assert kept.redeem(code).status_code == 200
    portal.paper = mutual.issuer.client("another.example")
    other = {**names, "tls_client_auth_subject_dn": SUBJECT.replace("portal.example", "another.example")}
    assert registrant.changes(**other).status_code == 200
    assert members(ended.redeem(late))["error"] == "invalid_grant"
    assert citizen.opens(pushed).status_code == 400
    fresh = portal.asks().pushed()
    assert fresh.redeem(citizen.arrives(fresh)).status_code == 200


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("subject_dn", SUBJECT, ["", "portal.example", "CN=a ,O=b"]),
        ("san_ip", "2001:db8::1", ["", "portal.example", "192.0.2.1/24"]),
        ("san_dns", "portal.example", ["", None]),
    ],
)
@pytest.mark.spec("MT-03")
def test_a_name_that_no_certificate_can_bear_is_not_registered(
    mutual: Mutual, kind: str, good: str, bad: list[str | None]
) -> None:
    registrant, name = Registrant(mutual.house), f"tls_client_auth_{kind}"
    for value in bad:
        refused = registrant.registers(token_endpoint_auth_method="tls_client_auth", **{name: value})
        assert (refused.status_code, members(refused)["error"]) == (400, "invalid_client_metadata"), value
        assert name in members(refused)["error_description"]
    registrant.registered(token_endpoint_auth_method="tls_client_auth", **{name: good})


@pytest.mark.spec("MT-05")
def test_an_authorization_that_was_given_to_a_certificate_gives_no_bearer_token(mutual: Mutual) -> None:
    portal, citizen = MutualPortal.registered(mutual.house), mutual.house.logs_in_directly()
    portal.paper = mutual.issuer.client()
    tokens = citizen.gives_tokens(portal)
    portal.paper = None
    assert portal.refreshes(tokens.refresh).status_code == 400
    portal.paper = mutual.issuer.client()
    assert portal.refreshes(tokens.refresh).status_code == 200


@pytest.mark.spec("MT-05")
def test_an_access_token_for_a_resource_names_the_certificate(mutual: Mutual) -> None:
    resource, paper = "https://api.example/", mutual.issuer.client()
    portal, citizen = mutual.portal(paper, resources=[resource]), mutual.house.logs_in_directly()
    tokens = citizen.gives_tokens(portal, resource=resource)
    assert portal.reads_access_token(tokens.access, expected_audience=resource)["cnf"] == {"x5t#S256": paper.x5t}
    plain = mutual.house.registers_portal(resources=[resource])
    bearer = citizen.gives_tokens(plain, resource=resource)
    assert "cnf" not in jwt.decode(bearer.access, options={"verify_signature": False})


@pytest.mark.spec("MT-05")
def test_whoever_authenticates_otherwise_may_bind_its_tokens_to_a_certificate(mutual: Mutual) -> None:
    portal, citizen = MutualPortal.registered(mutual.house), mutual.house.logs_in_directly()
    portal.paper = issue(subject=a_name("anybody"), by=None)
    tokens = citizen.gives_tokens(portal)
    assert portal.asks_userinfo(tokens.access).status_code == 200
    portal.paper = None
    assert portal.asks_userinfo(tokens.access).status_code == 401
