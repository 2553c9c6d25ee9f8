"""Messages to one relying party: signed, encrypted, or signed and then encrypted, as it has registered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from idp.errors import UnauthorizedClient
from idp.relying_parties.client import Encryption  # noqa: TC001  dataclass fields are read at run time
from keys import RecipientUnknown, encrypt, pick_encryption_key, sign_jwt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from idp.protocol.provider import Provider
    from idp.relying_parties.client import RelyingParty

JWT = "JWT"


@dataclass(frozen=True, slots=True)
class Protection:
    """How a message is protected: signed with `algorithm`, encrypted after that or not, and what `typ` says it is."""

    algorithm: str
    encryption: Encryption | None = None
    typ: str = JWT


def encrypted(payload: bytes, *, encryption: Encryption, client: RelyingParty, content_type: str | None) -> str:
    """Return `payload` so that this relying party alone can read it; `content_type` "JWT" says that it is signed.

    Raises:
        UnauthorizedClient: no key of the relying party fits what it has registered: it gets nothing in the clear.

    Source: RFC 7516 section 5.1, OpenID Connect Core section 10.2.
    """
    try:
        key = pick_encryption_key(client.encryption_keys, alg=encryption.alg)
    except RecipientUnknown as error:
        raise UnauthorizedClient(
            f"This relying party is registered for answers encrypted with {encryption.alg}, and none of its keys fits.",
            detail=str(error),
        ) from error
    return encrypt(payload, key=key, alg=encryption.alg, enc=encryption.enc, content_type=content_type)


def signed(
    claims: Mapping[str, Any], *, protection: Protection, client: RelyingParty, provider: Provider, now: datetime
) -> str:
    """Return `claims` signed, and encrypted after that where `protection` says so (a nested JWT).

    Raises:
        UnauthorizedClient: no key of the relying party fits what it has registered.
        NoActiveKey: nothing can sign at this moment.

    Source: RFC 7519 sections 5.2 and 11.2.
    """
    key = provider.ring.signing_key(protection.algorithm, now=now)
    token = sign_jwt(claims=claims, key=key, typ=protection.typ)
    if protection.encryption is None:
        return token
    return encrypted(token.encode(), encryption=protection.encryption, client=client, content_type=JWT)


def unsigned(claims: Mapping[str, Any], *, encryption: Encryption, client: RelyingParty) -> str:
    """Return `claims` encrypted and not signed: who can read them knows for whom they are, not from whom.

    Raises:
        UnauthorizedClient: no key of the relying party fits what it has registered.

    Source: OpenID Connect Core section 5.3.2.
    """
    return encrypted(orjson.dumps(claims), encryption=encryption, client=client, content_type=None)
