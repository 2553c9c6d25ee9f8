"""From registered metadata (RFC 7591 section 2) to a checked `RelyingParty`; every broken rule at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypedDict
from urllib.parse import urlsplit

from idp.errors import SettingsError
from idp.relying_parties import metadata_messages, metadata_systems
from idp.relying_parties.client import LOOPBACK_HOSTS, RelyingParty
from idp.relying_parties.metadata_reader import Reader, uri_problem
from idp.relying_parties.profiles import BETWEEN_SYSTEMS, FULLY_SPECIFIED, PROFILES
from keys import EncryptionKey, KeysError, VerificationKey, parse_encryption_keys, parse_jwks

if TYPE_CHECKING:
    from idp.relying_parties.client import BackchannelDelivery, LogoutAddresses, Messages, TlsName
    from idp.relying_parties.metadata_reader import Deployment
    from idp.relying_parties.store import StoredClient

KNOWN = metadata_messages.MEMBERS | metadata_systems.MEMBERS | {
    "client_id", "client_name", "client_uri", "redirect_uris", "post_logout_redirect_uris",
    "token_endpoint_auth_method", "token_endpoint_auth_signing_alg", "jwks", "jwks_uri", "subject_type",
    "sector_identifier", "sector_identifier_uri", "grant_types", "response_types", "response_modes", "scope",
    "contacts", "default_max_age", "default_acr_values", "require_auth_time", "require_pushed_authorization_requests",
    "profile", "purposes", "owner", "resources", "sandbox", "logo_uri", "policy_uri", "tos_uri", "application_type",
    "initiate_login_uri", "authorization_details_types", "loosened", "software_id", "software_version",
    "software_statement", "request_uris",
}  # fmt: skip
SUBJECT_TYPES = frozenset({"pairwise", "public"})
SCOPES = frozenset({"openid", "profile", "address", "phone", "email", "offline_access"})
API_SCOPE = re.compile(r"[a-z0-9][a-z0-9:._/-]{0,99}")
"""What a scope of somebody's interface may look like; what it means is theirs to say."""


def _grants(read: Reader) -> frozenset[str]:
    offered = read.profile.grants
    usual = ("authorization_code",) if "authorization_code" in offered else ("client_credentials",)
    grants = frozenset(read.texts("grant_types", usual))
    if grants - offered:
        read.problems.append(
            f"grant_types: {', '.join(sorted(grants - offered))} is not offered to the profile {read.profile.name}"
        )
    return grants


def _check_members(read: Reader) -> None:
    read.problems += [f"{name}: no such member" for name in read.metadata if name.partition("#")[0] not in KNOWN]
    if read.texts("response_types", ("code",)) not in {("code",), ()}:
        read.problems.append("response_types: only code is offered")
    read.one_of("application_type", frozenset({"web", "native"}), "web")
    read.flag("require_auth_time")
    for name in ("software_id", "software_version"):
        read.text(name)
    max_age = read.metadata.get("default_max_age")
    if max_age is not None and (type(max_age) is not int or max_age < 0):
        read.problems.append("default_max_age: seconds, a whole number")


def _scopes(read: Reader, *, grants: frozenset[str]) -> frozenset[str]:
    """Return what may be asked for; who may use no refresh token is not heard that asks for one.

    Source: OpenID Connect Core section 11.
    """
    scopes = frozenset(read.text("scope", "openid").split())
    if not all(API_SCOPE.fullmatch(scope) for scope in scopes - SCOPES):
        read.problems.append("scope: holds a scope that is not offered")
    return (scopes if "refresh_token" in grants else scopes - {"offline_access"}) | {"openid"}


def _loosened(read: Reader) -> frozenset[str]:
    loosened = frozenset(read.texts("loosened"))
    if loosened - read.profile.loosening:
        read.problems.append(f"loosened: the profile {read.profile.name} is not spared that")
    return loosened


def _response_modes(read: Reader) -> frozenset[str]:
    offered = read.profile.response_modes
    modes = frozenset(read.texts("response_modes"))
    if modes - offered:
        read.problems.append(f"response_modes: a list of {', '.join(sorted(offered))}")
    return modes or offered


def _redirects(read: Reader, *, grants: frozenset[str]) -> tuple[str, ...]:
    redirects = _addresses(read, "redirect_uris")
    if not redirects and "authorization_code" in grants:
        read.problems.append("redirect_uris: at least one is needed")
    return redirects


def _addresses(read: Reader, name: str) -> tuple[str, ...]:
    uris = read.texts(name)
    for uri in uris:
        problem = uri_problem(uri, profile=read.profile, allow_loopback=read.deployment.allow_loopback)
        if problem:
            read.problems.append(f"{name}: {uri[:100]!r} {problem}")
    return uris


def _sector(read: Reader, *, redirects: tuple[str, ...], client_id: str, subject_type: str) -> str:
    """Return what the pairwise `sub` is made for (OpenID Connect Core section 8.1).

    An app that listens on its own machine alone has no host that others have not too: its sector is its own.
    """
    uri = read.address("sector_identifier_uri")
    named = read.text("sector_identifier") or (urlsplit(uri).hostname if uri else None)
    try:
        hosts = {urlsplit(redirect).hostname or "" for redirect in redirects}
    except ValueError:
        return ""  # and the address itself is a problem already
    is_everybodys = read.profile.loopback_redirect and hosts <= {host.strip("[]") for host in LOOPBACK_HOSTS}
    if len(hosts) > 1 and not (named or is_everybodys) and subject_type == "pairwise":
        read.problems.append("sector_identifier_uri: needed where redirect_uris have several hosts")
    return named or (urlsplit(redirects[0]).hostname if redirects and not is_everybodys else None) or client_id


def _keys(read: Reader, *, method: str) -> tuple[tuple[VerificationKey, ...], tuple[EncryptionKey, ...]]:
    if "jwks" in read.metadata and "jwks_uri" in read.metadata:
        read.problems.append("jwks: stands beside jwks_uri; send one of them")
    if "jwks" not in read.metadata:
        if method == "private_key_jwt" and "jwks_uri" not in read.metadata:
            read.problems.append("jwks: public keys are needed for private_key_jwt")
        return (), ()
    document = read.metadata["jwks"]
    if not isinstance(document, dict):
        read.problems.append("jwks: a key set is needed")
        return (), ()
    try:
        keys, encryption_keys = parse_jwks(document), parse_encryption_keys(document)
    except KeysError as error:
        read.problems.append(f"jwks: {error}")
        return (), ()
    fitting = tuple(key for key in keys if key.alg in read.profile.algorithms)
    if keys and not fitting:
        read.problems.append(f"jwks: keys are for {', '.join(sorted(read.profile.algorithms))}")
    return fitting, encryption_keys


def _initiate_login(read: Reader, *, redirects: tuple[str, ...]) -> str | None:
    """Return where a login may be begun by others: over https (OpenID Connect Core section 4).

    On a developer's machine a relying party without TLS may do without it here too, and no other.
    """
    uri = read.address("initiate_login_uri")
    if uri and not uri.startswith("https:") and any(one.startswith("https:") for one in redirects):
        read.problems.append("initiate_login_uri: is not https")
    return uri


def _check_authentication(read: Reader) -> str:
    method = read.text("token_endpoint_auth_method", "private_key_jwt")
    if method not in read.profile.authentication:
        read.problems.append(f"token_endpoint_auth_method: one of {', '.join(sorted(read.profile.authentication))}")
    return method


def _assertion_algorithms(read: Reader) -> frozenset[str]:
    algorithms = read.profile.algorithms
    named = read.one_of("token_endpoint_auth_signing_alg", algorithms | FULLY_SPECIFIED)
    return frozenset({named}) if named else algorithms


def _purposes(read: Reader, *, grants: frozenset[str]) -> tuple[str, ...]:
    purposes = read.texts("purposes")
    of_people = bool(grants - BETWEEN_SYSTEMS)
    if (of_people and not purposes) or set(purposes) - read.deployment.known_purposes:
        read.problems.append("purposes: at least one, each from the catalogue of purposes")
    return purposes


def _owner(read: Reader) -> dict[str, str]:
    owner = read.metadata.get("owner")
    texts = read.tagged("name", owner) if isinstance(owner, dict) else {}
    if not texts:
        read.problems.append("owner: {name#vi, name#en} of the body that answers for this relying party")
    return texts


def check(stored: StoredClient, *, deployment: Deployment) -> RelyingParty:
    """Turn a stored client into a checked one.

    Raises:
        SettingsError: with every broken rule.
    """
    if stored.profile not in PROFILES:
        raise SettingsError((f"profile: one of {', '.join(PROFILES)}",))
    read = Reader(stored.metadata, profile=deployment.profile(stored.profile), deployment=deployment)
    checked = _read_all(read, stored=stored)
    if read.problems:
        raise SettingsError(tuple(dict.fromkeys(read.problems)))
    return checked


def _read_all(read: Reader, *, stored: StoredClient) -> RelyingParty:
    """Read every member; what is returned counts only where the reader has kept no problem."""
    metadata, profile = stored.metadata, read.profile
    _check_members(read)
    grants = _grants(read)
    redirects = _redirects(read, grants=grants)
    subject_type = read.one_of("subject_type", SUBJECT_TYPES, "pairwise")
    method = _check_authentication(read)
    keys, encryption_keys = _keys(read, method=method)
    return RelyingParty(
        client_id=stored.client_id,
        profile=profile,
        name=read.tagged("client_name", metadata),
        owner=_owner(read),
        **_shown(read),
        sandbox=read.flag("sandbox"),
        redirect_uris=redirects,
        post_logout_redirect_uris=_addresses(read, "post_logout_redirect_uris"),
        authentication_method=method,
        keys=keys,
        secret_hash=stored.secret_hash,
        subject_type=subject_type,
        sector=_sector(read, redirects=redirects, client_id=stored.client_id, subject_type=subject_type),
        id_token_algorithm=read.one_of("id_token_signed_response_alg", read.signing, profile.default_algorithm),
        grant_types=grants,
        scopes=_scopes(read, grants=grants),
        purposes=_purposes(read, grants=grants),
        **metadata_systems.read_systems(read, grants=grants),
        pushed_requests_only=profile.pushed_requests_only or read.flag("require_pushed_authorization_requests"),
        default_max_age=metadata.get("default_max_age"),
        default_acr_values=read.texts("default_acr_values"),
        status="ended" if stored.ended_at else stored.status,
        assertion_algorithms=_assertion_algorithms(read),
        encryption_keys=encryption_keys,
        jwks_uri=read.address("jwks_uri"),
        loosened=_loosened(read),
        response_modes=_response_modes(read),
        details_types=read.texts("authorization_details_types"),
        initiate_login_uri=_initiate_login(read, redirects=redirects),
        **_messages(read, method=method, grants=grants),
    )


class _Shown(TypedDict):
    """The addresses that a citizen is shown beside the name."""

    uri: str | None
    policy_uri: str | None
    tos_uri: str | None


def _shown(read: Reader) -> _Shown:
    return {
        "uri": read.address("client_uri"),
        "policy_uri": read.address("policy_uri"),
        "tos_uri": read.address("tos_uri"),
    }


class _Messages(TypedDict):
    """The fields of a relying party that `metadata_messages` reads."""

    messages: Messages
    logout: LogoutAddresses
    tls: TlsName | None
    certificates: frozenset[str]
    sender_constraint: frozenset[str]
    backchannel: BackchannelDelivery | None


def _messages(read: Reader, *, method: str, grants: frozenset[str]) -> _Messages:
    return {
        "messages": metadata_messages.read_messages(read),
        "logout": metadata_messages.read_logout(read),
        "tls": metadata_messages.read_tls_name(read, method=method),
        "certificates": metadata_messages.read_certificates(read, method=method),
        "sender_constraint": metadata_messages.read_sender_constraint(read),
        "backchannel": metadata_messages.read_backchannel(read, grants=grants),
    }
