"""Settings: one frozen dataclass per room, read from TOML and the environment; every broken rule reported at once."""

from __future__ import annotations

import base64
import binascii
import os
import tomllib
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from idp.errors import SettingsError

PREFIX = "SEN_"
MASTER_KEY_BYTES = 32
LONGEST_CODE_SECONDS = 60
LONGEST_PUSHED_REQUEST_SECONDS = 600
LONGEST_SESSION_SECONDS = 12 * 3600
LONGEST_CHALLENGE_SECONDS = 300
DEVELOPMENT_KEY = b"development-only-master-key-0001"


@dataclass(frozen=True, slots=True)
class Server:
    """[server]."""

    environment: str
    issuer: str
    bind: str
    port: int
    workers: int
    threads: int
    trusted_proxies: tuple[str, ...]
    drain_seconds: int
    debug: bool

    @property
    def secure(self) -> bool:
        """Whether browsers reach the issuer over TLS."""
        return self.issuer.startswith("https://")


@dataclass(frozen=True, slots=True)
class Storage:
    """[storage]."""

    database_url: str
    redis_url: str
    pool_size: int
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Secrets:
    """[secrets]; the values never appear in a repr."""

    master_key: str
    former_master_keys: tuple[str, ...]

    def __repr__(self) -> str:
        """Say nothing."""
        return "Secrets(...)"

    @property
    def master(self) -> bytes:
        """The 32 bytes of the master key."""
        return base64.b64decode(self.master_key)

    @property
    def former_masters(self) -> tuple[bytes, ...]:
        """The 32 bytes of each older master key."""
        return tuple(base64.b64decode(key) for key in self.former_master_keys)


@dataclass(frozen=True, slots=True)
class Tokens:
    """[tokens]."""

    code_seconds: int
    pushed_request_seconds: int
    id_token_seconds: int
    access_token_seconds: int
    refresh_token_days: int
    assertion_seconds: int


@dataclass(frozen=True, slots=True)
class Keys:
    """[keys]."""

    algorithms: tuple[str, ...]
    jwks_cache_seconds: int
    active_days: int
    custodian: str


@dataclass(frozen=True, slots=True)
class Sessions:
    """[sessions]."""

    idle_seconds: int
    warning_seconds: int
    absolute_seconds: int
    transaction_seconds: int


@dataclass(frozen=True, slots=True)
class Passkeys:
    """[passkeys]."""

    rp_id: str
    rp_name: str
    attestation: str
    metadata_path: str
    challenge_seconds: int


@dataclass(frozen=True, slots=True)
class Consent:
    """[consent]."""

    longest_days: int


@dataclass(frozen=True, slots=True)
class Register:
    """[register]."""

    name_vi: str
    name_en: str
    foreigner_digits: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """[limits]."""

    per_account: int
    per_prefix: int
    window_seconds: int
    requests_per_prefix: int
    requests_per_client: int


@dataclass(frozen=True, slots=True)
class Data:
    """[data]."""

    assurance: str
    purposes: str


@dataclass(frozen=True, slots=True)
class Log:
    """[log]."""

    level: str


@dataclass(frozen=True, slots=True)
class Metrics:
    """[metrics]."""

    folder: str


@dataclass(frozen=True, slots=True)
class Outbound:
    """[outbound]."""

    allow_loopback: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """Every room's settings."""

    server: Server
    storage: Storage
    secrets: Secrets
    tokens: Tokens
    keys: Keys
    sessions: Sessions
    passkeys: Passkeys
    consent: Consent
    register: Register
    limits: Limits
    data: Data
    log: Log
    metrics: Metrics
    outbound: Outbound

    @property
    def rp_id(self) -> str:
        """The domain that passkeys belong to."""
        return self.passkeys.rp_id or (urlsplit(self.server.issuer).hostname or "")

    def data_file(self, name: str) -> Path:
        """Return where a data file named in [data] lies."""
        path = Path(name)
        return path if path.is_absolute() else data_folder("config") / path


def data_folder(name: str) -> Path:
    """Return a folder of data: inside an installed package, or in the checkout."""
    here = Path(__file__).parent
    packaged = here / "_data" / name
    return packaged if packaged.is_dir() else here.parent / ("examples/portal" if name == "portal" else name)


# --------------------------------------------------------------------------------------- rules between settings


def _issuer_rules(settings: Settings) -> bool:
    parts = urlsplit(settings.server.issuer)
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and not (parts.path or parts.query or parts.fragment or parts.username)
    )


def _is_master_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == MASTER_KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def _rp_id_fits(settings: Settings) -> bool:
    host = urlsplit(settings.server.issuer).hostname or ""
    return settings.rp_id == host or host.endswith("." + settings.rp_id)


RULES: tuple[tuple[str, Callable[[Settings], bool]], ...] = (
    (
        "[server] environment is production or development",
        lambda s: s.server.environment in {"production", "development"},
    ),
    ("[server] issuer is an http(s) origin without path, query or slash at the end", _issuer_rules),
    ("[server] workers and threads are at least 1", lambda s: s.server.workers > 0 and s.server.threads > 0),
    ("[secrets] master_key is 32 bytes in base64", lambda s: _is_master_key(s.secrets.master_key)),
    (
        "[secrets] each of former_master_keys is 32 bytes in base64",
        lambda s: all(_is_master_key(key) for key in s.secrets.former_master_keys),
    ),
    ("[tokens] code_seconds is 1 to 60", lambda s: 0 < s.tokens.code_seconds <= LONGEST_CODE_SECONDS),
    (
        "[tokens] pushed_request_seconds is 1 to 599",
        lambda s: 0 < s.tokens.pushed_request_seconds < LONGEST_PUSHED_REQUEST_SECONDS,
    ),
    ("[tokens] id_token_seconds is 1 to 300", lambda s: 0 < s.tokens.id_token_seconds <= 300),  # noqa: PLR2004 the rule
    ("[tokens] access_token_seconds is 1 to 3600", lambda s: 0 < s.tokens.access_token_seconds <= 3600),  # noqa: PLR2004
    ("[keys] algorithms begins with ES256", lambda s: s.keys.algorithms[:1] == ("ES256",)),
    (
        "[sessions] warning_seconds is below idle_seconds, and that below absolute_seconds",
        lambda s: 0 < s.sessions.warning_seconds < s.sessions.idle_seconds < s.sessions.absolute_seconds,
    ),
    (
        "[sessions] absolute_seconds is at most 12 hours",
        lambda s: s.sessions.absolute_seconds <= LONGEST_SESSION_SECONDS,
    ),
    ("[passkeys] attestation is none or direct", lambda s: s.passkeys.attestation in {"none", "direct"}),
    ("[passkeys] rp_id is the issuer's host or a parent of it", _rp_id_fits),
    (
        "[passkeys] challenge_seconds is 1 to 300",
        lambda s: 0 < s.passkeys.challenge_seconds <= LONGEST_CHALLENGE_SECONDS,
    ),
    ("[consent] longest_days is 1 to 365", lambda s: 0 < s.consent.longest_days <= 365),  # noqa: PLR2004 the rule
    ("[register] foreigner_digits is a shortest and a longest", lambda s: len(s.register.foreigner_digits) == 2),  # noqa: PLR2004
    ("[log] level is debug, info, warning or error", lambda s: s.log.level in {"debug", "info", "warning", "error"}),
)

PRODUCTION_RULES: tuple[tuple[str, Callable[[Settings], bool]], ...] = (
    ("production: [server] issuer begins with https://", lambda s: s.server.secure),
    ("production: [server] debug is off", lambda s: not s.server.debug),
    (
        "production: [secrets] master_key is not the development key",
        lambda s: not _is_master_key(s.secrets.master_key) or s.secrets.master != DEVELOPMENT_KEY,
    ),
    ("production: [outbound] allow_loopback is off", lambda s: not s.outbound.allow_loopback),
    ("production: [log] level is not debug", lambda s: s.log.level != "debug"),
    ("production: [server] trusted_proxies names addresses, not *", lambda s: "*" not in s.server.trusted_proxies),
)


# ----------------------------------------------------------------------------------------------------- reading


def _convert(*, name: str, value: object, hint: Any, problems: list[str]) -> Any:  # noqa: PLR0911  one line per type
    """Check a TOML value, or parse an environment variable's text, against a field's type."""
    origin = typing.get_origin(hint)
    if origin is tuple:
        inner = typing.get_args(hint)[0]
        items = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        if not isinstance(items, list):
            problems.append(f"{name}: a list is needed")
            return ()
        return tuple(_convert(name=name, value=item, hint=inner, problems=problems) for item in items)
    if hint is bool and isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if hint in {int, float} and isinstance(value, str):
        try:
            return hint(value)
        except ValueError:
            problems.append(f"{name}: a number is needed")
            return hint(0)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        problems.append(f"{name}: {hint.__name__} is needed, not {type(value).__name__}")
        return hint()
    return value


def _merge(layers: list[Mapping[str, Any]], problems: list[str]) -> dict[str, dict[str, Any]]:
    """Lay the files over each other; what the manual (the first layer) does not know is a problem."""
    merged: dict[str, dict[str, Any]] = {section: dict(values) for section, values in layers[0].items()}
    for layer in layers[1:]:
        for section, values in layer.items():
            if section not in merged or not isinstance(values, Mapping):
                problems.append(f"[{section}]: no such section")
                continue
            for key, value in values.items():
                if key not in merged[section]:
                    problems.append(f"[{section}] {key}: no such setting")
                    continue
                merged[section][key] = value
    return merged


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> dict[str, dict[str, Any]]:
    """Collect SEN_<SECTION>__<KEY>; a name of ours that is misspelt is a problem, not a silence."""
    layer: dict[str, dict[str, Any]] = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX) or name in {"SEN_ENVIRONMENT", "SEN_CONFIG"}:
            continue
        section, separator, key = name.removeprefix(PREFIX).lower().partition("__")
        if not separator:
            problems.append(f"{name}: settings are named SEN_<SECTION>__<KEY>")
            continue
        layer.setdefault(section, {})[key] = text
    return layer


def _read(path: Path, problems: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        problems.append(f"{path}: cannot be read")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{path}: {error}")
    return {}


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the manual, then the environment's file, then the environment variables.

    Args:
        environ: the variables to read; the process's own when None.

    Raises:
        SettingsError: with every unknown key, wrong type and broken rule at once.
    """
    environ = os.environ if environ is None else environ
    problems: list[str] = []
    layers: list[Mapping[str, Any]] = [_read(data_folder("config") / "default.toml", problems)]
    environment = environ.get("SEN_ENVIRONMENT", "")
    if environment == "development":
        layers.append(_read(data_folder("config") / "development.toml", problems))
    elif environment not in {"", "production"}:
        problems.append("SEN_ENVIRONMENT: production or development")
    if "SEN_CONFIG" in environ:
        layers.append(_read(Path(environ["SEN_CONFIG"]), problems))
    layers.append(_from_environment(environ, problems))
    merged = _merge(layers, problems)
    rooms: dict[str, Any] = {}
    for room in fields(Settings):
        kind = typing.get_type_hints(Settings)[room.name]
        rooms[room.name] = _room(kind=kind, name=room.name, values=merged.get(room.name, {}), problems=problems)
    if problems:
        raise SettingsError(tuple(problems))
    settings = Settings(**rooms)
    rules = RULES + (PRODUCTION_RULES if settings.server.environment == "production" else ())
    broken = tuple(text for text, holds in rules if not holds(settings))
    if broken:
        raise SettingsError(broken)
    return settings


def _room(*, kind: type, name: str, values: Mapping[str, Any], problems: list[str]) -> Any:
    hints = typing.get_type_hints(kind)
    converted = {}
    for field in fields(kind):
        if field.name not in values:
            problems.append(f"[{name}] {field.name}: missing")
            continue
        converted[field.name] = _convert(
            name=f"[{name}] {field.name}", value=values[field.name], hint=hints[field.name], problems=problems
        )
    return kind(**converted) if len(converted) == len(hints) else types.SimpleNamespace()
