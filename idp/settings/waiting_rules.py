"""WAITING_RULES: what must hold between the settings of requests that wait for their citizen elsewhere."""

from __future__ import annotations

from idp.settings.rule import Rule

SHORTEST_CODE_SECONDS = 300
LONGEST_SECONDS = 600

WAITING_RULES: tuple[Rule, ...] = (
    Rule(
        ("device.code_seconds",),
        "[device] code_seconds must be 300 to 600",
        lambda s: SHORTEST_CODE_SECONDS <= s.device.code_seconds <= LONGEST_SECONDS,
    ),
    Rule(
        ("device.interval_seconds",),
        "[device] interval_seconds must be at least 1",
        lambda s: s.device.interval_seconds > 0,
    ),
    Rule(
        ("ciba.request_seconds", "ciba.longest_request_seconds"),
        "[ciba] request_seconds must be at least 1, and longest_request_seconds at least as long and at most 600",
        lambda s: 0 < s.ciba.request_seconds <= s.ciba.longest_request_seconds <= LONGEST_SECONDS,
    ),
    Rule(
        ("ciba.interval_seconds", "ciba.fresh_seconds", "ciba.blocked_hours", "ciba.requests_per_person"),
        "[ciba] interval_seconds, fresh_seconds, blocked_hours and requests_per_person must be at least 1",
        lambda s: (
            min(s.ciba.interval_seconds, s.ciba.fresh_seconds, s.ciba.blocked_hours) > 0 < s.ciba.requests_per_person
        ),
    ),
)
