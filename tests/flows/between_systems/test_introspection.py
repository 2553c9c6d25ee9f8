"""Introspection: told to whom a token was given and to whom it is for; to all others, nothing is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey

from tests.support.foreign.systems import (
    INACTIVE,
    SCOPES,
    gets_token,
    introspects,
    new_resource,
    registers_machine,
)
from tests.support.house import ISSUER, House, answered, later, members

if TYPE_CHECKING:
    from tests.support.house import Portal, SignedIn
    from tests.support.signed_in import Tokens

SIGNED = "application/token-introspection+jwt"
SECRET = {"token_endpoint_auth_method": "client_secret_basic"}


@dataclass
class Scene:
    """A portal with a citizen's tokens for userinfo and for a resource, the server of that resource, and a stranger."""

    portal: Portal
    server: Portal
    stranger: Portal
    citizen: SignedIn
    own: Tokens
    remote: Tokens
    resource: str

    @classmethod
    def of(cls, house: House, **server: Any) -> Scene:
        """Register all of them and let a citizen log in twice."""
        resource = new_resource()
        portal = house.registers_portal(resources=[resource], scope=f"openid profile offline_access {SCOPES}")
        citizen = house.logs_in_directly()
        wide = "openid service:login offline_access records.read"
        return cls(
            portal,
            registers_machine(house, resources=[resource], resources_served=[resource], **server),
            registers_machine(house, resources=[resource], resources_served=[new_resource()]),
            citizen,
            citizen.gives_tokens(portal),
            citizen.gives_tokens(portal, resource=resource, scope=wide),
            resource,
        )


@pytest.fixture
def scene(house: House) -> Scene:
    """Give a scene of this test."""
    return Scene.of(house)


@pytest.mark.spec("RFC 7662 2.2", "RT-11")
def test_the_server_of_a_resource_learns_what_a_token_for_it_is(any_house: House) -> None:
    scene = Scene.of(any_house)
    told = introspects(scene.server, scene.remote.access)
    claims = scene.portal.reads_access_token(scene.remote.access, expected_audience=scene.resource)
    assert told == {
        "active": True,
        "token_type": "Bearer",
        **{
            name: claims[name]
            for name in ("iss", "client_id", "sub", "aud", "scope", "iat", "exp", "jti", "acr", "auth_time")
        },
    }
    assert introspects(scene.portal, scene.remote.access) == told


@pytest.mark.spec("RFC 7662 2.2", "RT-11")
def test_a_token_for_userinfo_and_a_refresh_token_are_told_to_whom_they_were_given_alone(any_house: House) -> None:
    scene = Scene.of(any_house)
    opaque, refresh = (introspects(scene.portal, token) for token in (scene.own.access, scene.own.refresh))
    subject = scene.own.id_token["sub"]
    assert (opaque["active"], opaque["aud"], opaque["sub"], opaque["exp"] - opaque["iat"]) == (
        True,
        ISSUER,
        subject,
        300,
    )
    assert (refresh["active"], refresh["sub"]) == (True, subject)
    assert not {"token_type", "aud", "jti"} & set(refresh)
    for token in (scene.own.access, scene.own.refresh, scene.remote.refresh):
        assert introspects(scene.server, token) == INACTIVE
        assert introspects(scene.stranger, token) == INACTIVE


@pytest.mark.spec("RT-11")
def test_a_token_for_another_resource_is_not_there(scene: Scene) -> None:
    assert introspects(scene.stranger, scene.remote.access) == INACTIVE
    assert introspects(scene.server, scene.remote.access)["active"] is True


@pytest.mark.spec("RT-12")
def test_everything_that_is_not_good_is_answered_alike(scene: Scene) -> None:
    code = answered(scene.own.answer)["code"]
    other_kinds = (
        scene.own.members["id_token"],
        code,
        scene.portal.assertion(),
        "nothing",
        "sen_at_",
        "sen_rt_",
        "a.b",
    )
    answers = [scene.portal.post("/introspect", token=token).data for token in other_kinds]
    altered = scene.remote.access[:-2] + ("AA" if scene.remote.access[-2:] != "AA" else "BB")
    answers += [scene.portal.post("/introspect", token=token).data for token in (altered, "x" * 9000)]
    answers.append(scene.stranger.post("/introspect", token=scene.remote.access).data)
    with later(301):
        answers += [scene.portal.post("/introspect", token=t).data for t in (scene.own.access, scene.remote.access)]
    scene.portal.revokes(scene.own.refresh)
    answers += [scene.portal.post("/introspect", token=t).data for t in (scene.own.access, scene.own.refresh)]
    assert {bytes(answer) for answer in answers} == {b'{"active":false}'}
    assert introspects(scene.portal, scene.remote.refresh)["active"] is True


@pytest.mark.spec("RT-11")
def test_who_has_not_proved_who_it_is_learns_nothing(house: House, scene: Scene) -> None:
    form = {"token": scene.remote.access}
    nobody = scene.server.http.post("/introspect", data=form)
    assert (nobody.status_code, members(nobody)["error"]) == (401, "invalid_client")
    named = scene.server.http.post("/introspect", data={**form, "client_id": scene.server.client_id})
    assert named.status_code == 401
    native = house.registers_portal(
        profile="native", token_endpoint_auth_method="none", redirect_uris=["http://127.0.0.1/cb"]
    )
    public = native.post("/introspect", token=scene.remote.access)
    assert (public.status_code, members(public)["error"]) == (401, "invalid_client")
    assert introspects(scene.server, scene.remote.access)["active"] is True


@pytest.mark.spec("RT-11")
def test_an_assertion_asks_once(scene: Scene) -> None:
    form = {**scene.server.authentication(), "token": scene.remote.access}
    first, second = (scene.server.http.post("/introspect", data=form) for _ in range(2))
    assert members(first)["active"] is True
    assert (second.status_code, members(second)["error"]) == (401, "invalid_client")


def test_a_question_without_a_token_or_by_get_is_refused(scene: Scene) -> None:
    assert members(scene.server.post("/introspect"))["error"] == "invalid_request"
    assert scene.server.http.get(f"/introspect?token={scene.remote.access}").status_code == 405


def test_a_hint_about_the_kind_changes_nothing(scene: Scene) -> None:
    for hint in ("access_token", "refresh_token", "nonsense"):
        answer = scene.portal.post("/introspect", token=scene.own.refresh, token_type_hint=hint)
        assert members(answer)["active"] is True


def reads_signed(asker: Portal, token: str, *, algorithm: str) -> dict[str, Any]:
    """Verify a signed answer with PyJWT, and return its claims."""
    header = jwt.get_unverified_header(token)
    assert (header["typ"], header["alg"]) == ("token-introspection+jwt", algorithm)
    keys = jwt.PyJWKSet.from_dict(orjson.loads(asker.http.get("/jwks").data))
    key = next(key for key in keys.keys if key.key_id == header["kid"])
    claims: dict[str, Any] = jwt.decode(token, key.key, algorithms=[algorithm], audience=asker.client_id, issuer=ISSUER)
    return claims


@pytest.mark.spec("RFC 9701 4", "RFC 9701 5")
def test_who_accepts_a_signed_answer_gets_one(scene: Scene) -> None:
    answer = scene.server.http.post(
        "/introspect",
        data={**scene.server.authentication(), "token": scene.remote.access},
        headers={"Accept": f"{SIGNED}, application/json;q=0.5"},
    )
    assert answer.headers["Content-Type"] == SIGNED
    claims = reads_signed(scene.server, answer.text, algorithm="ES256")
    assert set(claims) == {"iss", "aud", "iat", "token_introspection"}
    assert claims["token_introspection"] == introspects(scene.server, scene.remote.access)


@pytest.mark.spec("RFC 9701 5", "RFC 9701 6")
def test_who_is_registered_for_signed_answers_gets_no_others(house: House) -> None:
    scene = Scene.of(house, introspection_signed_response_alg="PS256")
    for token, active in ((scene.remote.access, True), ("nothing", False)):
        answer = scene.server.post("/introspect", token=token)
        claims = reads_signed(scene.server, answer.text, algorithm="PS256")
        assert claims["token_introspection"]["active"] is active
    assert claims["token_introspection"] == INACTIVE


@pytest.mark.spec("RFC 9701 5")
def test_an_answer_is_encrypted_to_who_is_registered_so_and_never_sent_in_the_clear(house: House) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    public = jwt.algorithms.ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
    scene = Scene.of(house)
    encrypted = registers_machine(
        house,
        resources=[scene.resource],
        resources_served=[scene.resource],
        introspection_encrypted_response_alg="ECDH-ES",
        introspection_encrypted_response_enc="A256GCM",
        token_endpoint_auth_method="client_secret_basic",
        jwks={"keys": [{**public, "use": "enc", "alg": "ECDH-ES", "kid": "e1"}]},
    )
    answer = encrypted.post("/introspect", token=scene.remote.access)
    assert answer.headers["Content-Type"] == SIGNED
    opened = jwe.decrypt_compact(answer.text, ECKey.import_key(private), algorithms=["ECDH-ES", "A256GCM"])
    assert opened.plaintext is not None
    claims = reads_signed(encrypted, opened.plaintext.decode(), algorithm="ES256")
    assert claims["token_introspection"]["active"] is True


def test_a_token_that_was_signed_for_introspection_is_no_token_here(scene: Scene) -> None:
    answer = scene.server.http.post(
        "/introspect",
        data={**scene.server.authentication(), "token": scene.remote.access},
        headers={"Accept": SIGNED},
    )
    assert introspects(scene.server, answer.text) == INACTIVE
    assert scene.portal.asks_userinfo(answer.text).status_code == 401


@pytest.mark.spec("RFC 8705 3.2", "RFC 9449 6.2")
def test_the_key_that_a_token_is_bound_to_is_told(house: House) -> None:
    resource = new_resource()
    server = registers_machine(house, resources=[resource], resources_served=[resource])
    bound = registers_machine(house, profile="fapi2", resources=[resource])
    assert bound.dpop is not None
    told = introspects(server, gets_token(bound, resource))
    assert told["token_type"] == "DPoP"
    assert told["cnf"] == {"jkt": bound.dpop.thumbprint}


@pytest.mark.spec("RFC 9701 5", "FAPI 2.0 Message Signing 5.5")
def test_who_signs_its_messages_gets_signed_answers_alone(house: House) -> None:
    scene = Scene.of(house)
    signing = registers_machine(house, profile="fapi2-signing", resources_served=[scene.resource])
    answer = signing.post("/introspect", token=scene.remote.access)
    assert answer.headers["Content-Type"] == SIGNED
    told = reads_signed(signing, answer.text, algorithm="ES256")["token_introspection"]
    assert told == introspects(scene.server, scene.remote.access)


def test_every_algorithm_that_the_metadata_lists_works(house: House, scene: Scene) -> None:
    document = members(scene.server.http.get("/.well-known/openid-configuration"))
    curve, rsa_key = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
    public = {
        "EC": jwt.algorithms.ECAlgorithm.to_jwk(curve.public_key(), as_dict=True),
        "RSA": jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key.public_key(), as_dict=True),
    }
    for algorithm in document["introspection_signing_alg_values_supported"]:
        asker = house.registers_portal(
            introspection_signed_response_alg=algorithm, resources_served=[scene.resource], **SECRET
        )
        answer = asker.post("/introspect", token=scene.remote.access).text
        assert reads_signed(asker, answer, algorithm=algorithm)["token_introspection"]["active"] is True
    for alg in document["introspection_encryption_alg_values_supported"]:
        kind = "RSA" if alg.startswith("RSA") else "EC"
        for enc in document["introspection_encryption_enc_values_supported"]:
            asker = house.registers_portal(
                introspection_encrypted_response_alg=alg,
                introspection_encrypted_response_enc=enc,
                resources_served=[scene.resource],
                jwks={"keys": [{**public[kind], "use": "enc", "alg": alg, "kid": "e1"}]},
                **SECRET,
            )
            answer = asker.post("/introspect", token=scene.remote.access).text
            key = RSAKey.import_key(rsa_key) if kind == "RSA" else ECKey.import_key(curve)
            opened = jwe.decrypt_compact(answer, key, algorithms=[alg, enc]).plaintext
            assert opened is not None
            assert reads_signed(asker, opened.decode(), algorithm="RS256")["token_introspection"]["active"] is True
