"""Logout: what a relying party asks for, and how it hears of one: by a token to its server, or in a frame."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

import orjson

from idp import clock
from idp.errors import InvalidRequest
from idp.protocol.authorization_response import location
from idp.protocol.id_token_hint import read_hint
from idp.protocol.messages import Protection, signed
from idp.protocol.subject import session_for
from keys import SealBroken

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from idp.protocol.provider import Provider
    from idp.relying_parties.client import RelyingParty

TYP = "logout+jwt"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
TOKEN_SECONDS = 120
JTI_BYTES = 24

SEALED = "asked"
"""The parameter that carries a request which has been read, on our own pages."""
PURPOSE = "logout request"
LONGEST = 2000
LONGEST_TOKEN = 8192


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """What is believed of a request to log out; whatever cannot be believed is left out, and nothing is an error.

    `client_id` is who asked. `vouched` says that an ID token of ours proves it: only then is the citizen sent on
    without a click. `way_back` is an address that the relying party has registered, with its state.
    """

    client_id: str | None = None
    vouched: bool = False
    way_back: str | None = None
    ui_locales: str | None = None

    @classmethod
    def read(cls, unverified: Mapping[str, Sequence[str]], *, provider: Provider) -> Self:
        """Read parameters, each with every value that it was given.

        Of `id_token_hint` and `client_id` each says who asks; together they have to agree. `logout_hint` is not
        needed: a browser holds one session.

        Source: OpenID Connect RP-Initiated Logout sections 2 and 3.
        """
        once = {name: values[0] for name, values in unverified.items() if len(values) == 1}
        if SEALED in once:
            return cls._unsealed(once[SEALED], provider=provider)
        given = {name: value for name, value in once.items() if len(value) <= LONGEST}
        ui_locales = given.get("ui_locales")
        client_id, vouched = given.get("client_id"), "id_token_hint" in unverified
        if vouched:
            client_id = _client_id_of(once.get("id_token_hint", ""), provider=provider, expected_client_id=client_id)
        client = provider.directory.registered(client_id) if client_id else None
        if client is None:
            return cls(ui_locales=ui_locales)
        back = given.get("post_logout_redirect_uri")
        if back not in client.post_logout_redirect_uris:
            back = None
        elif back is not None and given.get("state"):
            back = location(redirect_uri=back, parameters={"state": given["state"]})
        return cls(client.client_id, vouched, back, ui_locales)

    def sealed(self, *, provider: Provider) -> str:
        """Return it for a form or an address of ours: the ID token is not in it, and nobody can change it."""
        until = clock.epoch_seconds() + provider.settings.sessions.transaction_seconds
        plain = orjson.dumps({**asdict(self), "until": until})
        return urlsafe_b64encode(provider.sealer.seal(purpose=PURPOSE, plaintext=plain)).rstrip(b"=").decode()

    @classmethod
    def _unsealed(cls, unverified: str, *, provider: Provider) -> Self:
        try:
            sealed = urlsafe_b64decode(unverified + "=" * (-len(unverified) % 4))
            members = orjson.loads(provider.sealer.unseal(purpose=PURPOSE, sealed=sealed))
        except (ValueError, SealBroken):
            return cls()
        return cls(**members) if members.pop("until") > clock.epoch_seconds() else cls()


def _client_id_of(unverified_hint: str, *, provider: Provider, expected_client_id: str | None) -> str | None:
    """Return whom an ID token of ours was for; None where it is none, or for another than `expected_client_id`."""
    if len(unverified_hint) > LONGEST_TOKEN:
        return None
    try:
        hint = read_hint(unverified_hint=unverified_hint, provider=provider, expected_client_id=expected_client_id)
    except InvalidRequest:
        return None
    return hint.client_id


def logout_token(*, client: RelyingParty, subject: str, session_id: str, provider: Provider, now: datetime) -> str:
    """Return a token that tells a relying party that a session of its citizen is over.

    It names the citizen and the session as this relying party knows them, is signed (and encrypted) as its ID tokens
    are, and never holds a nonce, so that it cannot pass for one of them.

    Raises:
        UnauthorizedClient: it is to be encrypted, and no key of the relying party fits.
        NoActiveKey: nothing can sign at this moment.

    Source: OpenID Connect Back-Channel Logout section 2.4.
    """
    issued = int(now.timestamp())
    claims = {
        "iss": provider.issuer,
        "aud": client.client_id,
        "sub": subject,
        "sid": session_for(client=client, session_id=session_id, sealer=provider.sealer),
        "iat": issued,
        "exp": issued + TOKEN_SECONDS,
        "jti": secrets.token_urlsafe(JTI_BYTES),
        "events": {EVENT: {}},
    }
    protection = Protection(client.id_token_algorithm, client.messages.id_token_encryption, TYP)
    return signed(claims, protection=protection, client=client, provider=provider, now=now)


def frame_address(*, client: RelyingParty, session_id: str, provider: Provider) -> str | None:
    """Return the address that a frame opens to tell a relying party in the browser itself; None where it has none.

    Source: OpenID Connect Front-Channel Logout sections 2 and 3.
    """
    address = client.logout.frontchannel_uri
    if address is None or not client.logout.frontchannel_session_required:
        return address
    sid = session_for(client=client, session_id=session_id, sealer=provider.sealer)
    return location(redirect_uri=address, parameters={"iss": provider.issuer, "sid": sid})


def initiate_login_address(*, client: RelyingParty, issuer: str) -> str | None:
    """Return the address at which a relying party begins a login when we send the citizen; None where it has none.

    Source: OpenID Connect Core section 4.
    """
    address = client.initiate_login_uri
    return None if address is None else location(redirect_uri=address, parameters={"iss": issuer})
