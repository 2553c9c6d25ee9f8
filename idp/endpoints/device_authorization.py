"""POST /device_authorization: a device without a browser asks for a code that its citizen types elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from idp import clock, limits
from idp.endpoints._http import Request, Response, check_address, json_response
from idp.ephemeral import Claim, Write
from idp.errors import ServerError, UnauthorizedClient
from idp.protocol.client_auth import Proof, authenticate, spend
from idp.protocol.grants.decoupled import user_codes, waiting
from idp.protocol.grants.decoupled.checks import check
from idp.protocol.grants.decoupled.waiting import Waiting
from idp.protocol.sender import dpop
from idp.relying_parties.profiles import DEVICE_CODE

if TYPE_CHECKING:
    from idp.protocol.provider import Provider
    from idp.services import Services

PATH = "/device"
MOST_DRAWS = 3


def answer(request: Request, services: Services) -> Response:
    """Take a request, check all of it, and let it wait for its citizen.

    1. who it is; 2. every check that needs no redirect; 3. bound to the key that is proved, where one is; 4. the
    replay marks and the limits, and only then a user code that nobody holds; 5. it waits.

    Raises:
        ProtocolError: what was wrong, in plain words; nothing waits.

    Source: RFC 8628 sections 3.1, 3.2 and 6.1.
    """
    provider, now = services.provider, clock.now()
    proof = authenticate(request, provider=provider, now=now)  # 1
    if DEVICE_CODE not in proof.client.grant_types:
        raise UnauthorizedClient(f"This relying party is not registered for {DEVICE_CODE}.")
    asked = check(unverified=request.form, client=proof.client, provider=provider)  # 2
    asked, marks = dpop.bound(  # 3
        asked, unverified_proof=request.header("DPoP"), path=request.path, provider=provider, now=now
    )
    user_code = _draw(request, proof=replace(proof, marks=proof.marks + marks), provider=provider)  # 4
    device_code, settings = waiting.new_secret(), provider.settings.device
    waits = Waiting(
        name=waiting.name_of("device", device_code),
        request=asked,
        ends_at=int(now.timestamp()) + settings.code_seconds,
        interval=settings.interval_seconds,
        shown=user_code,
    )
    leads = Write(user_codes.key_of(user_code, sealer=provider.sealer), waits.name.encode(), settings.code_seconds)
    provider.ephemeral.wave(*waiting.begin_steps(waits), leads)  # 5
    page = provider.issuer + PATH
    return json_response(
        {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={user_code}",
            "expires_in": settings.code_seconds,
            "interval": settings.interval_seconds,
        }
    )


def _draw(request: Request, *, proof: Proof, provider: Provider) -> str:
    """Count the relying party, its marks and its address; return a user code that nobody holds."""
    settings, sealer = provider.settings, provider.sealer
    counts = limits.steps("page", settings=settings.limits, address=request.address)
    counted = spend(proof, *counts, provider=provider)
    check_address("page", counted, settings=settings.limits)
    for _ in range(MOST_DRAWS):
        code = user_codes.new_code()
        claim = Claim(user_codes.key_of(code, sealer=sealer), settings.device.code_seconds)
        if provider.ephemeral.wave(claim)[0].first:
            return code
    raise ServerError("No code could be drawn; try again.")
