"""A whole login with a passkey, in Sen alone: from a portal's request without a session to the code, page included."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.chain import Chain, WrongAnswerError, expect
from bench.wire import Answer, get, post

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.arm import Phase
    from tests.support.authenticator import SoftwareAuthenticator

STEPS = ("authorize, no session", "login page", "passkey challenge", "passkey answer", "back to the portal")
CSRF = re.compile(rb'<meta name="csrf-token" content="([^"]+)"')


@dataclass(slots=True)
class _Visitor:
    """One browser on its way."""

    path: str
    cookies: dict[str, str]
    csrf: str = ""
    options: dict[str, Any] | None = None

    @property
    def transaction(self) -> str:
        """The id of the login transaction."""
        return self.path.partition("tx=")[2]

    def headers(self, **more: str) -> dict[str, str]:
        """Return the headers that its browser sends."""
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **more}

    def takes(self, answer: Answer, *, status: int) -> None:
        """Check the status and keep the cookies."""
        expect(answer, status)
        self.cookies |= answer.cookies()


def log_in(chain: Chain, authenticator: SoftwareAuthenticator, count: int) -> dict[str, Phase]:
    """Let `count` citizens log in, step by step, and return what each step cost.

    Raises:
        WrongAnswerError: any answer is not what it has to be.
    """
    arm, phases = chain.arm, {}
    asked, uris, _ = chain.push(count)
    answers, phases[STEPS[0]] = arm.measure([get(chain.authorize_path(uri), host=arm.host) for uri in uris])
    visitors = [_arrived(answer) for answer in answers]

    requests = [get(visitor.path, host=arm.host, headers=visitor.headers()) for visitor in visitors]
    answers, phases[STEPS[1]] = arm.measure(requests)
    for visitor, answer in zip(visitors, answers, strict=True):
        visitor.takes(answer, status=200)
        found = CSRF.search(answer.body)
        if found is None:
            raise WrongAnswerError("the login page has no CSRF token")
        visitor.csrf = found.group(1).decode()

    answers, phases[STEPS[2]] = arm.measure([_json(chain, visitor, "options", {}) for visitor in visitors])
    for visitor, answer in zip(visitors, answers, strict=True):
        visitor.takes(answer, status=200)
        visitor.options = json.loads(answer.body)

    requests = [
        _json(chain, visitor, "verify", {"credential": credential})
        for visitor, credential in zip(visitors, _signed(chain, visitors, authenticator), strict=True)
    ]
    answers, phases[STEPS[3]] = arm.measure(requests)
    for visitor, answer in zip(visitors, answers, strict=True):
        visitor.takes(answer, status=200)
        visitor.path = json.loads(answer.body)["next"]

    requests = [get(visitor.path, host=arm.host, headers=visitor.headers()) for visitor in visitors]
    answers, phases[STEPS[4]] = arm.measure(requests)
    for one, answer in zip(asked, answers, strict=True):
        chain.code_of(answer, asked=one)
    return phases


def _arrived(answer: Answer) -> _Visitor:
    expect(answer, 303)
    path = answer.header("location") or ""
    if not path.startswith("/login?tx="):
        raise WrongAnswerError(f"not sent to log in but to {path}")
    return _Visitor(path, answer.cookies())


def _json(chain: Chain, visitor: _Visitor, step: str, members: dict[str, Any]) -> bytes:
    headers = visitor.headers(**{"Origin": chain.arm.issuer, "X-CSRFToken": visitor.csrf})
    body = json.dumps({"tx": visitor.transaction, **members}).encode()
    return post(f"/login/passkey/{step}", host=chain.arm.host, form=body, headers=headers)


def _signed(chain: Chain, visitors: Sequence[_Visitor], authenticator: SoftwareAuthenticator) -> list[dict[str, Any]]:
    """Let the citizens take turns, each with the passkey of their own."""
    keys = list(authenticator.keys.values())
    return [
        authenticator.sign_with(keys[number % len(keys)], visitor.options or {}, origin=chain.arm.issuer)
        for number, visitor in enumerate(visitors)
    ]
