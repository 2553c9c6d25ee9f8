"""Makes what the OpenID Foundation's conformance suite needs for a run against `sen demo --tls`.

    python examples/conformance/make_plans.py FOLDER --sen https://localhost:9443 --suite https://localhost:8443

writes clients.json (for `sen demo --tls --clients`), one configuration for each plan, plans.txt (a plan with its
variants and its configuration in each line, for the suite's run-test-plan.py). Keys are made anew each time: the folder
is nothing to keep or to share.
"""

from __future__ import annotations

import argparse
import json
import secrets
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from joserfc.jwk import ECKey, RSAKey

from keys.certificates.development import make_self_signed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from joserfc.jwk import KeyParameters

    from keys.certificates.development import Pair

Json = dict[str, Any]

CODE = ["authorization_code", "refresh_token"]
SCOPE = "openid profile email address phone offline_access"
PURPOSES = ["electricity-connection"]
"""The one purpose that knows a name, an address, a telephone and an e-mail: scopes bring what the purpose holds."""

EKYC_PURPOSES = ["driving-licence"]
ASKED = {"verified_claims": {"verification": {"trust_framework": None}, "claims": {"name": None, "birthdate": None}}}
SECOND = "?dummy1=lorem&dummy2=ipsum"
"""What the suite puts behind the redirect address of its second client, to see that it comes back whole."""

PUBLIC = frozenset({"kty", "crv", "x", "y", "n", "e", "use", "alg", "kid", "x5c"})
METHODS = {"private_key_jwt": "private_key_jwt", "mtls": "self_signed_tls_client_auth"}
BOUND_BY = {"dpop": "dpop_bound_access_tokens", "mtls": "tls_client_certificate_bound_access_tokens"}
SIGNED = "[fapi_request_method=signed_non_repudiation][fapi_response_mode=jarm]"
PLAIN = "[security_profile=none][auth_request_method=http_query][auth_request_non_repudiation_method=unsigned]"


@dataclass(frozen=True, slots=True)
class Places:
    """Where both sides are found."""

    sen: str
    suite: str
    alias: str
    hint: str

    @property
    def mutual(self) -> str:
        """Where Sen asks for certificates: the port behind its own."""
        parts = urlsplit(self.sen)
        return f"https://{parts.hostname}:{(parts.port or 443) + 1}"

    def of_suite(self, path: str) -> str:
        """Return an address of the suite under our alias."""
        return f"{self.suite}/test/a/{self.alias}/{path}"


@dataclass(frozen=True, slots=True)
class Plan:
    """One line of plans.txt, its configuration, and the relying parties that it needs."""

    name: str
    file: str
    configuration: Json
    clients: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """A relying party: what Sen registers, and what the suite signs and shows in its name."""

    metadata: Json
    keys: tuple[Json, ...] = ()
    paper: Pair | None = None

    @property
    def registered(self) -> Json:
        """The metadata with the public halves of its keys."""
        own = [dict(key) for key in self.keys]
        if self.paper is not None:
            own.append(_certified(self.paper))
        public = [{name: value for name, value in key.items() if name in PUBLIC} for key in own]
        return {**self.metadata, "jwks": {"keys": public}} if public else dict(self.metadata)

    def said(self, scope: str) -> Json:
        """Return what the suite has to know, private keys included."""
        told: Json = {"client_id": self.metadata["client_id"], "scope": scope}
        if "client_secret" in self.metadata:
            told["client_secret"] = self.metadata["client_secret"]
        return {**told, "jwks": {"keys": list(self.keys)}} if self.keys else told

    @property
    def shown(self) -> Json:
        """The certificate and key for its connections, as the suite takes them."""
        if self.paper is None:
            raise ValueError("a relying party without a certificate")
        return {"cert": self.paper.certificate_pem.decode(), "key": self.paper.key_pem.decode()}


def a_key(algorithm: str) -> Json:
    """Return a new private key that signs with ES256 or PS256."""
    named: KeyParameters = {"alg": algorithm, "use": "sig", "kid": secrets.token_hex(4)}
    made = RSAKey.generate_key(2048, named) if algorithm == "PS256" else ECKey.generate_key("P-256", named)
    return made.as_dict(private=True)


def _certified(paper: Pair) -> Json:
    """Return the JWK that registers a self-signed certificate (RFC 8705 section 2.2.2)."""
    jwk = ECKey.import_key(paper.key_pem, {"use": "sig", "kid": secrets.token_hex(4)}).as_dict(private=False)
    return {**jwk, "alg": "ES256", "x5c": [b64encode(paper.certificate_der).decode()]}


def named(client_id: str, **metadata: Any) -> Json:
    """Return metadata with the members that every relying party of the suite has."""
    title = {"client_name#vi": f"Bộ kiểm thử {client_id}", "client_name#en": f"Suite {client_id}"}
    return {"client_id": client_id, **title, "scope": SCOPE, "purposes": PURPOSES, **metadata}


def ordinary(client_id: str, places: Places, *, method: str = "client_secret_basic", **more: Any) -> Client:
    """Return a relying party of the profile `web`, spared PKCE, with a secret."""
    first = places.of_suite("callback")
    metadata = named(
        client_id,
        profile="web",
        grant_types=CODE,
        loosened=["no_pkce"],
        redirect_uris=[first, first + SECOND],
        token_endpoint_auth_method=method,
        client_secret=secrets.token_urlsafe(32),
        **more,
    )
    return Client(metadata)


def configured(places: Places, **more: Any) -> Json:
    """Return what every configuration says."""
    return {
        "alias": places.alias,
        "description": "Sen",
        "server": {"discoveryUrl": f"{places.sen}/.well-known/openid-configuration"},
        **more,
    }


def openid_plans(places: Places) -> Iterator[Plan]:
    """Return the certification plans of OpenID Connect, and identity assurance."""
    basic, second = ordinary("suite-basic", places), ordinary("suite-basic-2", places)
    post = ordinary("suite-post", places, method="client_secret_post")
    static, opened = (f"[server_metadata=discovery][client_registration={one}_client]" for one in ("static", "dynamic"))
    said = {"client": basic, "client2": second, "client_secret_post": post}
    whole = configured(places, **{name: client.said("openid") for name, client in said.items()})
    three = (basic.registered, second.registered, post.registered)
    yield Plan(f"oidcc-basic-certification-test-plan{static}", "oidcc-basic", whole, three)
    yield Plan(f"oidcc-formpost-basic-certification-test-plan{static}", "oidcc-basic", whole)
    dynamic = configured(places, client={"client_name": "Suite"}, client2={"client_name": "Suite, another"})
    for name in ("basic", "formpost-basic"):
        yield Plan(f"oidcc-{name}-certification-test-plan{opened}", "oidcc-dynamic", dynamic)
    yield Plan("oidcc-config-certification-test-plan", "oidcc-dynamic", dynamic)
    yield Plan("oidcc-dynamic-certification-test-plan[response_type=code]", "oidcc-dynamic", dynamic)
    yield Plan("oidcc-3rdparty-init-login-certification-test-plan[response_type=code]", "oidcc-dynamic", dynamic)
    yield from logout_plans(places)
    ekyc = ordinary("suite-ekyc", places, purposes=EKYC_PURPOSES)
    variants = "[client_auth_type=client_secret_basic][response_type=code][response_mode=default]" + static
    asked = {"verified_claims_request_list": [{"userinfo": ASKED, "id_token": ASKED}]}
    name = f"ekyc-test-plan-oidccore{variants}{PLAIN}[sender_constrain=none][fapi_response_mode=plain_response]"
    yield Plan(name, "ekyc", configured(places, client=ekyc.said("openid"), ekyc=asked), (ekyc.registered,))


def logout_plans(places: Places) -> Iterator[Plan]:
    """Return the three plans of logout; each has a relying party that registers for that way alone."""
    ways: Mapping[str, Json] = {
        "rp-initiated": {},
        "backchannel-rp-initiated": {
            "backchannel_logout_uri": places.of_suite("backchannel_logout"),
            "backchannel_logout_session_required": True,
        },
        "frontchannel-rp-initiated": {
            "frontchannel_logout_uri": places.of_suite("frontchannel_logout"),
            "frontchannel_logout_session_required": True,
        },
    }
    for way, members in ways.items():
        back = [places.of_suite("post_logout_redirect")]
        client = ordinary(f"suite-{way}", places, post_logout_redirect_uris=back, **members)
        configuration = configured(places, client=client.said("openid"))
        name = f"oidcc-{way}-logout-certification-test-plan[client_registration=static_client][response_type=code]"
        yield Plan(name, f"oidcc-{way}-logout", configuration, (client.registered,))


def pair(stem: str, places: Places, **metadata: Any) -> tuple[Client, Client]:
    """Return the two relying parties of a FAPI plan, with a certificate and a key each."""
    made = []
    for number, behind, algorithm in ((1, "", "PS256"), (2, SECOND, "ES256")):  # some modules sign with RS256 instead
        client_id = f"{stem}-{number}"
        own = {"redirect_uris": [places.of_suite("callback") + behind], **metadata}
        own |= {name: algorithm for name in own if name.endswith("_signing_alg")}
        paper = make_self_signed(name=client_id, now=datetime.now(UTC))
        made.append(Client(named(client_id, **own), (a_key(algorithm),), paper))
    return made[0], made[1]


def of_pair(places: Places, both: tuple[Client, Client], *, resource: str, **more: Any) -> Json:
    """Return the configuration of a FAPI plan."""
    first, second = (one.said("openid offline_access") for one in both)
    return configured(
        places,
        client={**first, **more},
        client2=second,
        mtls=both[0].shown,
        mtls2=both[1].shown,
        resource={"resourceUrl": f"{resource}/userinfo"},
    )


def fapi2_plans(places: Places) -> Iterator[Plan]:
    """Return both plans of FAPI 2.0, with each way of authentication and each of binding."""
    kinds = (("fapi2-security-profile-final", "fapi2", ""), ("fapi2-message-signing-final", "fapi2-signing", SIGNED))
    for plan, profile, messages in kinds:
        for auth, method in METHODS.items():
            for bound, member in BOUND_BY.items():
                stem = f"{profile}-{auth.replace('_', '-')}-{bound}"
                more = {"profile": profile, "grant_types": CODE, "token_endpoint_auth_method": method, member: True}
                both = pair(f"suite-{stem}", places, **more)
                variants = f"[client_auth_type={auth}][sender_constrain={bound}][fapi_profile=plain_fapi]"
                name = f"{plan}-test-plan{variants}[openid=openid_connect][authorization_request_type=simple]{messages}"
                configuration = of_pair(places, both, resource=places.mutual if bound == "mtls" else places.sen)
                yield Plan(name, stem, configuration, tuple(one.registered for one in both))


def ciba_plans(places: Places) -> Iterator[Plan]:
    """Return the plans of CIBA: poll and ping, each with both ways of authentication."""
    for mode in ("poll", "ping"):
        for auth, method in METHODS.items():
            stem = f"ciba-{mode}-{auth.replace('_', '-')}"
            more: Json = {
                "profile": "web",  # its assertions may name the endpoint, as this plan's do
                "grant_types": ["urn:openid:params:grant-type:ciba", "refresh_token"],
                "response_types": [],
                "redirect_uris": [],
                "token_endpoint_auth_method": method,
                "token_endpoint_auth_signing_alg": "",  # as its key, like the other one of that kind
                "id_token_signed_response_alg": "ES256",
                "backchannel_authentication_request_signing_alg": "",
                "backchannel_token_delivery_mode": mode,
                BOUND_BY["mtls"]: True,
            }
            if mode == "ping":
                more["backchannel_client_notification_endpoint"] = places.of_suite("ciba-notification-endpoint")
            both = pair(f"suite-{stem}", places, **more)
            hint = {"hint_type": "login_hint", "hint_value": places.hint}
            whole = of_pair(places, both, resource=places.mutual, **hint)
            variants = f"[client_auth_type={auth}][fapi_ciba_profile=plain_fapi][ciba_mode={mode}]"
            name = f"fapi-ciba-id1-test-plan{variants}[client_registration=static_client]"
            whole["client2"] |= {"acr_value": "urn:sen:authentication-level:2"}  # that every passkey reaches
            yield Plan(name, stem, whole, tuple(one.registered for one in both))


def write(folder: Path, places: Places) -> int:
    """Write everything; return how many plans there are."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    plans = [*openid_plans(places), *fapi2_plans(places), *ciba_plans(places)]
    clients = [client for plan in plans for client in plan.clients]
    files = {"clients.json": clients} | {f"{plan.file}.json": plan.configuration for plan in plans}
    for name, value in files.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(json.dumps(value, indent=2, ensure_ascii=False), encoding="utf-8")
    lines = [f"{plan.name} {plan.file}.json" for plan in plans]
    (folder / "plans.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(plans)


def main() -> None:
    """Read what was typed, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sen", default="https://localhost:9443", help="the issuer")
    parser.add_argument("--suite", default="https://localhost:8443", help="the suite's base address")
    parser.add_argument("--alias", default="sen", help="the alias that the suite's addresses carry")
    parser.add_argument("--hint", default="099090000025", help="the personal number that CIBA asks for")
    typed = parser.parse_args()
    count = write(typed.folder, Places(typed.sen, typed.suite, typed.alias, typed.hint))
    print(f"{count} plans, and their relying parties in {typed.folder / 'clients.json'}")  # noqa: T201  a program


if __name__ == "__main__":
    main()
