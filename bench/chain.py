"""The chain that both arms go through from discovery to userinfo, kind by kind, with every answer checked."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from bench.relying_party import REDIRECT_URI, IdTokens, Pkce, RelyingParty
from bench.wire import Answer, ask, get, post

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.arm import Arm, Phase

DISCOVERY = "/.well-known/openid-configuration"
KINDS = ("discovery", "JWKS", "PAR", "authorize, session exists", "code exchange", "refresh", "userinfo")


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
    """What discovery says of an arm: the paths of its endpoints, and how its ID tokens are checked."""

    paths: Mapping[str, str]
    id_tokens: IdTokens

    @classmethod
    def discover(cls, arm: Arm, *, party: RelyingParty) -> Provider:
        """Read discovery and the key set."""
        (found,) = ask([get(DISCOVERY, host=arm.host)], port=arm.port)
        document: dict[str, Any] = json.loads(found.body)
        if document["issuer"] != arm.issuer:
            raise WrongAnswerError("discovery names another issuer")
        named = {name: value for name, value in document.items() if isinstance(value, str)}
        paths = {name: urlsplit(value).path for name, value in named.items() if value.startswith(arm.issuer + "/")}
        (jwks,) = ask([get(paths["jwks_uri"], host=arm.host)], port=arm.port)
        return cls(paths, IdTokens.of(jwks.body, issuer=arm.issuer, client_id=party.client_id))


@dataclass(slots=True)
class Chain:
    """One relying party's way through one arm; each kind of request uses what the kind before it brought."""

    arm: Arm
    party: RelyingParty
    provider: Provider

    def run(self, count: int) -> dict[str, Phase]:
        """Send `count` requests of every kind and return what each kind cost.

        Raises:
            WrongAnswerError: any answer is not what it has to be.
        """
        phases = {
            "discovery": self._documents(DISCOVERY, member="issuer", count=count),
            "JWKS": self._documents(self.provider.paths["jwks_uri"], member="keys", count=count),
        }
        asked, uris, phases["PAR"] = self.push(count)
        codes, phases["authorize, session exists"] = self._authorize(asked, uris)
        tokens, phases["code exchange"] = self._exchange(asked, codes)
        phases["refresh"] = self._refresh([token["refresh_token"] for token in tokens])
        phases["userinfo"] = self._userinfo([token["access_token"] for token in tokens])
        return phases

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
        path = self.provider.paths["pushed_authorization_request_endpoint"]
        requests = [post(path, host=self.arm.host, form=self._pushed_form(one)) for one in asked]
        answers, phase = self.arm.measure(requests)
        for answer in answers:
            expect(answer, 201)
        return asked, [json.loads(answer.body)["request_uri"] for answer in answers], phase

    def _pushed_form(self, asked: Asked) -> dict[str, str]:
        return {
            **self.party.authentication(issuer=self.arm.issuer),
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
        query = urlencode({"client_id": self.party.client_id, "request_uri": request_uri})
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
                **self.party.authentication(issuer=self.arm.issuer),
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": REDIRECT_URI,
                "code_verifier": one.pkce.verifier,
            }
            for one, code in zip(asked, codes, strict=True)
        ]
        tokens, phase = self._tokens(forms)
        for one, token in zip(asked, tokens, strict=True):
            self.provider.id_tokens.check(token["id_token"], nonce=one.nonce)
        return tokens, phase

    def _refresh(self, refresh_tokens: Sequence[str]) -> Phase:
        forms = [
            {
                **self.party.authentication(issuer=self.arm.issuer),
                "grant_type": "refresh_token",
                "refresh_token": token,
            }
            for token in refresh_tokens
        ]
        tokens, phase = self._tokens(forms)
        for token in tokens:
            self.provider.id_tokens.check(token["id_token"], nonce=None)
        return phase

    def _tokens(self, forms: Sequence[Mapping[str, str]]) -> tuple[list[dict[str, Any]], Phase]:
        path = self.provider.paths["token_endpoint"]
        answers, phase = self.arm.measure([post(path, host=self.arm.host, form=form) for form in forms])
        for answer in answers:
            expect(answer, 200)
        tokens: list[dict[str, Any]] = [json.loads(answer.body) for answer in answers]
        needed = {"access_token", "id_token", "refresh_token", "token_type", "expires_in"}
        if any(not needed <= token.keys() for token in tokens):
            raise WrongAnswerError("a token response lacks a token")
        return tokens, phase

    def _userinfo(self, access_tokens: Sequence[str]) -> Phase:
        path = self.provider.paths["userinfo_endpoint"]
        requests = [
            get(path, host=self.arm.host, headers={"Authorization": f"Bearer {token}"}) for token in access_tokens
        ]
        answers, phase = self.arm.measure(requests)
        for answer in answers:
            expect(answer, 200)
            claims = json.loads(answer.body)
            if not claims["sub"] or not claims["name"]:
                raise WrongAnswerError("userinfo lacks claims")
        return phase
