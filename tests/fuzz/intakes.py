"""INTAKES: every place where something of a stranger is read, as a function of one hostile text."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from idp import clock
from idp.endpoints._front import LONGEST_HEADER, read_client_cert, read_escaped_pem
from idp.endpoints._http import FORM, Request, read_cookies, read_parameters
from idp.errors import InvalidToken, SenError
from idp.protocol import id_token_hint, request_object, tokens
from idp.protocol.claims import requested
from idp.protocol.client_auth import authenticate
from idp.protocol.grants.decoupled import backchannel_request
from idp.protocol.logout import LogoutRequest
from idp.protocol.sender import dpop
from idp.relying_parties import authorization_details, metadata_rules, registration_metadata
from idp.relying_parties.metadata_reader import Deployment
from idp.relying_parties.registration_metadata import NOT_ITS_OWN
from idp.relying_parties.software_statement import StatementIssuers
from idp.relying_parties.store import Allowance, StoredClient
from keys import JoseRefused, KeysError, parse_encryption_keys, parse_jwks
from keys.certificates import read_certificate
from keys.compact import decode, peek_unverified, read_object
from tests.fuzz.corpus import segment
from tests.fuzz.corpus import tokens as tokens_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from idp.protocol.provider import Provider
    from idp.relying_parties.client import RelyingParty
    from tests.support.house import House, Portal

OWNER = {"name#vi": "Cơ quan thử nghiệm", "name#en": "Test authority"}
ALLOWANCE = Allowance(("web", "native", "fapi2"), ("login",), OWNER, approved=True)
SHORT = 1024
REDIRECT = "https://portal.example/callback"
OURS = (SenError, KeysError)
"""The roots of everything that may come of something of a stranger's."""

PRIMITIVE = (*OURS, ValueError)
"""What the readers of a header may raise as well: their caller makes an error of ours out of it."""


@dataclass
class Seat:
    """Who reads: a provider, and a relying party that sends to it."""

    house: House
    portal: Portal

    @property
    def provider(self) -> Provider:
        """The provider."""
        return self.house.services.provider

    @property
    def client(self) -> RelyingParty:
        """The relying party, as the provider knows it."""
        found = self.provider.directory.find(self.portal.client_id)
        assert found is not None
        return found

    def sends(self, method: str, path: str, *, body: str = "", kind: str = FORM, **environ: str) -> int:
        """Send a request that no honest client could, and return the status of its answer."""
        raw = body.encode("utf-8", "surrogatepass")
        said: list[int] = []
        complete = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "CONTENT_TYPE": kind,
            "CONTENT_LENGTH": str(len(raw)),
            "HTTP_HOST": "localhost:8000",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.input": SimpleNamespace(read=lambda size=-1: raw[: size if size >= 0 else None]),
            "wsgi.url_scheme": "http",
            **environ,
        }

        def start(status: str, _headers: object, _failure: object = None, /) -> Callable[[bytes], object]:
            said.append(int(status[:3]))
            return bytes  # WSGI wants a way to write, which nobody uses

        list(self.house.app(complete, start))
        assert said[-1] < 500, (method, path, said)
        return said[-1]


def tries(
    read: Callable[[Any], object], values: Iterator[Any] | list[Any], *, allowed: tuple[type[Exception], ...]
) -> None:
    """Read each of the values; nothing but the allowed errors may come of it."""
    for value in values:
        try:
            read(value)
        except allowed:
            continue


def _every_token(text: str) -> list[str]:
    return [text, *tokens_of(text).values()]


def _jose(seat: Seat, text: str) -> None:
    del seat
    tries(peek_unverified, _every_token(text), allowed=OURS)
    tries(decode, [text.encode("utf-8", "replace")], allowed=OURS)
    tries(read_object, [text.encode("utf-8", "replace")], allowed=OURS)


def _our_tokens(seat: Seat, text: str) -> None:
    provider = seat.provider
    sealed = [tokens.ACCESS_PREFIX + text, *_every_token(text)]
    tries(
        lambda token: tokens.read_userinfo_token(unverified_token=token, provider=provider),
        sealed,
        allowed=(InvalidToken,),
    )
    tries(
        lambda token: tokens.read_resource_token(unverified_token=token, provider=provider),
        sealed,
        allowed=(InvalidToken,),
    )
    tries(
        lambda token: id_token_hint.read_hint(unverified_hint=token, provider=provider, expected_client_id=None),
        sealed,
        allowed=OURS,
    )


def _key_sets(seat: Seat, text: str) -> None:
    del seat
    encoded = segment(text)
    members: list[dict[str, Any]] = [
        {"kty": "RSA", "n": encoded, "e": "AQAB"},
        {"kty": "RSA", "n": "-" + encoded[: 384 * 4 // 3], "e": encoded},
        {"kty": "EC", "crv": "P-256", "x": encoded, "y": encoded},
        {"kty": "OKP", "crv": "Ed25519", "x": text},
        *(
            {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43, name: text}
            for name in ("kid", "alg", "use", "kty")
        ),
    ]
    documents: list[dict[str, Any]] = [{"keys": [member]} for member in members] + [{"keys": text}]
    try:
        found = read_object(text.encode("utf-8", "replace"))
    except JoseRefused:
        found = {}
    for read in (parse_jwks, parse_encryption_keys):
        tries(read, [*documents, found, {"keys": [found]}, {"keys": [{**found, "kty": "RSA"}]}], allowed=OURS)


def _forms(seat: Seat, text: str) -> None:
    del seat
    tries(read_parameters, [text, f"a={text}", f"{text}={text}"], allowed=OURS)
    read_cookies(text)


def _proofs(seat: Seat, text: str) -> None:
    def verify(proof: str) -> None:
        dpop.verify(unverified_proof=proof, method="POST", path="/token", provider=seat.provider, now=clock.now())

    claims, jwk = (
        segment('{"jti":"a","htm":"POST","htu":"x","iat":1}'),
        orjson.dumps(text.encode("utf-8", "replace").decode()),
    )
    header = segment('{"typ":"dpop+jwt","alg":"ES256","jwk":' + jwk.decode() + "}")
    nested = segment('{"typ":"dpop+jwt","alg":"ES256","jwk":' + text + "}")
    tries(verify, [*_every_token(text), f"{header}.{claims}.AAAA", f"{nested}.{claims}.AAAA"], allowed=OURS)
    assert isinstance(dpop.normalised(text), str)
    assert isinstance(dpop.normalised("https://a/" + text), str)


def _request_objects(seat: Seat, text: str) -> None:
    client, provider, now = seat.client, seat.provider, clock.now()
    for token in _every_token(text):
        unverified = {"request": token, "client_id": client.client_id}
        tries(
            lambda sent: request_object.opened(
                unverified=sent, client=client, provider=provider, pushed=False, now=now
            ),
            [unverified],
            allowed=OURS,
        )
        tries(
            lambda sent: backchannel_request.opened(unverified=sent, client=client, provider=provider, now=now),
            [unverified],
            allowed=OURS,
        )
        request_object.said_unverified(unverified)


def _certificates(seat: Seat, text: str) -> None:
    del seat
    text = text[:LONGEST_HEADER]  # the front measures it first
    raw = text.encode("utf-8", "replace")
    tries(read_client_cert, [text, ":" + b64encode(raw).decode() + ":"], allowed=PRIMITIVE)
    pem = "-----BEGIN CERTIFICATE-----\n" + text + "\n-----END CERTIFICATE-----\n"
    tries(read_escaped_pem, [text, quote(pem, errors="replace"), pem], allowed=PRIMITIVE)
    tries(read_certificate, [raw, b"\x30\x84\x00\x01\x00\x00" + raw], allowed=OURS)


def _claims(seat: Seat, text: str) -> None:
    register = seat.provider.settings.register
    wrapped = [text, f'{{"userinfo":{text}}}', f'{{"id_token":{{"acr":{text}}}}}']
    verified = f'{{"userinfo":{{"verified_claims":{text}}}}}'
    tries(lambda sent: requested.read(sent, register=register), [*wrapped, verified], allowed=OURS)


def _details(seat: Seat, text: str) -> None:
    types = seat.provider.details_types
    known = list(types.types)
    sent = [text, f"[{text}]", *(f'[{{"type":"{name}","documents":{text}}}]' for name in known)]
    tries(lambda one: authorization_details.check(one, types=types, allowed=known), sent, allowed=OURS)
    tries(lambda one: authorization_details.narrowed(one, granted=f'[{{"type":"{known[0]}"}}]'), sent, allowed=OURS)


def registers(unverified: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what would be registered of some metadata.

    Raises:
        ProtocolError: what is wrong with it.
    """
    draft = registration_metadata.complete(unverified, allowance=ALLOWANCE, deployment=Deployment(frozenset({"login"})))
    has_secret = str(draft.metadata["token_endpoint_auth_method"]).startswith("client_secret_")
    stored = StoredClient(
        "fuzz", draft.profile, draft.metadata, b"x" if has_secret else None, "approved", clock.now(), None
    )
    registration_metadata.check(draft, stored=stored, deployment=Deployment(frozenset({"login"})))
    return draft.metadata


def _metadata(seat: Seat, text: str) -> None:
    del seat
    try:
        found = orjson.loads(text)
    except ValueError:
        found = text
    base = {"redirect_uris": [REDIRECT], "client_name": "Cổng"}
    names = sorted(metadata_rules.KNOWN - NOT_ITS_OWN)
    one_by_one = names if len(text) < SHORT else []  # whatever is long stands in all of them at once
    values = [{**base, name: found} for name in one_by_one]
    tries(registers, [*values, dict.fromkeys(names, found), {**base, text: text}], allowed=OURS)
    issuers = StatementIssuers({})
    tries(lambda sent: issuers.read(sent, now=clock.now()), _every_token(text), allowed=OURS)


def _as_a_form_gives_it(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _authentication(seat: Seat, text: str) -> None:
    text = _as_a_form_gives_it(text)

    def verify(sent: Mapping[str, Any]) -> None:
        whole = {"form": {}, "authorization": None, **sent}
        asked = Request("POST", "/token", query={}, cookies={}, if_none_match=None, address="", environ={}, **whole)
        authenticate(asked, provider=seat.provider, now=clock.now())

    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assertions = [{"client_assertion": token, "client_assertion_type": kind} for token in _every_token(text)]
    named = [{"client_id": text}, {"client_id": seat.portal.client_id, "client_secret": text}]
    basic = ["Basic " + b64encode(text.encode()).decode(), f"Basic {text}", text]
    sent = [*({"form": form} for form in [*named, *assertions]), *({"authorization": header} for header in basic)]
    tries(verify, sent, allowed=OURS)


def _logout(seat: Seat, text: str) -> None:
    text = _as_a_form_gives_it(text)
    for name in ("id_token_hint", "client_id", "post_logout_redirect_uri", "asked", "state"):
        sent = {"client_id": [seat.portal.client_id], name: [text]}
        assert LogoutRequest.read(sent, provider=seat.provider).way_back is None


INTAKES: Mapping[str, Callable[[Seat, str], None]] = {
    "tokens": _jose,
    "tokens of ours": _our_tokens,
    "key sets": _key_sets,
    "forms, queries and cookies": _forms,
    "DPoP proofs": _proofs,
    "request objects": _request_objects,
    "certificates": _certificates,
    "claims": _claims,
    "authorization_details": _details,
    "metadata": _metadata,
    "client authentication": _authentication,
    "logout": _logout,
}
