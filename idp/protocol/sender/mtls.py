"""Mutual TLS: tokens that are bound to a client's certificate, and how that is checked and said."""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING, Any

from idp.errors import InvalidToken
from keys.certificates import certificate_thumbprint

if TYPE_CHECKING:
    from idp.protocol.provider import Provider

BOUND = "The access token is bound to a client certificate: use it over mutual TLS, with that certificate."
ALIASED = (
    "pushed_authorization_request_endpoint", "token_endpoint", "userinfo_endpoint", "revocation_endpoint",
    "introspection_endpoint", "device_authorization_endpoint", "backchannel_authentication_endpoint",
    "registration_endpoint", "grant_management_endpoint",
)  # fmt: skip
"""The endpoints that a relying party itself calls: each has an alias under which it is asked for its certificate."""


def thumbprint(certificate: bytes) -> str:
    """Return `x5t#S256` of a certificate in DER: what tokens are bound to (RFC 8705 section 3.1)."""
    return certificate_thumbprint(certificate)


def check_bound(*, expected_x5t: str | None, certificate: bytes | None) -> None:
    """Check that a token is used with the certificate it is bound to; one that is bound to none may come with any.

    Raises:
        InvalidToken: there is no certificate, or another one.

    Source: RFC 8705 section 3.
    """
    if expected_x5t is None:
        return
    found = thumbprint(certificate) if certificate else ""
    if not compare_digest(found, expected_x5t):
        raise InvalidToken(BOUND, detail="another certificate" if certificate else "no certificate")


def metadata(provider: Provider, *, endpoints: dict[str, str]) -> dict[str, Any]:
    """Return what the metadata say of mutual TLS: nothing where the front asks nobody for certificates.

    Args:
        provider: whose front it is.
        endpoints: the metadata's name of each endpoint, and its path.

    Source: RFC 8705 sections 3.3 and 5.
    """
    base = provider.settings.front.mtls_base
    if not base:
        return {}
    aliases = {name: base + endpoints[name] for name in ALIASED if name in endpoints}
    return {"tls_client_certificate_bound_access_tokens": True, "mtls_endpoint_aliases": aliases}
