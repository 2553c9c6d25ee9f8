"""The chain that both arms go through from discovery to a system's token, kind by kind, with every answer checked.

What binds tokens to a key goes through it twice: without DPoP, and with a proof at every request that takes one.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from bench.relying_party import REDIRECT_URI, RESOURCE, RESOURCE_SCOPE, Pkce, RelyingParties, SignedTokens
from bench.wire import Answer, ask, get, post

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.arm import Arm, Phase
    from tests.support.foreign.dpop import DpopKey

DISCOVERY = "/.well-known/openid-configuration"
PAR, AUTHORIZE, CODE, REFRESH, USERINFO = "PAR", "authorize, session exists", "code exchange", "refresh", "userinfo"
INTROSPECTION = "introspection"
BY_SECRET, BY_KEY = "client_credentials, secret", "client_credentials, private_key_jwt"
WITH_PROOF = "{}, DPoP"
DOCUMENTS = 4
"""How many times as often a ready document is asked for: it costs so little that a figure needs more of them."""
BOUND = (PAR, CODE, REFRESH, USERINFO, BY_SECRET, BY_KEY)
KINDS = (
    "discovery", "JWKS", PAR, AUTHORIZE, CODE, REFRESH, USERINFO, INTROSPECTION, BY_SECRET, BY_KEY,
    *(WITH_PROOF.format(kind) for kind in BOUND),
)  # fmt: skip
SYSTEM_FORM = {"grant_type": "client_credentials", "resource": RESOURCE, "scope": RESOURCE_SCOPE}
OF_A_SYSTEM = frozenset({"access_token", "token_type", "expires_in", "scope"})
OF_A_PERSON = frozenset({"access_token", "id_token", "refresh_token", "token_type", "expires_in"})


class WrongAnswerError(Exception):
    """A provider answered otherwise than it had to; the benchmark is worth nothing."""


def expect(answer: Answer, status: int) -> None:
    """Raise unless the answer has this status."""
    if answer.status != status:
        raise WrongAnswerError(f"{answer.status} in place of {status}: {answer.body[:500]!r}")


@dataclass(frozen=True, slots=True)
class Asked:
    """One authorization request that was pushed."""

    pkce: Pkce
    nonce: str
    state: str


@dataclass(frozen=True, slots=True)
class Provider:
    """What discovery says of an arm: the paths of its endpoints, and how its tokens are checked."""

    paths: Mapping[str, str]
    signed: SignedTokens

    @classmethod
    def discover(cls, arm: Arm) -> Provider:
        """Read discovery and the key set."""
        (found,) = ask([get(DISCOVERY, host=arm.host)], port=arm.port)
        document: dict[str, Any] = json.loads(found.body)
        if document["issuer"] != arm.issuer:
            raise WrongAnswerError("discovery names another issuer")
        named = {name: value for name, value in document.items() if isinstance(value, str)}
        paths = {name: urlsplit(value).path for name, value in named.items() if value.startswith(arm.issuer + "/")}
        (jwks,) = ask([get(paths["jwks_uri"], host=arm.host)], port=arm.port)
        return cls(paths, SignedTokens.of(jwks.body, issuer=arm.issuer))


@dataclass(slots=True)
class Chain:
    """The relying parties' way through one arm; each kind of request uses what the kind before it brought.

    `holder` is the key that requests prove to hold at this moment, if they prove any.
    """

    arm: Arm
    parties: RelyingParties
    provider: Provider
    holder: DpopKey | None = None

    def run(self, count: int) -> dict[str, Phase]:
        """Send `count` requests of every kind and return what each kind cost.

        Raises:
            WrongAnswerError: any answer is not what it has to be.
        """
        documents = count * DOCUMENTS
        phases = {
            "discovery": self._documents(DISCOVERY, member="issuer", count=documents),
            "JWKS": self._documents(self.provider.paths["jwks_uri"], member="keys", count=documents),
        }
        phases |= self._tokens_of_all_kinds(count)
        self.holder = self.parties.holder
        try:
            proved = self._tokens_of_all_kinds(count)
        finally:
            self.holder = None
        return phases | {WITH_PROOF.format(kind): proved[kind] for kind in BOUND}

    def _tokens_of_all_kinds(self, count: int) -> dict[str, Phase]:
        phases: dict[str, Phase] = {}
        asked, uris, phases[PAR] = self.push(count)
        codes, phases[AUTHORIZE] = self._authorize(asked, uris)
        tokens, phases[CODE] = self._exchange(asked, codes)
        phases[REFRESH] = self._refresh([token["refresh_token"] for token in tokens])
        access_tokens = [token["access_token"] for token in tokens]
        phases[USERINFO] = self._userinfo(access_tokens)
        phases[INTROSPECTION] = self._introspect(access_tokens)
        phases[BY_SECRET] = self._by_secret(count)
        phases[BY_KEY] = self._by_key(count)
        return phases

    def _post(self, endpoint: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> bytes:
        path = self.provider.paths[endpoint]
        return post(path, host=self.arm.host, form=form, headers={**(headers or {}), **self._proof("POST", path)})

    def _proof(self, method: str, path: str, *, token: str | None = None) -> dict[str, str]:
        """Return the DPoP header of a request, where one is sent (RFC 9449 section 4)."""
        if self.holder is None:
            return {}
        return {"DPoP": self.holder.proof(path, method, token=token, htu=self.arm.issuer + path)}

    def _documents(self, path: str, *, member: str, count: int) -> Phase:
        answers, phase = self.arm.measure([get(path, host=self.arm.host)] * count)
        for answer in answers:
            expect(answer, 200)
        if not json.loads(answers[-1].body)[member] or len({answer.body for answer in answers}) != 1:
            raise WrongAnswerError(f"{path} changes, or lacks {member}")
        return phase

    def push(self, count: int) -> tuple[list[Asked], list[str], Phase]:
        """Push requests (RFC 9126) and return them with their request_uris."""
        asked = [Asked(Pkce.new(), secrets.token_urlsafe(16), secrets.token_urlsafe(16)) for _ in range(count)]
        endpoint = "pushed_authorization_request_endpoint"
        requests = [self._post(endpoint, self._pushed_form(one)) for one in asked]
        answers, phase = self.arm.measure(requests)
        for answer in answers:
            expect(answer, 201)
        return asked, [json.loads(answer.body)["request_uri"] for answer in answers], phase

    def _pushed_form(self, asked: Asked) -> dict[str, str]:
        return {
            **self.parties.portal.authentication(issuer=self.arm.issuer),
            "response_type": "code",
            "redirect_uri": REDIRECT_URI,
            "scope": self.arm.scope,
            "code_challenge": asked.pkce.challenge,
            "code_challenge_method": "S256",
            "nonce": asked.nonce,
            "state": asked.state,
        }

    def authorize_path(self, request_uri: str) -> str:
        """Return the authorization request of a pushed one."""
        query = urlencode({"client_id": self.parties.portal.client_id, "request_uri": request_uri})
        return f"{self.provider.paths['authorization_endpoint']}?{query}"

    def _authorize(self, asked: Sequence[Asked], uris: Sequence[str]) -> tuple[list[str], Phase]:
        cookies = self.arm.cookies
        requests = [
            get(self.authorize_path(uri), host=self.arm.host, headers={"Cookie": cookies[number % len(cookies)]})
            for number, uri in enumerate(uris)
        ]
        answers, phase = self.arm.measure(requests)
        return [self.code_of(answer, asked=one) for answer, one in zip(answers, asked, strict=True)], phase

    def code_of(self, answer: Answer, *, asked: Asked) -> str:
        """Return the code with which the citizen was sent back; state and issuer have to fit."""
        expect(answer, 303)
        location = answer.header("location") or ""
        address, _, query = location.partition("?")
        found = {name: values[0] for name, values in parse_qs(query).items()}
        if address != REDIRECT_URI or found.get("state") != asked.state or found.get("iss") != self.arm.issuer:
            raise WrongAnswerError(f"not sent back as asked: {location}")
        return found["code"]

    def _exchange(self, asked: Sequence[Asked], codes: Sequence[str]) -> tuple[list[dict[str, Any]], Phase]:
        forms = [
            {
                **self.parties.portal.authentication(issuer=self.arm.issuer),
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": REDIRECT_URI,
                "code_verifier": one.pkce.verifier,
            }
            for one, code in zip(asked, codes, strict=True)
        ]
        tokens, phase = self._tokens(forms)
        for one, token in zip(asked, tokens, strict=True):
            self._check_id_token(token["id_token"], nonce=one.nonce)
        return tokens, phase

    def _refresh(self, refresh_tokens: Sequence[str]) -> Phase:
        forms = [
            {
                **self.parties.portal.authentication(issuer=self.arm.issuer),
                "grant_type": "refresh_token",
                "refresh_token": token,
            }
            for token in refresh_tokens
        ]
        tokens, phase = self._tokens(forms)
        for token in tokens:
            self._check_id_token(token["id_token"], nonce=None)
        return phase

    def _check_id_token(self, token: str, *, nonce: str | None) -> None:
        self.provider.signed.check_id_token(token, client_id=self.parties.portal.client_id, nonce=nonce)

    def _tokens(self, forms: Sequence[Mapping[str, str]]) -> tuple[list[dict[str, Any]], Phase]:
        return self._token_answers([self._post("token_endpoint", form) for form in forms], needed=OF_A_PERSON)

    def _token_answers(
        self, requests: Sequence[bytes], *, needed: frozenset[str]
    ) -> tuple[list[dict[str, Any]], Phase]:
        answers, phase = self.arm.measure(requests)
        for answer in answers:
            expect(answer, 200)
        tokens: list[dict[str, Any]] = [json.loads(answer.body) for answer in answers]
        if any(not needed <= token.keys() for token in tokens):
            raise WrongAnswerError("a token response lacks a member")
        kind = "Bearer" if self.holder is None else "DPoP"
        if any(token["token_type"] != kind for token in tokens):
            raise WrongAnswerError(f"a token is not of the type {kind}")
        return tokens, phase

    def _userinfo(self, access_tokens: Sequence[str]) -> Phase:
        path = self.provider.paths["userinfo_endpoint"]
        scheme = "Bearer" if self.holder is None else "DPoP"
        headers = [
            {"Authorization": f"{scheme} {token}", **self._proof("GET", path, token=token)} for token in access_tokens
        ]
        requests = [get(path, host=self.arm.host, headers=sent) for sent in headers]
        answers, phase = self.arm.measure(requests)
        for answer in answers:
            expect(answer, 200)
            claims = json.loads(answer.body)
            if not claims["sub"] or not claims["name"]:
                raise WrongAnswerError("userinfo lacks claims")
        return phase

    def _introspect(self, access_tokens: Sequence[str]) -> Phase:
        """Ask what tokens are (RFC 7662), as whom they were given to: opaque ones, which nobody else can read."""
        portal, holder = self.parties.portal, self.holder
        forms = [{**portal.authentication(issuer=self.arm.issuer), "token": token} for token in access_tokens]
        self.holder = None  # whoever asks about a token does not use it
        answers, phase = self.arm.measure([self._post("introspection_endpoint", form) for form in forms])
        self.holder = holder
        for answer in answers:
            expect(answer, 200)
            told = json.loads(answer.body)
            if told["active"] is not True or told["client_id"] != portal.client_id or not told["sub"]:
                raise WrongAnswerError("introspection does not know a good token")
            if told.get("cnf", {}).get("jkt") != (holder and holder.thumbprint):
                raise WrongAnswerError("introspection names another key")
        return phase

    def _by_secret(self, count: int) -> Phase:
        system = self.parties.system_by_secret
        headers = system.headers()
        requests = [self._post("token_endpoint", SYSTEM_FORM, headers=headers) for _ in range(count)]
        return self._system_tokens(requests, client_id=system.client_id)

    def _by_key(self, count: int) -> Phase:
        system = self.parties.system
        forms = [{**system.authentication(issuer=self.arm.issuer), **SYSTEM_FORM} for _ in range(count)]
        requests = [self._post("token_endpoint", form) for form in forms]
        return self._system_tokens(requests, client_id=system.client_id)

    def _system_tokens(self, requests: Sequence[bytes], *, client_id: str) -> Phase:
        tokens, phase = self._token_answers(requests, needed=OF_A_SYSTEM)
        jkt = self.holder.thumbprint if self.holder else None
        for token in tokens:
            self.provider.signed.check_access_token(token["access_token"], client_id=client_id, jkt=jkt)
        return phase
