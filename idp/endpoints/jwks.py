"""GET /jwks: the public keys, as ready bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp import clock
from idp.endpoints._http import Request, Response, ready_document

if TYPE_CHECKING:
    from idp.services import Services


def answer(request: Request, services: Services) -> Response:
    """Answer with the key set (RFC 7517 section 5)."""
    provider = services.provider
    published = provider.ring.jwks(now=clock.now())
    seconds = provider.settings.keys.jwks_cache_seconds
    kind = "application/jwk-set+json"
    return ready_document(body=published.body, etag=published.etag, seconds=seconds, request=request, kind=kind)
