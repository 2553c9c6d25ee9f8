"""A relying party as the protocol sees it: checked metadata, ready for the hot path."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from idp.errors import InvalidClient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.relying_parties.profiles import Profile
    from keys import VerificationKey

LOOPBACK_HOSTS = ("127.0.0.1", "[::1]")
LOOPBACK = re.compile(r"http://(?P<host>127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?(?P<rest>/[!-~]*)")


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """One relying party (RFC 7591 section 2, with the profile and purposes that Sen adds).

    Texts for people (`name`, `owner`) map a language tag to a text. `secret_hash` is SHA-256 of a high-entropy
    secret. `sector` is what the pairwise `sub` is made for (OpenID Connect Core section 8.1).
    """

    client_id: str
    profile: Profile
    name: Mapping[str, str]
    owner: Mapping[str, str]
    uri: str | None
    sandbox: bool
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    authentication_method: str
    keys: tuple[VerificationKey, ...]
    secret_hash: bytes | None
    subject_type: str
    sector: str
    id_token_algorithm: str
    grant_types: frozenset[str]
    scopes: frozenset[str]
    purposes: tuple[str, ...]
    resources: tuple[str, ...]
    pushed_requests_only: bool
    default_max_age: int | None
    status: str

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins that a form on our pages may end at after a redirect."""
        uris = self.redirect_uris + self.post_logout_redirect_uris
        return tuple(sorted({"{0.scheme}://{0.netloc}".format(urlsplit(uri)) for uri in uris}))

    def text(self, texts: Mapping[str, str], language: str) -> str:
        """Return the text in `language`, else in Vietnamese, else in any."""
        return texts.get(language) or texts.get("vi") or next(iter(texts.values()), "")

    def accepts_redirect(self, unverified_uri: str) -> bool:
        """Compare raw strings, never parsed hosts; a native client's loopback port is free (RFC 8252 section 7.3)."""
        if unverified_uri in self.redirect_uris:
            return True
        return self.profile.loopback_redirect and any(
            _same_but_port(registered=uri, unverified_uri=unverified_uri) for uri in self.redirect_uris
        )

    def check_secret(self, unverified_secret: str) -> None:
        """Compare a client secret in constant time.

        Raises:
            InvalidClient: it does not fit.
        """
        given = hashlib.sha256(unverified_secret.encode()).digest()
        if not hmac.compare_digest(given, self.secret_hash or b""):
            raise InvalidClient("The client could not be authenticated.", detail="wrong secret")


def _same_but_port(*, registered: str, unverified_uri: str) -> bool:
    """Tell whether both are loopback addresses that differ in nothing but the port."""
    ours, theirs = LOOPBACK.fullmatch(registered), LOOPBACK.fullmatch(unverified_uri)
    return bool(ours and theirs and ours["host"] == theirs["host"] and ours["rest"] == theirs["rest"])
