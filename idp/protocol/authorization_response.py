"""Answers to the redirect address: `code` or `error`, always with `iss`, the state as it came."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.errors import ProtocolError


def location(*, redirect_uri: str, parameters: Mapping[str, str | None]) -> str:
    """Return the redirect address with the parameters in its query.

    Source: RFC 6749 section 4.1.2, RFC 9207 section 2.
    """
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items() if value is not None)
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{query}"


def with_code(*, redirect_uri: str, code: str, state: str | None, issuer: str) -> str:
    """Return where to send the citizen with a code."""
    return location(redirect_uri=redirect_uri, parameters={"code": code, "state": state, "iss": issuer})


def with_error(*, redirect_uri: str, error: ProtocolError, state: str | None, issuer: str) -> str:
    """Return where to send the citizen with an error (RFC 6749 section 4.1.2.1)."""
    parameters = {"error": error.code, "error_description": error.public, "state": state, "iss": issuer}
    return location(redirect_uri=redirect_uri, parameters=parameters)
