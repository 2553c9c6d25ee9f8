"""From what a relying party sends about itself to the metadata that is registered: allowed, completed, and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from idp.errors import SettingsError
from idp.relying_parties import metadata_rules
from idp.relying_parties.metadata_reader import Reader
from idp.relying_parties.names import is_confusable, name_problem
from idp.relying_parties.profiles import PROFILES, TOKEN_EXCHANGE, Profile
from idp.relying_parties.refusals import InvalidClientMetadata, InvalidRedirectUri

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.relying_parties.client import RelyingParty
    from idp.relying_parties.metadata_reader import Deployment
    from idp.relying_parties.store import Allowance, StoredClient

NOT_ITS_OWN = frozenset(
    {
        "client_id", "owner", "sandbox", "sector_identifier", "resources", "resources_served", "exchange", "loosened",
        "authorization_details_types",
    }
)  # fmt: skip
"""Members that an officer sets, or that the token brings: a relying party that sends them is not heard."""

STAYS = (
    "sandbox", "sector_identifier", "resources", "resources_served", "exchange", "authorization_details_types",
    "subject_type",
)  # fmt: skip
"""What a change that does not name it leaves as it was; what an officer has allowed says the rest (`Allowance`)."""

READ_ONLY = frozenset(
    {"registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"}
)
"""What we say and nobody sends back (RFC 7592 section 2.2)."""

SHOWN = ("client_uri", "logo_uri", "policy_uri", "tos_uri")
"""Addresses of pages and pictures: kept, and never fetched from here."""

USUAL_SCOPE = "openid profile email address phone"
MOST_ITEMS = 50
LONGEST_TEXT = 2048
METHODS = {"web": "client_secret_basic", "native": "none"}
STRONG_METHOD = "private_key_jwt"


@dataclass(frozen=True, slots=True)
class Draft:
    """Metadata on its way, and what was found to be wrong with it, in plain words."""

    profile: str
    metadata: Mapping[str, Any]
    problems: list[str]

    @property
    def confusable(self) -> bool:
        """Whether an officer should look at its names."""
        return any(is_confusable(name) for name in _names(self.metadata).values())


def complete(
    unverified: Mapping[str, Any], *, allowance: Allowance, deployment: Deployment, former: StoredClient | None = None
) -> Draft:
    """Return what is to be registered: known members only, what was left out by its usual value.

    What stays of `former` stays where it is not named. A purpose that the catalogue has no longer is allowed to nobody.

    Source: RFC 7591 section 2, RFC 7592 section 2.2, OpenID Connect Registration section 2.
    """
    stays = {} if former is None else {name: former.metadata[name] for name in STAYS if name in former.metadata}
    own = {
        name: value
        for name, value in unverified.items()
        if name.partition("#")[0] in metadata_rules.KNOWN and name not in NOT_ITS_OWN and value is not None
    }
    kept = {**stays, **own}
    problems: list[str] = []
    profile = deployment.profile(_profile(kept, allowance=allowance, problems=problems))
    allowed = [one for one in allowance.purposes if one in deployment.known_purposes]
    purposes = kept.get("purposes", allowed)
    if not isinstance(purposes, list) or not set(map(str, purposes)) <= set(allowed):
        problems.append(f"purposes: a list of {', '.join(allowed)}")
        purposes = allowed
    completed = {**_usual(kept, profile=profile), **kept, "profile": profile.name, "purposes": purposes}
    if completed.get("subject_type") == "public" and not allowance.public_subject:
        problems.append("subject_type: only pairwise is allowed")
    if allowance.loosened and profile.loosening:
        completed["loosened"] = sorted(profile.loosening.intersection(allowance.loosened))
    completed["owner"] = dict(allowance.owner)
    if "exchange" in stays and TOKEN_EXCHANGE not in _texts_of(completed["grant_types"]):
        del completed["exchange"]  # it has given the grant up
    problems += _sizes(own) + _texts(completed) + _shown(completed, profile=profile, deployment=deployment)
    return Draft(profile.name, completed, problems)


def _texts_of(value: object) -> list[str]:
    """Return the texts of a list; none where it is no list."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def check(draft: Draft, *, stored: StoredClient, deployment: Deployment) -> RelyingParty:
    """Return the relying party that it would be, all of it held against every rule.

    Raises:
        InvalidRedirectUri: something is wrong, and of that something with a redirect address.
        InvalidClientMetadata: something else is wrong. Both name every broken rule.

    Source: RFC 7591 section 3.2.2.
    """
    problems = list(draft.problems)
    try:
        checked = metadata_rules.check(stored, deployment=deployment)
        if not problems:
            return checked
    except SettingsError as error:
        problems += [reason for reason in error.reasons if reason not in problems]
    kind = InvalidRedirectUri if any(one.startswith("redirect_uris:") for one in problems) else InvalidClientMetadata
    raise kind("; ".join(problems))


def _profile(kept: dict[str, Any], *, allowance: Allowance, problems: list[str]) -> str:
    """Return the profile that is asked for, else the one that its application_type goes with."""
    allowed = tuple(name for name in allowance.profiles if name in PROFILES)
    asked = kept.get("profile")
    if asked is not None:
        if asked in allowed:
            return str(asked)
        problems.append(f"profile: one of {', '.join(allowed)}")
    usual = "native" if kept.get("application_type") == "native" else "web"
    return usual if usual in allowed else allowed[0]


def _usual(kept: Mapping[str, Any], *, profile: Profile) -> dict[str, Any]:
    """Return the value of each member that may be left out."""
    by_code = "authorization_code" in profile.grants
    grants = kept.get("grant_types", ["authorization_code"] if by_code else ["client_credentials"])
    with_refresh = isinstance(grants, list) and "refresh_token" in grants
    usual: dict[str, Any] = {
        "application_type": "native" if profile.loopback_redirect else "web",
        "token_endpoint_auth_method": METHODS.get(profile.name, STRONG_METHOD),
        "grant_types": grants,
        "response_types": ["code"] if by_code else [],
    }
    if by_code:
        usual["subject_type"] = "pairwise"
        usual["id_token_signed_response_alg"] = profile.default_algorithm
        usual["scope"] = USUAL_SCOPE + (" offline_access" if with_refresh else "")
    host = _host(kept)
    if host and not _names(kept):
        usual["client_name"] = host
    return usual


def _host(kept: Mapping[str, Any]) -> str | None:
    """Return the host of the first redirect address: what an unnamed relying party is called."""
    uris = kept.get("redirect_uris")
    first = uris[0] if isinstance(uris, list) and uris else None
    try:
        return urlsplit(first).hostname if isinstance(first, str) else None
    except ValueError:
        return None


def _names(metadata: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: value
        for name, value in metadata.items()
        if name.partition("#")[0] == "client_name" and isinstance(value, str) and value.strip()
    }


def _sizes(metadata: Mapping[str, Any]) -> list[str]:
    lists = [name for name, value in metadata.items() if isinstance(value, list) and len(value) > MOST_ITEMS]
    texts = [
        name
        for name, value in metadata.items()
        if isinstance(value, str) and len(value) > LONGEST_TEXT and name != "software_statement"
    ]
    return [f"{name}: holds more than {MOST_ITEMS} values" for name in lists] + [
        f"{name}: is longer than {LONGEST_TEXT} signs" for name in texts
    ]


def _texts(metadata: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with names and contacts."""
    problems = [
        f"{name}: {problem}" for name, value in _names(metadata).items() if (problem := name_problem(value)) is not None
    ]
    contacts = metadata.get("contacts", [])
    if not isinstance(contacts, list) or any(not isinstance(one, str) or name_problem(one) for one in contacts):
        problems.append("contacts: a list of texts is needed")
    return problems


def _shown(metadata: Mapping[str, Any], *, profile: Profile, deployment: Deployment) -> list[str]:
    """Say what is wrong with addresses that are for people, and with those of request objects."""
    read = Reader(metadata, profile=profile, deployment=deployment)
    for name in metadata:
        if name.partition("#")[0] in SHOWN:
            read.address(name)
    uris = metadata.get("request_uris", [])
    texts = isinstance(uris, list) and all(isinstance(uri, str) for uri in uris)
    good = texts and (deployment.allow_loopback or all(uri.startswith(("https://", "urn:")) for uri in uris))
    return read.problems if good else [*read.problems, "request_uris: a list of https addresses is needed"]
