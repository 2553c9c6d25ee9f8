"""A portal with idpyoidc: pushed request, PKCE, private_key_jwt, and tokens bound to a key (DPoP).

Its profile is `web`, with `require_pushed_authorization_requests` and `dpop_bound_access_tokens`: idpyoidc 5.0.0 names
the audience of its statements as an array, which FAPI 2.0 does not allow. Its add-ons for PAR and DPoP do not follow
their standards in three places; where this program does something itself instead, a comment says why.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import requests
from cryptojwt.key_jar import KeyJar
from idpyoidc.client.client_auth import PrivateKeyJWT
from idpyoidc.client.defaults import DEFAULT_OIDC_SERVICES
from idpyoidc.client.oauth2.add_on import dpop, pkce
from idpyoidc.client.oauth2.stand_alone_client import StandAloneClient
from idpyoidc.message import SINGLE_OPTIONAL_STRING, Message
from idpyoidc.message.oauth2 import JWTSecuredAuthorizationRequest
from idpyoidc.message.oidc import AuthorizationResponse

ISSUER = os.environ["ISSUER"]
CLIENT = json.loads(Path(os.environ["CLIENT_FILE"]).read_text(encoding="utf-8"))
CALLBACK = CLIENT["redirect_uris"][0]
nonces: list[str] = [""]


def http(method: str, url: str, **options: Any) -> requests.Response:
    """Send a request, and keep the nonce that Sen wants in the next DPoP proof (RFC 9449 section 8)."""
    certain = {
        "timeout": 10,
        **options,
        "verify": True,
    }  # idpyoidc would fetch Sen's keys without looking at who answers
    answer = requests.request(method, url, **certain)  # noqa: S113  it stands there
    nonces[0] = answer.headers.get("DPoP-Nonce", nonces[0])
    return answer


class ShortLived(PrivateKeyJWT):
    """A statement of who we are, good for a minute; idpyoidc makes it good for ten, and Sen takes five at most."""

    def construct(self, request: Message, service: Any = None, http_args: Any = None, **more: Any) -> Any:
        """Sign it with our key."""
        ours = {"audience": ISSUER, "algorithm": "ES256", "lifetime": 60}
        return super().construct(request, service, http_args, **{**more, **ours})


class Proof(dpop.DPoPProof):
    """A proof with a nonce; idpyoidc 5.0.0 leaves it out."""

    c_param: ClassVar[dict[str, Any]] = {**dpop.DPoPProof.c_param, "nonce": SINGLE_OPTIONAL_STRING}
    body_params: ClassVar[set[str]] = {*dpop.DPoPProof.body_params, "nonce"}


def with_proof(service_context: Any, service_endpoint: str, http_method: str, **more: Any) -> dict[str, str]:
    """Add the DPoP header: signed by idpyoidc, with the nonce, and with the hash of the token as RFC 9449 writes it.

    idpyoidc 5.0.0 writes `ath` in hexadecimal digits; section 4.2 asks for base64url.
    """
    endpoint = more.get("endpoint") or service_context.provider_info[service_endpoint]
    return proof_for(http_method, endpoint, token=more.get("token", ""), headers=more.get("headers"))


def proof_for(method: str, url: str, *, token: str = "", headers: dict[str, str] | None = None) -> dict[str, str]:
    """Return the headers with a new proof for one request."""
    dpop_key = key
    claims = {"htm": method, "htu": url, "iat": dpop.utc_time_sans_frac(), "jti": dpop.uuid.uuid4().hex}
    if token:
        claims["ath"] = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
    if nonces[0]:
        claims["nonce"] = nonces[0]
    proof = Proof(typ="dpop+jwt", alg="ES256", jwk=dpop_key.serialize(), **claims)
    proof.key = dpop_key
    return {**(headers or {}), "DPoP": proof.create_header()}


def pushed(request_args: Message, service: Any, **_more: Any) -> Message:
    """Push the request and go on with its short name (RFC 9126).

    The add-on of idpyoidc 5.0.0 takes 200 for an answer, where the standard says 201, and hides our statement of who
    we are in a request object, where nobody looks for it.
    """
    endpoint = service.upstream_get("context").provider_info["pushed_authorization_request_endpoint"]
    for _ in range(2):  # a second time with Sen's nonce, where the first proof had none
        whole = Message(**{**request_args.to_dict(), "client_id": CLIENT["client_id"]})
        service.get_headers(whole, http_method="POST", authn_method="private_key_jwt")  # adds the signed statement
        headers = proof_for("POST", endpoint, headers={"Content-Type": "application/x-www-form-urlencoded"})
        answer = http("POST", endpoint, headers=headers, data=whole.to_urlencoded())
        if answer.json().get("error") != "use_dpop_nonce":
            break
    assert answer.status_code == requests.codes.created, answer.text
    needed = {name: request_args[name] for name in request_args.required_parameters()}  # or idpyoidc complains
    return JWTSecuredAuthorizationRequest(**needed, request_uri=answer.json()["request_uri"])


def opens(url: str) -> str:
    """Send the citizen to an address; return the address at which the browser came back."""
    sys.stdout.write("citizen> " + json.dumps({"do": "open", "url": url}) + "\n")
    sys.stdout.flush()
    return str(json.loads(input())["url"])


# 1. Who we are, and what Sen says of itself.
keys = KeyJar()
keys.import_jwks(CLIENT["jwks"], "")
keys.import_jwks(CLIENT["jwks"], CLIENT["client_id"])
key = dpop.key_by_alg("ES256")
relying_party = StandAloneClient(
    keyjar=keys,
    httpc=http,
    client_type="oidc",
    services=DEFAULT_OIDC_SERVICES,
    config={
        "client_id": CLIENT["client_id"],
        "redirect_uris": [CALLBACK],
        "issuer": ISSUER,
        "base_url": f"{urlsplit(CALLBACK).scheme}://{urlsplit(CALLBACK).netloc}",
        "response_types_supported": ["code"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg": "ES256",
        "id_token_signed_response_alg": "ES256",
        "client_authn_methods": {"private_key_jwt": {"class": ShortLived, "kwargs": {}}},
    },
)
pkce.add_support(relying_party.get_services(), code_challenge_length=64, code_challenge_method="S256")
relying_party.do_provider_info()
relying_party.do_client_registration()

# 2. The extension points that the add-ons use, too: before the browser is sent, and for the headers of a request.
services = relying_party.get_services()
services["authorization"].post_construct.append(pushed)
services["accesstoken"].construct_extra_headers.append(with_proof)

# 3. A login: asked, answered, redeemed. idpyoidc checks state, iss, nonce and the ID token's signature.
asked = relying_party.init_authorization(req_args={"scope": ["openid", "service:login"], "redirect_uri": CALLBACK})
url = asked if isinstance(asked, str) else asked["url"]
assert "code_challenge" not in url, url
back = dict(parse_qsl(urlsplit(opens(url)).query))
answer = relying_party.finalize_auth(AuthorizationResponse(**back))
tokens = relying_party.get_access_and_id_token(answer, state=back["state"])
assert tokens["id_token"]["acr"], tokens

# 4. What the citizen agreed to share; the token alone, without the key, is nothing.
access_token, sub = tokens["access_token"], tokens["id_token"]["sub"]
userinfo = relying_party.get_context().provider_info["userinfo_endpoint"]
proof = proof_for("GET", userinfo, token=access_token)
person = http("GET", userinfo, headers={"Authorization": f"DPoP {access_token}", **proof})
assert person.json()["sub"] == sub, person.text
stolen = http("GET", userinfo, headers={"Authorization": f"Bearer {access_token}"})
assert stolen.status_code == requests.codes.unauthorized, stolen.text
sys.stdout.write("A login with idpyoidc.\n")
