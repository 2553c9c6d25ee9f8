"""RULES: what must hold between settings, each with the settings that it reads; production adds its own."""

from __future__ import annotations

import base64
import binascii
import re
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from idp.settings.production_rules import PRODUCTION_RULES
from idp.settings.rule import Rule
from idp.settings.waiting_rules import WAITING_RULES
from keys import CUSTODIANS

if TYPE_CHECKING:
    from idp.settings.rooms import Settings

MASTER_KEY_BYTES = 32
SIGNATURES = frozenset({"ES256", "RS256", "PS256", "EdDSA"})
LONGEST_CODE_SECONDS = 60
LONGEST_ID_TOKEN_SECONDS = 300
LONGEST_ACCESS_TOKEN_SECONDS = 3600
LONGEST_ASSERTION_SECONDS = 300
LONGEST_PUSHED_REQUEST_SECONDS = 599
LONGEST_SESSION_SECONDS = 12 * 3600
LONGEST_CHALLENGE_SECONDS = 300
LONGEST_CONSENT_DAYS = 365
HIGHEST_PORT = 65535
LONGEST_CALL_SECONDS = 10
LONGEST_TOKEN_DAYS = 90
SMALLEST_ANSWER_BYTES = 1024
LARGEST_ANSWER_BYTES = 1024 * 1024


def _is_origin(settings: Settings) -> bool:
    return _names_origin(settings.server.issuer, schemes={"http", "https"})


def _names_origin(text: str, *, schemes: set[str]) -> bool:
    try:
        parts = urlsplit(text)
        port_is_good = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return (
        parts.scheme in schemes
        and bool(parts.hostname)
        and port_is_good
        and text == f"{parts.scheme}://{parts.netloc}"
        and not parts.username
    )


def _mtls_base_is_apart(settings: Settings) -> bool:
    base = settings.front.mtls_base
    return not base or (_names_origin(base, schemes={"https"}) and base != settings.server.issuer)


def _gateway_is_safe(settings: Settings) -> bool:
    if not settings.notices.gateway:
        return True
    found = re.fullmatch(r"(https?://[^/?#\\\s]+)(?:[/?][!-\"$-\[\]-~]*)?", settings.notices.gateway, re.ASCII)
    if found is None or not _names_origin(found[1], schemes={"https", "http"}):
        return False
    return found[1].startswith("https:") or urlsplit(found[1]).hostname in {"localhost", "127.0.0.1", "::1"}


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_master_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == MASTER_KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def _rp_id_fits(settings: Settings) -> bool:
    if not settings.passkeys.rp_id or not _is_origin(settings):
        return True  # the issuer has a line of its own
    host = urlsplit(settings.server.issuer).hostname or ""
    return host == settings.rp_id or host.endswith("." + settings.rp_id)


RULES: tuple[Rule, ...] = (
    Rule(
        ("server.environment",),
        "[server] environment must be production or development",
        lambda s: s.server.environment in {"production", "development"},
    ),
    Rule(
        ("server.issuer",),
        "[server] issuer must be an http(s) origin without path, query or slash at the end",
        _is_origin,
    ),
    Rule(("server.port",), "[server] port must be 1 to 65535", lambda s: 0 < s.server.port <= HIGHEST_PORT),
    Rule(
        ("server.workers", "server.threads"),
        "[server] workers and threads must be at least 1",
        lambda s: s.server.workers > 0 and s.server.threads > 0,
    ),
    Rule(("server.drain_seconds",), "[server] drain_seconds must be at least 1", lambda s: s.server.drain_seconds > 0),
    Rule(
        ("front.secret",),
        "[front] secret must have at least 32 printable characters, or none",
        lambda s: not s.front.secret or re.fullmatch(r"[!#%-\[\]-z]{32,}", s.front.secret) is not None,
    ),
    Rule(
        ("front.mtls_base", "server.issuer"),
        "[front] mtls_base must be an https origin without path, and another than the issuer",
        _mtls_base_is_apart,
    ),
    Rule(
        ("front.mtls_base", "front.socket", "front.secret"),
        "[front] mtls_base needs socket or secret, by which the front is known",
        lambda s: not s.front.mtls_base or bool(s.front.socket or s.front.secret),
    ),
    Rule(
        ("storage.pool_size", "storage.timeout_seconds"),
        "[storage] pool_size and timeout_seconds must be above 0",
        lambda s: s.storage.pool_size > 0 and s.storage.timeout_seconds > 0,
    ),
    Rule(
        ("storage.redis_connect_seconds", "storage.redis_answer_seconds"),
        "[storage] redis_connect_seconds and redis_answer_seconds must be above 0",
        lambda s: s.storage.redis_connect_seconds > 0 and s.storage.redis_answer_seconds > 0,
    ),
    Rule(
        ("secrets.master_key",),
        "[secrets] master_key must be 32 bytes in base64",
        lambda s: _is_master_key(s.secrets.master_key),
    ),
    Rule(
        ("secrets.former_master_keys",),
        "[secrets] each of former_master_keys must be 32 bytes in base64",
        lambda s: all(_is_master_key(key) for key in s.secrets.former_master_keys),
    ),
    Rule(
        ("tokens.code_seconds",),
        "[tokens] code_seconds must be 1 to 60",
        lambda s: 0 < s.tokens.code_seconds <= LONGEST_CODE_SECONDS,
    ),
    Rule(
        ("tokens.pushed_request_seconds",),
        "[tokens] pushed_request_seconds must be 1 to 599",
        lambda s: 0 < s.tokens.pushed_request_seconds <= LONGEST_PUSHED_REQUEST_SECONDS,
    ),
    Rule(
        ("tokens.id_token_seconds",),
        "[tokens] id_token_seconds must be 1 to 300",
        lambda s: 0 < s.tokens.id_token_seconds <= LONGEST_ID_TOKEN_SECONDS,
    ),
    Rule(
        ("tokens.access_token_seconds",),
        "[tokens] access_token_seconds must be 1 to 3600",
        lambda s: 0 < s.tokens.access_token_seconds <= LONGEST_ACCESS_TOKEN_SECONDS,
    ),
    Rule(
        ("tokens.refresh_token_days",),
        "[tokens] refresh_token_days must be at least 1",
        lambda s: s.tokens.refresh_token_days > 0,
    ),
    Rule(
        ("tokens.assertion_seconds",),
        "[tokens] assertion_seconds must be 1 to 300",
        lambda s: 0 < s.tokens.assertion_seconds <= LONGEST_ASSERTION_SECONDS,
    ),
    Rule(
        ("keys.algorithms",),
        "[keys] algorithms must begin with ES256 and go on with any of RS256, PS256, EdDSA",
        lambda s: s.keys.algorithms[:1] == ("ES256",) and set(s.keys.algorithms) <= SIGNATURES,
    ),
    Rule(
        ("keys.custodian",),
        f"[keys] custodian must be {' or '.join(CUSTODIANS)}",
        lambda s: s.keys.custodian in CUSTODIANS,
    ),
    Rule(
        ("server.trusted_proxies",),
        "[server] trusted_proxies must list IP addresses",
        lambda s: all(_is_address(proxy) for proxy in s.server.trusted_proxies if proxy != "*"),
    ),
    Rule(
        ("keys.jwks_cache_seconds", "keys.active_days"),
        "[keys] jwks_cache_seconds and active_days must be at least 1",
        lambda s: s.keys.jwks_cache_seconds > 0 and s.keys.active_days > 0,
    ),
    Rule(
        ("sessions.warning_seconds", "sessions.idle_seconds", "sessions.absolute_seconds"),
        "[sessions] warning_seconds must be below idle_seconds, and that below absolute_seconds",
        lambda s: 0 < s.sessions.warning_seconds < s.sessions.idle_seconds < s.sessions.absolute_seconds,
    ),
    Rule(
        ("sessions.absolute_seconds",),
        "[sessions] absolute_seconds must be at most 12 hours",
        lambda s: s.sessions.absolute_seconds <= LONGEST_SESSION_SECONDS,
    ),
    Rule(
        ("passkeys.attestation",),
        "[passkeys] attestation must be none or direct",
        lambda s: s.passkeys.attestation in {"none", "direct"},
    ),
    Rule(
        ("passkeys.rp_id", "server.issuer"),
        "[passkeys] rp_id must be the issuer's host or a parent of it",
        _rp_id_fits,
    ),
    Rule(
        ("passkeys.challenge_seconds",),
        "[passkeys] challenge_seconds must be 1 to 300",
        lambda s: 0 < s.passkeys.challenge_seconds <= LONGEST_CHALLENGE_SECONDS,
    ),
    Rule(
        ("notices.gateway",),
        "[notices] gateway must be an https address, or one of this machine",
        _gateway_is_safe,
    ),
    Rule(
        ("consent.longest_days",),
        "[consent] longest_days must be 1 to 365",
        lambda s: 0 < s.consent.longest_days <= LONGEST_CONSENT_DAYS,
    ),
    Rule(
        ("outbound.connect_seconds", "outbound.total_seconds"),
        "[outbound] connect_seconds must be above 0, and total_seconds at least as long and at most 10",
        lambda s: 0 < s.outbound.connect_seconds <= s.outbound.total_seconds <= LONGEST_CALL_SECONDS,
    ),
    Rule(
        ("outbound.largest_bytes",),
        "[outbound] largest_bytes must be 1024 to 1048576",
        lambda s: SMALLEST_ANSWER_BYTES <= s.outbound.largest_bytes <= LARGEST_ANSWER_BYTES,
    ),
    Rule(
        ("registration.token_days",),
        "[registration] token_days must be 1 to 90",
        lambda s: 0 < s.registration.token_days <= LONGEST_TOKEN_DAYS,
    ),
    Rule(
        ("log.level",),
        "[log] level must be debug, info, warning or error",
        lambda s: s.log.level in {"debug", "info", "warning", "error"},
    ),
    *WAITING_RULES,
)


def broken_rules(settings: Settings, *, unreadable: frozenset[str]) -> tuple[str, ...]:
    """Return the text of every rule that does not hold.

    Args:
        settings: with the manual's value wherever a key of `unreadable` stands.
        unreadable: the keys (`section.key`) whose own value could not be read.
    """
    production = settings.server.environment == "production" and "server.environment" not in unreadable
    rules = RULES + (PRODUCTION_RULES if production else ())
    return tuple(rule.text for rule in rules if not unreadable.intersection(rule.reads) and not rule.holds(settings))
