"""Logs: one JSON object a line on standard error, tied to its request, with nothing in it that could be a person's.

Whoever writes a line leaves personal data and secrets out of it. `mask` is the last line of defence and no licence:
it hides what looks like a person's number or a token, and every field whose name says that it holds a secret.
"""

from __future__ import annotations

import logging
import logging.config
import re
import sys
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from idp import clock
from idp.audit.log import correlation

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

MASKED = "[masked]"

SECRET_FIELDS = frozenset(
    {
        "access_token", "activation_code", "assertion", "authorization", "birth_date", "client_assertion",
        "client_secret", "code_verifier", "cookie", "cookies", "email", "full_name", "former_number",
        "id_token", "id_token_hint", "login_hint", "master_key", "number", "password", "person", "phone",
        "private_key", "refresh_token", "request_uri", "secret", "session_token", "token",
    }
)  # fmt: skip
"""Fields that are masked whatever they hold."""
WORD_FIELDS = {"code": re.compile(r"[a-z]+(_[a-z]+)*")}
"""Fields that hold a word of the wire (`invalid_grant`) or nothing that may be shown: no code of ours is a word."""

LOOKS_PRIVATE = re.compile(
    r"(?P<harmless>\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b)"  # an id of ours may hold twelve digits by chance
    r"|eyJ[\w-]+\.[\w-]+\.[\w-]*"  # a JSON Web Token
    r"|(?<!\d)(?:\d[ .-]?){11}\d(?!\d)"  # a personal number, with or without separators
    r"|(?<!\d)(?:\d{9}|\d{3}(?P<between>[ .-])\d{3}(?P=between)\d{3})(?!\d)",  # a former number
    re.ASCII,
)
PLAIN = re.compile(r"[ A-Za-z_/:.-]{0,64}")
"""Words and paths: where no digit and no `eyJ` is, nothing private is found below, at a tenth of the price."""
UNSAFE = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What JSON does not escape, and what a terminal or an editor would still obey."""
LEAST_PRIVATE_NUMBER = 10**8
MOST_PRIVATE_NUMBER = 10**12


def configure(*, level: str) -> None:
    """Send every log line of this process to standard error as JSON; `level` is that of [log]."""
    # What we add ourselves comes after the masking: an instant and an id are no person's number.
    own: list[Any] = [_stamp, structlog.stdlib.add_log_level]
    structlog.configure(
        processors=[structlog.processors.format_exc_info, mask, *own, _to_json],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(stdlib_config(level=level))


def stdlib_config(*, level: str) -> dict[str, Any]:
    """Return a `logging.config` that sends what libraries say the same way; Granian takes it too."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
        "root": {"handlers": ["stderr"], "level": max(logging.getLevelNamesMapping()[level.upper()], logging.WARNING)},
        "loggers": {"_granian": {"handlers": ["stderr"], "level": level.upper(), "propagate": False}},
    }


class JsonFormatter(logging.Formatter):
    """What a library says through the standard `logging`, in the same words as our own lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line of JSON."""
        fields: dict[str, Any] = {
            "event": record.getMessage(),
            "logger": record.name,
            "level": record.levelname.lower(),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return _to_json(None, "", _stamp(None, "", mask(None, "", fields)))


def mask(_logger: object, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide what could be a person's number or a secret (a structlog processor)."""
    return {key: MASKED if _is_secret(key.lower(), value) else _masked(value) for key, value in fields.items()}


def _is_secret(key: str, value: Any) -> bool:
    word = WORD_FIELDS.get(key)
    return key in SECRET_FIELDS or (word is not None and not word.fullmatch(str(value)))


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return _masked_text(value)
    if value is None:
        return value
    if isinstance(value, int | float):
        return MASKED if LEAST_PRIVATE_NUMBER <= abs(value) < MOST_PRIVATE_NUMBER else value
    if isinstance(value, dict):
        return mask(None, "", {str(key): inner for key, inner in value.items()})
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(inner) for inner in value]
    return _masked(repr(value))


def _masked_text(text: str) -> str:
    if PLAIN.fullmatch(text) and "eyJ" not in text:
        return text
    return UNSAFE.sub("\ufffd", LOOKS_PRIVATE.sub(lambda found: found["harmless"] or MASKED, text))


def _stamp(_logger: object, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Say when, and in which request."""
    fields["at"] = clock.now().isoformat(timespec="milliseconds")
    fields["correlation"] = correlation.get()
    return fields


def _to_json(_logger: object, _method: str, fields: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(fields), default=repr).decode()
