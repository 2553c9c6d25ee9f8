"""Answers to the redirect address: `code` or `error`, in the query, the fragment or a form, plain or signed (JARM)."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, Protocol
from urllib.parse import quote

from idp import clock
from idp.protocol import messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.errors import ProtocolError
    from idp.protocol.provider import Provider
    from idp.relying_parties.client import RelyingParty

SIGNED_SECONDS: Final = 300
"""For how long a signed answer counts; ten minutes at most (JARM section 2.1)."""

Delivery = Literal["query", "fragment", "form_post"]


@dataclass(frozen=True, slots=True)
class Mode:
    """One response mode: how the answer travels, and whether it is a signed token."""

    delivery: Delivery
    signed: bool


MODES: Final[Mapping[str, Mode]] = MappingProxyType(
    {
        "query": Mode("query", signed=False),
        "form_post": Mode("form_post", signed=False),
        "jwt": Mode("query", signed=True),
        "query.jwt": Mode("query", signed=True),
        "fragment.jwt": Mode("fragment", signed=True),
        "form_post.jwt": Mode("form_post", signed=True),
    }
)
"""Every response mode: Multiple Response Types section 2.1, Form Post Response Mode section 2, JARM section 2.3.

`jwt` is `query.jwt`, because `code` is the only response type.
"""


class Asked(Protocol):
    """What an answer has to know of the request: where to, how, and what comes back as it was sent."""

    @property
    def redirect_uri(self) -> str:
        """The checked address."""
        ...

    @property
    def state(self) -> str | None:
        """As it came."""
        ...

    @property
    def response_mode(self) -> str:
        """A key of MODES."""
        ...

    @property
    def ui_locales(self) -> str | None:
        """The languages that the relying party wishes for."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer on its way to a checked redirect address of `client`; the pages make a form of `form_post`."""

    redirect_uri: str
    delivery: Delivery
    parameters: Mapping[str, str]
    client: RelyingParty
    ui_locales: str | None = None

    @property
    def location(self) -> str | None:
        """Where the browser is sent; None where it has to post a form."""
        if self.delivery == "form_post":
            return None
        return location(redirect_uri=self.redirect_uri, parameters=self.parameters, delivery=self.delivery)


def default_mode(client: RelyingParty) -> str:
    """Return how a relying party hears of an error in the very choice of a response mode."""
    return "query" if "query" in client.response_modes else "jwt"


def location(
    *, redirect_uri: str, parameters: Mapping[str, str | None], delivery: Literal["query", "fragment"] = "query"
) -> str:
    """Return an address of a relying party with the parameters in its query, or behind it in the fragment.

    Source: RFC 6749 section 4.1.2, RFC 9207 section 2.
    """
    text = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items() if value is not None)
    if delivery == "fragment":
        return f"{redirect_uri}#{text}"
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{text}"


def with_code(asked: Asked, *, code: str, client: RelyingParty, provider: Provider) -> Answer:
    """Return the answer that carries a code."""
    return _answer(asked, {"code": code, "state": asked.state}, client=client, provider=provider)


def with_error(asked: Asked, *, error: ProtocolError, client: RelyingParty, provider: Provider) -> Answer:
    """Return the answer that carries an error (RFC 6749 section 4.1.2.1)."""
    parameters = {"error": error.code, "error_description": error.public, "state": asked.state}
    return _answer(asked, parameters, client=client, provider=provider)


def _answer(asked: Asked, parameters: Mapping[str, str | None], *, client: RelyingParty, provider: Provider) -> Answer:
    """Render by mode: the one place where an answer gets its issuer, and its signature where one is asked for.

    Source: RFC 9207 section 2, JARM sections 2.1 and 2.3.
    """
    mode = MODES[asked.response_mode]
    said = {name: value for name, value in parameters.items() if value is not None} | {"iss": provider.issuer}
    if mode.signed:
        now = clock.now()
        claims = {**said, "aud": client.client_id, "exp": int(now.timestamp()) + SIGNED_SECONDS}
        protection = messages.Protection(client.messages.response_algorithm, client.messages.response_encryption)
        token = messages.signed(claims, protection=protection, client=client, provider=provider, now=now)
        said = {"response": token}
    return Answer(asked.redirect_uri, mode.delivery, said, client, asked.ui_locales)
