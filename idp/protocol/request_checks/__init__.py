"""CHECKS: every check of an authorization request, in order, against the endpoints that it applies to.

A check takes a `Draft`, reads what is not yet checked, and returns the fields of `AuthorizationRequest` that it has
established. It raises what the relying party is told.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from idp.errors import (
    InvalidRequest,
    InvalidScope,
    RequestNotSupported,
    UnauthorizedClient,
    UnmetAuthentication,
    UnsupportedResponseType,
)
from idp.protocol.authorization_response import MODES
from idp.protocol.claims import asked_by_scope, within
from idp.protocol.claims.released import LEGACY_SCOPE
from idp.protocol.id_token_hint import read_hint
from idp.protocol.request_checks.draft import Draft, Established, details, grant_management, resource
from idp.protocol.sender import pkce
from idp.protocol.sender.dpop import JKT
from idp.relying_parties.profiles import NO_PKCE
from idp.relying_parties.purposes import SCOPE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.relying_parties.purposes import Purpose

PROMPTS = frozenset({"none", "login", "consent", "select_account"})
LONGEST_STATE = 2048
LONGEST_LOCALES = 100
LONGEST_NONCE = 512
LONGEST_SCOPE = 2048
MOST_SCOPES = 32
MOST_ACR_NAMES = 16
LONGEST_HINT = 64
HINT_PURPOSE = "login hint"
WANTED_PURPOSE = "wanted values"
LONGEST_AGE = 10 * 365 * 86400
LONGEST_NUMBER = 12


def redirect_uri(draft: Draft) -> Established:
    """Compare the raw string with what is registered (RFC 9700 section 2.1)."""
    uri = draft.unverified.get("redirect_uri")
    if uri is None:
        raise InvalidRequest("redirect_uri is missing: send one of the registered addresses.")
    if not draft.client.accepts_redirect(uri):
        raise InvalidRequest("redirect_uri is not registered for this relying party, letter by letter.")
    return {"redirect_uri": uri}


def request_object(draft: Draft) -> Established:
    """Refuse an object that nobody has opened: its parameters would not count (RFC 9101 section 6.3)."""
    if "request" in draft.unverified:
        raise RequestNotSupported("A request object does not belong here.")
    return {}


def pushed_only(draft: Draft) -> Established:
    """Hold relying parties whose profile says so to pushed requests (RFC 9126 section 5)."""
    if draft.client.pushed_requests_only and not draft.pushed:
        raise InvalidRequest("This relying party must push its requests (RFC 9126).")
    return {}


def state(draft: Draft) -> Established:
    """Return the state as it came, or refuse it; never touch it (RFC 6749 section 4.1.1)."""
    return _as_it_came("state", draft=draft, longest=LONGEST_STATE)


def response_type(draft: Draft) -> Established:
    """Only `code` is answered (RFC 9700 section 2.1.2)."""
    value = draft.unverified.get("response_type")
    if value is None:
        raise InvalidRequest("response_type is missing: send code.")
    if value != "code":
        raise UnsupportedResponseType("Only response_type=code is answered.")
    if "authorization_code" not in draft.client.grant_types:
        raise UnauthorizedClient("This relying party is not registered for authorization_code.")
    return {}


def response_mode(draft: Draft) -> Established:
    """Keep how the answer travels: one of the modes that the relying party has (Multiple Response Types 2.1)."""
    mode, allowed = draft.unverified.get("response_mode", "query"), draft.client.response_modes
    if mode not in MODES or mode not in allowed:
        raise InvalidRequest(f"response_mode is one of {', '.join(sorted(allowed))} for this relying party.")
    return {"response_mode": mode}


def code_challenge(draft: Draft) -> Established:
    """PKCE with S256, always (RFC 9700 section 2.1.1), but for a relying party that is spared it one by one."""
    sent = {"code_challenge", "code_challenge_method"} & draft.unverified.keys()
    if NO_PKCE in draft.client.loosened and not sent:
        return {"code_challenge": pkce.NO_CHALLENGE}
    challenge = pkce.check_challenge(
        unverified_challenge=draft.unverified.get("code_challenge"),
        unverified_method=draft.unverified.get("code_challenge_method"),
    )
    return {"code_challenge": challenge}


def dpop_jkt(draft: Draft) -> Established:
    """Read the key that the code is to be bound to (RFC 9449 section 10)."""
    value = draft.unverified.get("dpop_jkt")
    if value is not None and not JKT.fullmatch(value):
        raise InvalidRequest("dpop_jkt is the SHA-256 thumbprint of a key, 43 characters (RFC 7638).")
    return {"dpop_jkt": value}


def nonce(draft: Draft) -> Established:
    """Return the nonce as it came, or refuse it (OpenID Connect Core section 3.1.2.1)."""
    return _as_it_came("nonce", draft=draft, longest=LONGEST_NONCE)


def _as_it_came(name: str, *, draft: Draft, longest: int) -> Established:
    value = draft.unverified.get(name)
    if value is not None and len(value) > longest:
        raise InvalidRequest(f"{name} may have {longest} characters.")
    return {name: value}


def scope(draft: Draft) -> Established:
    """Keep the scopes that are offered and registered; find the one purpose (RFC 6749 section 3.3), and the claims."""
    text = draft.unverified.get("scope", "")
    asked = tuple(dict.fromkeys(text.split(" "))) if text else ()
    if len(text) > LONGEST_SCOPE or len(asked) > MOST_SCOPES:
        raise InvalidScope(f"scope may have {MOST_SCOPES} values.")
    if "openid" not in asked:
        raise InvalidScope("scope must hold openid.")
    purpose = _purpose(draft=draft, asked=asked)
    registered = draft.client.scopes
    if not draft.provider.settings.register.legacy_claims:
        registered -= {LEGACY_SCOPE}
    kept = tuple(value for value in asked if value in registered or value == purpose.scope)
    return {"scope": kept, "purpose": purpose.id, **_claims(draft, kept=kept, purpose=purpose)}


def _purpose(*, draft: Draft, asked: tuple[str, ...]) -> Purpose:
    """Return the one purpose that is asked for, or the first that the relying party is registered for."""
    named = [value.removeprefix(SCOPE_PREFIX) for value in asked if value.startswith(SCOPE_PREFIX)]
    if len(named) > 1:
        raise InvalidScope(f"One request asks for one purpose: send one {SCOPE_PREFIX}... value.")
    purpose_id = named[0] if named else draft.client.purposes[0]
    if purpose_id not in draft.client.purposes:
        raise InvalidScope("This relying party is not registered for that purpose.")
    return draft.provider.purposes.get(purpose_id)


def prompt(draft: Draft) -> Established:
    """Read the pages that must, or must not, be shown (OpenID Connect Core section 3.1.2.1)."""
    values = tuple(draft.unverified.get("prompt", "").split())
    if set(values) - PROMPTS:
        raise InvalidRequest("prompt may be none, login, consent or select_account.")
    if "none" in values and len(values) > 1:
        raise InvalidRequest("prompt=none stands alone.")
    return {"prompt": values}


def max_age(draft: Draft) -> Established:
    """Read how old a login may be, in seconds (OpenID Connect Core section 3.1.2.1)."""
    text = draft.unverified.get("max_age")
    if text is None:
        return {"max_age": draft.client.default_max_age}
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER) or int(text) > LONGEST_AGE:
        raise InvalidRequest("max_age is a number of seconds.")
    return {"max_age": int(text)}


def _claims(draft: Draft, *, kept: tuple[str, ...], purpose: Purpose) -> Established:
    """Read what is asked for by scope, by purpose and one by one (OpenID Connect Core section 5.5)."""
    parsed = draft.claims
    whole = purpose.scope in kept or LEGACY_SCOPE in kept
    by_purpose = tuple(item.claim for item in purpose.items) if whole else ()
    everything = dict.fromkeys((*asked_by_scope(kept), *by_purpose, *parsed.userinfo))
    allowed = purpose.claims
    return {
        "claims_userinfo": within(allowed, words=everything),
        "claims_id_token": within(allowed, words=parsed.id_token),
        "claims_wanted": _sealed(draft, purpose=WANTED_PURPOSE, plain=orjson.dumps(parsed.wanted))
        if parsed.wanted
        else None,
    }


def _sealed(draft: Draft, *, purpose: str, plain: bytes) -> str:
    return b64encode(draft.provider.sealer.seal(purpose=purpose, plaintext=plain)).decode()


def acr(draft: Draft) -> Established:
    """Read the levels that are asked for; what cannot be read as one of ours is refused where it is essential.

    Source: OpenID Connect Core sections 3.1.2.1 and 5.5.1.1.
    """
    spec = draft.claims.acr
    values = spec.get("values", [spec["value"]] if "value" in spec else [])
    if not isinstance(values, list) or any(not isinstance(value, str) for value in values):
        raise InvalidRequest("claims.id_token.acr.values is a list of texts.")
    names = tuple(values) or tuple(draft.unverified.get("acr_values", "").split()) or draft.client.default_acr_values
    if len(names) > MOST_ACR_NAMES:
        raise InvalidRequest(f"acr_values may have {MOST_ACR_NAMES} values.")
    known = tuple(name for name in names if draft.provider.assurance.level_for(name) is not None)
    if spec.get("essential") is True and values and not known:
        raise UnmetAuthentication("None of the levels in claims.id_token.acr is offered.")
    return {"acr_names": known}


def expected_subject(draft: Draft) -> Established:
    """Read who must be the one: id_token_hint, or `sub` in claims (OpenID Connect Core section 3.1.2.2)."""
    named = draft.claims.sub.get("value")
    if named is not None and not isinstance(named, str):
        raise InvalidRequest("claims.id_token.sub.value is a text.")
    hint = draft.unverified.get("id_token_hint")
    if hint is None:
        return {"expected_subject": named}
    hinted = read_hint(unverified_hint=hint, provider=draft.provider, expected_client_id=draft.client.client_id)
    if named is not None and named != hinted.subject:
        raise InvalidRequest("id_token_hint and claims name different subjects.")
    return {"expected_subject": hinted.subject}


def hints(draft: Draft) -> Established:
    """Read hints for the pages. A login_hint may be a number: taken from a pushed request only, and kept sealed."""
    hint = draft.unverified.get("login_hint", "") if draft.pushed else ""
    sealed = None
    if hint and len(hint) <= LONGEST_HINT:
        sealed = _sealed(draft, purpose=HINT_PURPOSE, plain=hint.encode())
    return {"login_hint": sealed, "ui_locales": draft.unverified.get("ui_locales", "")[:LONGEST_LOCALES] or None}


@dataclass(frozen=True, slots=True)
class Check:
    """One row: the check and the endpoints that run it; `elsewhere`: the citizen answers on another device."""

    run: Callable[[Draft], Established]
    par: bool
    authorize: bool
    elsewhere: bool = False


BEFORE_REDIRECT: tuple[Check, ...] = (Check(redirect_uri, par=True, authorize=True),)
"""Until these hold, nothing is sent to any address: the citizen sees a page (RFC 9700 section 4.11.2)."""

CHECKS: tuple[Check, ...] = (
    Check(response_mode, par=True, authorize=True),
    Check(state, par=True, authorize=True),
    Check(request_object, par=True, authorize=True, elsewhere=True),
    Check(pushed_only, par=False, authorize=True),
    Check(response_type, par=True, authorize=True),
    Check(code_challenge, par=True, authorize=True),
    Check(dpop_jkt, par=True, authorize=True, elsewhere=True),
    Check(nonce, par=True, authorize=True),
    Check(scope, par=True, authorize=True, elsewhere=True),
    Check(prompt, par=True, authorize=True),
    Check(max_age, par=True, authorize=True, elsewhere=True),
    Check(acr, par=True, authorize=True, elsewhere=True),
    Check(expected_subject, par=True, authorize=True, elsewhere=True),
    Check(hints, par=True, authorize=True, elsewhere=True),
    Check(resource, par=True, authorize=True, elsewhere=True),
    Check(details, par=True, authorize=True, elsewhere=True),
    Check(grant_management, par=True, authorize=True),
)
