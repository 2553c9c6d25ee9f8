"""From parameters to a checked request that is answered elsewhere: the rows of CHECKS that need no redirect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.protocol.records import AuthorizationRequest
from idp.protocol.request_checks import CHECKS
from idp.protocol.request_checks.draft import Draft

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.protocol.provider import Provider
    from idp.relying_parties.client import RelyingParty


def check(*, unverified: Mapping[str, str], client: RelyingParty, provider: Provider) -> AuthorizationRequest:
    """Run every check that applies; what is established has no redirect address and no PKCE.

    Raises:
        ProtocolError: what was wrong, in plain words.

    Source: RFC 8628 section 3.1, OpenID Connect CIBA Core section 7.1.
    """
    draft = Draft(unverified=unverified, client=client, provider=provider, pushed=True)
    established: dict[str, object] = {}
    for check_row in CHECKS:
        if check_row.elsewhere:
            established.update(check_row.run(draft))
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri="",
        code_challenge="",
        generation=client.generation,
        **established,  # type: ignore[arg-type]  # each check names its fields
    )
