"""PRODUCTION_RULES: what production refuses, above all the values that make development easy."""

from __future__ import annotations

import base64

from idp.settings.rule import Rule

DEVELOPMENT_KEY = b"development-only-master-key-0001"
LONGEST_SILENCE_SECONDS = 1

PRODUCTION_RULES: tuple[Rule, ...] = (
    Rule(("server.issuer",), "production: [server] issuer must begin with https://", lambda s: s.server.secure),
    Rule(("server.debug",), "production: [server] debug must be off", lambda s: not s.server.debug),
    Rule(
        ("secrets.master_key", "secrets.former_master_keys"),
        "production: [secrets] no master key may be the development key",
        lambda s: not any(map(_is_development_key, (s.secrets.master_key, *s.secrets.former_master_keys))),
    ),
    Rule(
        ("storage.redis_connect_seconds", "storage.redis_answer_seconds"),
        "production: [storage] redis_connect_seconds and redis_answer_seconds together must be below 1",
        lambda s: s.storage.redis_connect_seconds + s.storage.redis_answer_seconds < LONGEST_SILENCE_SECONDS,
    ),
    Rule(
        ("outbound.allow_loopback",),
        "production: [outbound] allow_loopback must be off",
        lambda s: not s.outbound.allow_loopback,
    ),
    Rule(
        ("outbound.extra_ca",),
        "production: [outbound] extra_ca must be empty",
        lambda s: not s.outbound.extra_ca,
    ),
    Rule(
        ("registration.open", "registration.open_loosened"),
        "production: [registration] open must be off and open_loosened empty",
        lambda s: not s.registration.open and not s.registration.open_loosened,
    ),
    Rule(("log.level",), "production: [log] level must not be debug", lambda s: s.log.level != "debug"),
    Rule(
        ("server.trusted_proxies",),
        "production: [server] trusted_proxies must name addresses, not *",
        lambda s: "*" not in s.server.trusted_proxies,
    ),
)


def _is_development_key(text: str) -> bool:
    try:
        return base64.b64decode(text, validate=True) == DEVELOPMENT_KEY
    except ValueError:
        return False  # it has a line of its own
