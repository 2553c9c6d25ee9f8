"""Relying parties of the suite: metadata, keys and certificates, made anew for each run.

`sen demo --clients` registers them. The same metadata with the private keys is what each program gets as its file.
"""

from __future__ import annotations

import json
import secrets
import subprocess
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from joserfc.jwk import ECKey, OKPKey, RSAKey

from idp import clock
from keys.certificates.development import DevelopmentAuthority, make_self_signed
from tests.support.demo import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from joserfc.jwk import KeyParameters

CIBA = "urn:openid:params:grant-type:ciba"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
CODE = ["authorization_code", "refresh_token"]
RECORDS, REGISTERS, ARCHIVE = (f"https://{name}.example/" for name in ("records", "registers", "archive"))
SCOPES = "records.read records.write"


USUAL_PORTS = {8101: "fapi2", 8102: "fapi2-signing"}


def a_key(alg: str, *, use: str = "sig") -> dict[str, Any]:
    """Return a new private key as a JWK that says what it is for."""
    named: KeyParameters = {"alg": alg, "use": use, "kid": secrets.token_hex(4)}
    if alg.startswith(("PS", "RS")):  # RSA-OAEP too
        return RSAKey.generate_key(2048, named).as_dict(private=True)
    if alg == "EdDSA":
        return OKPKey.generate_key("Ed25519", named).as_dict(private=True)
    return ECKey.generate_key("P-256", named).as_dict(private=True)


def by_key(*algorithms: str, encryption: str | None = None) -> dict[str, Any]:
    """Return what says that a client signs, and what it decrypts with."""
    keys = [a_key(alg) for alg in algorithms]
    keys += [a_key(encryption, use="enc")] if encryption else []
    return {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": keys}}


def by_secret(method: str) -> dict[str, Any]:
    """Return what says that a client has a secret; with characters that have to be encoded in Basic (RFC 6749)."""
    return {"token_endpoint_auth_method": method, "client_secret": f"a+b %/{secrets.token_urlsafe(24)}"}


def portals(callback: str) -> dict[str, dict[str, Any]]:
    """Return relying parties whose citizens log in."""
    back = {
        "redirect_uris": [callback],
        "post_logout_redirect_uris": [callback],
        "grant_types": CODE,
        "scope": "openid offline_access",
        "purposes": ["login", "driving-licence"],
    }
    web, signing = {**back, "profile": "web"}, {**back, "profile": "fapi2-signing"}
    rsa = {"id_token_encrypted_response_alg": "RSA-OAEP-256", "id_token_encrypted_response_enc": "A256GCM"}
    ec = {"id_token_encrypted_response_alg": "ECDH-ES", "userinfo_encrypted_response_alg": "ECDH-ES"}
    return {
        "fapi2": {**back, **by_key("ES256"), "authorization_details_types": ["vn_document_share"]},
        "fapi2-resource": {**back, **by_key("PS256"), "resources": [RECORDS], "scope": f"openid {SCOPES}"},
        "exchanging": {**back, **by_key("ES256"), "resources": [RECORDS], "scope": f"openid {SCOPES}"},
        "fapi2-signing": {**signing, **by_key("PS256"), "authorization_signed_response_alg": "PS256"},
        "web-basic": {**web, **by_secret("client_secret_basic")},
        "web-post": {
            **web,
            **by_secret("client_secret_post"),
            "response_modes": ["query", "form_post", "form_post.jwt"],
        },
        "encrypted-rsa": {**web, **by_key("PS256", encryption="RSA-OAEP-256"), **rsa},
        "encrypted-ec": {**web, **by_key("ES256", encryption="ECDH-ES"), **ec, "userinfo_signed_response_alg": "ES256"},
        "app": {
            **back,
            "profile": "native",
            "redirect_uris": [callback.replace("localhost", "127.0.0.1")],
            "token_endpoint_auth_method": "none",
        },
        "idpyoidc": {
            **web,
            **by_key("ES256"),
            "id_token_signed_response_alg": "ES256",
            "require_pushed_authorization_requests": True,
            "dpop_bound_access_tokens": True,
        },
    }


def elsewhere(ports: dict[str, int]) -> dict[str, dict[str, Any]]:
    """Return relying parties whose citizens answer on another device."""
    common = {"purposes": ["login"], "scope": "openid offline_access"}
    named = {**common, "redirect_uris": ["http://localhost/callback"], "grant_types": [*CODE, CIBA]}
    return {
        "device": {
            **common,
            "profile": "native",
            "redirect_uris": ["http://127.0.0.1/callback"],
            "grant_types": [*CODE, DEVICE],
            "token_endpoint_auth_method": "none",
        },
        "television": {
            **common,
            **by_secret("client_secret_basic"),
            "profile": "web",
            "redirect_uris": ["http://localhost/callback"],
            "grant_types": ["authorization_code", DEVICE],
        },
        "ciba": {
            **named,
            **by_key("ES256"),
            "backchannel_token_delivery_mode": "poll",
            "backchannel_authentication_request_signing_alg": "ES256",
        },
        "ciba-ping": {
            **named,
            **by_key("PS256"),
            "profile": "web",
            "backchannel_token_delivery_mode": "ping",
            "backchannel_client_notification_endpoint": f"http://localhost:{ports['ciba-ping']}/ping",
        },
    }


def systems() -> dict[str, dict[str, Any]]:
    """Return relying parties without people, one for each way to say who it is; and servers of resources."""
    machine: dict[str, Any] = {
        "profile": "machine",
        "grant_types": ["client_credentials"],
        "resources": [RECORDS, REGISTERS],
        "scope": SCOPES,
    }
    server = {**machine, "resources": [ARCHIVE]}
    policy = {"resources": [ARCHIVE], "scopes": ["records.read"]}
    return {
        "machine-basic": {**machine, **by_secret("client_secret_basic")},
        "machine-post": {**machine, **by_secret("client_secret_post")},
        "machine-key": {**machine, **by_key("PS256")},
        "records": {
            **server,
            **by_key("ES256"),
            "resources_served": [RECORDS],
            "grant_types": ["client_credentials", EXCHANGE],
            "exchange": policy,
        },
        "registers": {
            **server,
            **by_key("ES256"),
            "resources_served": [REGISTERS],
            "introspection_signed_response_alg": "ES256",
        },
        "archive": {**machine, **by_key("ES256"), "resources_served": [ARCHIVE]},
    }


def servers(ports: dict[str, int]) -> dict[str, dict[str, Any]]:
    """Return portals that are servers and hear of logouts, by the name of their port."""
    common = {"profile": "web", "grant_types": ["authorization_code"], "scope": "openid", "purposes": ["login"]}
    at = {name: f"http://localhost:{port}" for name, port in ports.items()}
    encrypted = {"id_token_encrypted_response_alg": "RSA-OAEP", "id_token_encrypted_response_enc": "A128CBC-HS256"}
    apache = {**common, **encrypted}
    back, front = (f"{at[name]}/oidc" for name in ("apache-back", "apache-front"))
    return {
        "express": {
            **common,
            **by_key("ES256"),
            "redirect_uris": [f"{at['express']}/callback"],
            "post_logout_redirect_uris": [at["express"]],
            "backchannel_logout_uri": f"{at['express']}/backchannel-logout",
        },
        "apache-back": {
            **apache,
            **by_secret("client_secret_basic"),
            "jwks": {"keys": [a_key("RSA-OAEP", use="enc")]},
            "redirect_uris": [back],
            "backchannel_logout_uri": f"{back}?logout=backchannel",
        },
        "apache-front": {
            **apache,
            **by_secret("client_secret_basic"),
            "jwks": {"keys": [a_key("RSA-OAEP", use="enc")]},
            "redirect_uris": [front],
            "frontchannel_logout_uri": f"{front}?logout=get",
            "frontchannel_logout_session_required": True,
        },
    }


def of_examples(folder: Path, *, ports: dict[str, int]) -> dict[str, dict[str, Any]]:
    """Return the clients of examples/, made as their README says, each on the port that is free for it here."""
    made = folder / "examples"
    subprocess.run(["node", str(ROOT / "examples" / "make_clients.mjs"), str(made)], check=True)
    text = (made / "clients.json").read_text(encoding="utf-8")
    for usual, name in USUAL_PORTS.items():
        text = text.replace(f"localhost:{usual}/", f"localhost:{ports[name]}/")
    return {metadata["client_id"]: metadata for metadata in json.loads(text)}


def write(folder: Path, *, callback: str, ports: dict[str, int], examples: dict[str, dict[str, Any]]) -> Path:
    """Write a file for each client, PEM files for those with certificates, and what `sen demo --clients` reads."""
    authority = DevelopmentAuthority.make(name="An authority of relying parties", now=clock.now())
    everything = portals(callback) | elsewhere(ports) | systems() | servers(ports) | examples
    for kind, base in (("portal", everything["fapi2"]), ("machine", everything["machine-key"])):
        bare = {name: value for name, value in base.items() if name not in {"jwks", "authorization_details_types"}}
        everything |= _with_certificates(bare, kind=kind, authority=authority, folder=folder)
    listed = [{"client_id": name, **metadata} for name, metadata in everything.items()]
    for metadata in listed:
        (folder / f"{metadata['client_id']}.json").write_text(json.dumps(metadata, indent=2), encoding="utf-8")
    loaded = {"clients": listed, "certificate_authorities": [authority.pair.certificate_pem.decode()]}
    file = folder / "all-clients.json"
    file.write_text(json.dumps(loaded), encoding="utf-8")
    return file


def _with_certificates(
    bare: dict[str, Any], *, kind: str, authority: DevelopmentAuthority, folder: Path
) -> dict[str, dict[str, Any]]:
    """Return two clients that are the same but for who signed their certificate: an authority, or themselves."""
    issued = authority.issue_client(name=f"{kind}.example", now=clock.now())
    own = make_self_signed(name=f"{kind}.example", now=clock.now())
    public = ECKey.import_key(own.key_pem).as_dict(private=False)
    published = {**public, "use": "sig", "alg": "ES256", "x5c": [b64encode(own.certificate_der).decode()]}
    methods: dict[str, dict[str, Any]] = {
        f"{kind}-mtls": {
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_subject_dn": f"CN={kind}.example",
        },
        f"{kind}-self-signed": {
            "token_endpoint_auth_method": "self_signed_tls_client_auth",
            "jwks": {"keys": [published]},
        },
    }
    for name, pair in zip(methods, (issued, own), strict=True):
        (folder / f"{name}.pem").write_bytes(pair.certificate_pem)
        (folder / f"{name}.key").write_bytes(pair.key_pem)
    bound = {"tls_client_certificate_bound_access_tokens": True}
    return {name: {**bare, **bound, **method} for name, method in methods.items()}
