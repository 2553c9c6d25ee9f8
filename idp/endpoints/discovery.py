"""GET /.well-known/openid-configuration and /.well-known/oauth-authorization-server: the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.endpoints._http import Request, Response, ready_document
from idp.protocol.metadata import ready_bytes

if TYPE_CHECKING:
    from idp.protocol.provider import Provider
    from idp.services import Services

_ready: list[tuple[Provider, bytes, str]] = []
"""The newest provider of this process with its document; the provider itself is kept, so that it is the same one."""


def answer(request: Request, services: Services) -> Response:
    """Answer with the metadata (OpenID Connect Discovery section 4, RFC 8414 section 3)."""
    provider: Provider = services.provider
    if not _ready or _ready[0][0] is not provider:
        _ready[:] = [(provider, *ready_bytes(provider))]
    _, body, etag = _ready[0]
    seconds = provider.settings.keys.jwks_cache_seconds
    return ready_document(body=body, etag=etag, seconds=seconds, request=request, kind="application/json")
