"""A relying party as the protocol sees it: checked metadata, ready for the hot path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.relying_parties.profiles import Profile
    from keys import EncryptionKey, VerificationKey

LOOPBACK_HOSTS = ("127.0.0.1", "[::1]")
LOOPBACK = re.compile(r"http://(?P<host>127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?(?P<rest>/[!-~]*)")


@dataclass(frozen=True, slots=True)
class Encryption:
    """How something is encrypted to a relying party: `alg` for the key, `enc` for the content (RFC 7516 section 4)."""

    alg: str
    enc: str


@dataclass(frozen=True, slots=True)
class Messages:
    """How messages to and from a relying party are signed and encrypted, beyond its ID token's signature.

    None stands for: not signed, or not encrypted. `request_object_algorithm` None: any of its profile.

    Source: OpenID Connect Registration section 2, RFC 9101 section 10.5, JARM section 3, RFC 9701 section 6.
    """

    request_object_algorithm: str | None
    request_object_required: bool
    response_algorithm: str
    response_encryption: Encryption | None
    id_token_encryption: Encryption | None
    userinfo_algorithm: str | None
    userinfo_encryption: Encryption | None
    introspection_algorithm: str | None
    introspection_encryption: Encryption | None


@dataclass(frozen=True, slots=True)
class LogoutAddresses:
    """Where a relying party hears of a logout (OpenID Connect Back-Channel and Front-Channel Logout, section 2)."""

    backchannel_uri: str | None = None
    frontchannel_uri: str | None = None
    frontchannel_session_required: bool = False

    @property
    def all(self) -> tuple[str, ...]:
        """Both addresses, where they are."""
        return tuple(uri for uri in (self.backchannel_uri, self.frontchannel_uri) if uri)


@dataclass(frozen=True, slots=True)
class TlsName:
    """What a certificate must name for tls_client_auth: `kind` is the member of RFC 8705 section 2.1.2."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class BackchannelDelivery:
    """How a CIBA relying party hears that a citizen has answered: `mode` is poll or ping (CIBA Core section 4)."""

    mode: str
    notification_endpoint: str | None
    signing_algorithm: str | None


@dataclass(frozen=True, slots=True)
class ExchangePolicy:
    """What a relying party may exchange other tokens for (RFC 8693): which resources, and with which scopes at most."""

    resources: frozenset[str]
    scopes: frozenset[str]


UNVERIFIED_OWNER = {"vi": "Đăng ký mở để phát triển", "en": "Open registration for development"}
"""Who answers for a relying party that nobody has vouched for: it came by development's open registration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """One relying party (RFC 7591 section 2, with the profile and purposes that Sen adds).

    Texts for people (`name`, `owner`) map a language tag to a text. `secret_hash` is SHA-256 of a high-entropy
    secret. `sector` is what the pairwise `sub` is made for (OpenID Connect Core section 8.1). `certificates` are the
    thumbprints of the certificates in its key set (RFC 8705 section 2.2). `sender_constraint` says by what its tokens
    must be bound, `dpop` or `mtls`, either will do; where it is empty a proof that is sent binds all the same.
    `resources` are those that it may ask tokens for (RFC 8707), `resources_served` those that it is the server of.
    """

    client_id: str
    profile: Profile
    name: Mapping[str, str]
    owner: Mapping[str, str]
    uri: str | None
    policy_uri: str | None
    tos_uri: str | None
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
    default_acr_values: tuple[str, ...]
    status: str
    messages: Messages
    logout: LogoutAddresses
    encryption_keys: tuple[EncryptionKey, ...]
    jwks_uri: str | None
    tls: TlsName | None
    certificates: frozenset[str]
    sender_constraint: frozenset[str]
    loosened: frozenset[str]
    response_modes: frozenset[str]
    details_types: tuple[str, ...]
    initiate_login_uri: str | None
    backchannel: BackchannelDelivery | None
    resources_served: tuple[str, ...] = ()
    exchange: ExchangePolicy | None = None
    generation: str = ""
    assertion_algorithms: frozenset[str] = frozenset()  # of its client assertions

    @property
    def owner_verified(self) -> bool:
        """Whether an officer, or whom an officer trusts, has said whose it is."""
        return self.owner != UNVERIFIED_OWNER

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins that a form on our pages may end at after a redirect; an app's port is free, and so `*`."""
        return tuple(sorted({self._origin(uri) for uri in self.redirect_uris + self.post_logout_redirect_uris}))

    def _origin(self, uri: str) -> str:
        if self.profile.loopback_redirect and (loopback := LOOPBACK.fullmatch(uri)):
            return f"http://{loopback['host']}:*"
        return "{0.scheme}://{0.netloc}".format(urlsplit(uri))

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


def _same_but_port(*, registered: str, unverified_uri: str) -> bool:
    """Tell whether both are loopback addresses that differ in nothing but the port."""
    ours, theirs = LOOPBACK.fullmatch(registered), LOOPBACK.fullmatch(unverified_uri)
    return bool(ours and theirs and ours["host"] == theirs["host"] and ours["rest"] == theirs["rest"])
