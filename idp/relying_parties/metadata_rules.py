"""From registered metadata (RFC 7591 section 2) to a checked `RelyingParty`; every broken rule at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from idp.errors import SettingsError
from idp.relying_parties.client import LOOPBACK_HOSTS, RelyingParty
from idp.relying_parties.profiles import PROFILES, Profile
from keys import KeysError, parse_jwks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.relying_parties.store import StoredClient
    from keys import VerificationKey

KNOWN = frozenset(
    {
        "client_id", "client_name", "client_uri", "redirect_uris", "post_logout_redirect_uris",
        "token_endpoint_auth_method", "token_endpoint_auth_signing_alg", "jwks", "subject_type",
        "sector_identifier", "id_token_signed_response_alg", "grant_types", "response_types", "scope", "contacts",
        "default_max_age", "require_pushed_authorization_requests", "profile", "purposes", "owner", "resources",
        "sandbox", "logo_uri", "policy_uri", "tos_uri", "application_type",
    }
)  # fmt: skip
GRANTS = frozenset({"authorization_code", "refresh_token"})
SCOPES = frozenset({"openid", "profile", "address", "phone", "email", "offline_access"})
LONGEST_URI = 2048
FORBIDDEN = frozenset(' \\\t\r\n"<>^`{|}*')


class _Reader:
    """Reads members with their types and keeps every problem."""

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        self.metadata = metadata
        self.problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        value = self.metadata.get(name, default)
        if isinstance(value, str):
            return value
        self.problems.append(f"{name}: a text is needed")
        return default

    def texts(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        value = self.metadata.get(name, list(default))
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self.problems.append(f"{name}: a list of texts is needed")
        return default

    def flag(self, name: str) -> bool:
        value = self.metadata.get(name, False)
        if isinstance(value, bool):
            return value
        self.problems.append(f"{name}: true or false is needed")
        return False

    def tagged(self, name: str, source: Mapping[str, Any]) -> dict[str, str]:
        """Collect `name`, `name#vi`, `name#en` (RFC 7591 section 2.2)."""
        found = {
            key.partition("#")[2] or "vi": value
            for key, value in source.items()
            if key.partition("#")[0] == name and isinstance(value, str) and value.strip()
        }
        if not found:
            self.problems.append(f"{name}: a text for people is needed, {name}#vi and {name}#en at best")
        return found


def uri_problem(uri: str, *, profile: Profile, allow_loopback: bool) -> str | None:
    """Say what is wrong with a registered redirect address, or None (RFC 9700 sections 2.1 and 4.1.3)."""
    if len(uri) > LONGEST_URI or not uri.isascii() or FORBIDDEN & set(uri) or not uri.isprintable():
        return "has characters that do not belong into a redirect address, or is too long"
    parts = urlsplit(uri)
    if "#" in uri or parts.username or not parts.hostname:
        return "has a fragment, a user name or no host"
    loopback = any(uri.startswith((f"http://{host}/", f"http://{host}:")) for host in LOOPBACK_HOSTS)
    if loopback and (profile.loopback_redirect or allow_loopback):
        return None
    if parts.scheme == "http" and parts.hostname == "localhost" and allow_loopback:
        return None
    return None if parts.scheme == "https" else "is not https"


def _check_members(read: _Reader) -> None:
    read.problems += [f"{name}: no such member" for name in read.metadata if name.partition("#")[0] not in KNOWN]
    unknown = set(read.texts("grant_types", ("authorization_code",))) - GRANTS
    if unknown:
        read.problems.append(f"grant_types: {', '.join(sorted(unknown))} is not offered")
    if read.texts("response_types", ("code",)) != ("code",):
        read.problems.append("response_types: only code is offered")
    if read.text("subject_type", "pairwise") not in {"pairwise", "public"}:
        read.problems.append("subject_type: pairwise or public")
    if set(read.text("scope", "openid").split()) - SCOPES:
        read.problems.append("scope: holds a scope that is not offered")
    max_age = read.metadata.get("default_max_age")
    if max_age is not None and (type(max_age) is not int or max_age < 0):
        read.problems.append("default_max_age: seconds, a whole number")


def _check_uris(read: _Reader, *, profile: Profile, allow_loopback: bool) -> None:
    if not read.texts("redirect_uris"):
        read.problems.append("redirect_uris: at least one is needed")
    for name in ("redirect_uris", "post_logout_redirect_uris"):
        for uri in read.texts(name):
            problem = uri_problem(uri, profile=profile, allow_loopback=allow_loopback)
            if problem:
                read.problems.append(f"{name}: {uri[:100]!r} {problem}")
    hosts = {urlsplit(uri).hostname for uri in read.texts("redirect_uris")}
    if len(hosts) > 1 and not read.text("sector_identifier"):
        read.problems.append("sector_identifier: needed where redirect_uris have several hosts")


def _check_authentication(read: _Reader, *, profile: Profile, has_secret: bool) -> tuple[VerificationKey, ...]:
    method = read.text("token_endpoint_auth_method", "private_key_jwt")
    if method not in profile.authentication:
        read.problems.append(f"token_endpoint_auth_method: {', '.join(sorted(profile.authentication))}")
    if method == "client_secret_basic" and not has_secret:
        read.problems.append("client_secret: is made by `sen client add`")
    algorithm = read.text("id_token_signed_response_alg", profile.default_algorithm)
    if algorithm not in profile.algorithms:
        read.problems.append(f"id_token_signed_response_alg: {', '.join(sorted(profile.algorithms))}")
    if "jwks" not in read.metadata:
        if method == "private_key_jwt":
            read.problems.append("jwks: public keys are needed for private_key_jwt")
        return ()
    try:
        keys = parse_jwks(read.metadata["jwks"])
    except KeysError as error:
        read.problems.append(f"jwks: {error}")
        return ()
    if any(key.alg not in profile.algorithms for key in keys):
        read.problems.append(f"jwks: keys are for {', '.join(sorted(profile.algorithms))}")
    return keys


def _check_reach(read: _Reader, *, profile: Profile, known_purposes: frozenset[str]) -> None:
    purposes = read.texts("purposes")
    if not purposes or set(purposes) - known_purposes:
        read.problems.append("purposes: at least one, each from the catalogue of purposes")
    if "refresh_token" in read.texts("grant_types", ("authorization_code",)) and not profile.refresh:
        read.problems.append(f"grant_types: refresh_token is not for the profile {profile.name}")


def check(stored: StoredClient, *, allow_loopback: bool, known_purposes: frozenset[str]) -> RelyingParty:
    """Turn a stored client into a checked one.

    Raises:
        SettingsError: with every broken rule.
    """
    read = _Reader(stored.metadata)
    profile = PROFILES.get(stored.profile)
    if profile is None:
        raise SettingsError((f"profile: one of {', '.join(PROFILES)}",))
    _check_members(read)
    _check_uris(read, profile=profile, allow_loopback=allow_loopback)
    keys = _check_authentication(read, profile=profile, has_secret=stored.secret_hash is not None)
    owner = stored.metadata.get("owner")
    owner_texts = read.tagged("name", owner) if isinstance(owner, dict) else {}
    names = read.tagged("client_name", stored.metadata)
    if not owner_texts:
        read.problems.append("owner: {name#vi, name#en} of the body that answers for this relying party")
    _check_reach(read, profile=profile, known_purposes=known_purposes)
    redirects = read.texts("redirect_uris")
    if read.problems:
        raise SettingsError(tuple(dict.fromkeys(read.problems)))
    return RelyingParty(
        client_id=stored.client_id,
        profile=profile,
        name=names,
        owner=owner_texts,
        uri=read.text("client_uri") or None,
        sandbox=read.flag("sandbox"),
        redirect_uris=redirects,
        post_logout_redirect_uris=read.texts("post_logout_redirect_uris"),
        authentication_method=read.text("token_endpoint_auth_method", "private_key_jwt"),
        keys=keys,
        secret_hash=stored.secret_hash,
        subject_type=read.text("subject_type", "pairwise"),
        sector=read.text("sector_identifier") or urlsplit(redirects[0]).hostname or "",
        id_token_algorithm=read.text("id_token_signed_response_alg", profile.default_algorithm),
        grant_types=frozenset(read.texts("grant_types", ("authorization_code",))),
        scopes=frozenset(read.text("scope", "openid").split()) | {"openid"},
        purposes=read.texts("purposes"),
        resources=read.texts("resources"),
        pushed_requests_only=profile.pushed_requests_only or read.flag("require_pushed_authorization_requests"),
        default_max_age=stored.metadata.get("default_max_age"),
        status="ended" if stored.ended_at else stored.status,
    )
