"""What no log line of any test may hold: numbers and names of people, codes and tokens."""

from __future__ import annotations

import re

from idp.citizens.activation import ALPHABET

SIGN = f"[{ALPHABET}]"
PRIVATE = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]{8,}\."  # a JSON Web Token
    r"|sen_[ar]t_[\w-]{8,}"  # a token of ours
    r"|[?&\"' ](?:code|request_uri|login_hint|id_token_hint|client_secret)=[^&\s]{8,}"  # a query with a secret
    rf"|\b{SIGN}{{4}}(?:-{SIGN}{{4}}){{2}}-{SIGN}{{2}}\b"  # an activation code
    r"|(?<![\w-])\d{12}(?![\w-])"  # a personal number
    r"|Nguyễn Thị|Nguy\\u1ec5n|@dan\.example|@canary\.example"  # the people of the tests
)
LOG_LINE = re.compile(r"^(?:\{\"|\x1b\[2m\d{4}-).*", re.MULTILINE)
"""A line of ours in JSON, or as structlog writes it where nothing was configured, without its masks."""


def private_in(printed: str) -> list[str]:
    """Return the log lines among what was printed that hold what none may hold."""
    return [line for line in LOG_LINE.findall(printed) if PRIVATE.search(line)]
