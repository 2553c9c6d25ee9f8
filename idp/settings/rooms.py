"""The rooms of the settings: one frozen dataclass for each section of config/default.toml."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit


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
class Front:
    """[front]; the secret never appears in a repr."""

    socket: str
    secret: str = field(repr=False)
    mtls_base: str
    client_authorities: str


@dataclass(frozen=True, slots=True)
class Storage:
    """[storage]; addresses may hold passwords, so they never appear in a repr."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    pool_size: int
    timeout_seconds: float
    redis_connect_seconds: float
    redis_answer_seconds: float


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
    dpop_nonce: bool


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
    country_code: str
    trust_framework: str
    legacy_claims: bool


@dataclass(frozen=True, slots=True)
class Notices:
    """[notices]."""

    gateway: str


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
    details_types: str


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
    extra_ca: str
    connect_seconds: float
    total_seconds: float
    largest_bytes: int


@dataclass(frozen=True, slots=True)
class Registration:
    """[registration]."""

    open: bool
    open_loosened: tuple[str, ...]
    software_statements: str
    token_days: int


@dataclass(frozen=True, slots=True)
class Device:
    """[device]."""

    code_seconds: int
    interval_seconds: int


@dataclass(frozen=True, slots=True)
class Ciba:
    """[ciba]."""

    request_seconds: int
    longest_request_seconds: int
    interval_seconds: int
    fresh_seconds: int
    blocked_hours: int
    requests_per_person: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Every room's settings."""

    server: Server
    front: Front
    storage: Storage
    secrets: Secrets
    tokens: Tokens
    keys: Keys
    sessions: Sessions
    passkeys: Passkeys
    consent: Consent
    register: Register
    notices: Notices
    limits: Limits
    data: Data
    log: Log
    metrics: Metrics
    outbound: Outbound
    registration: Registration
    device: Device
    ciba: Ciba

    @property
    def rp_id(self) -> str:
        """The domain that passkeys belong to."""
        return self.passkeys.rp_id or (urlsplit(self.server.issuer).hostname or "")

    def data_file(self, name: str) -> Path:
        """Return where a data file named in [data] lies."""
        path = Path(name)
        return path if path.is_absolute() else data_folder("config") / path


def data_folder(name: str) -> Path:
    """Return a folder of data (`config`, `templates`, `portal`): inside an installed package, or in the checkout."""
    package = Path(__file__).parent.parent
    packaged = package / "_data" / name
    return packaged if packaged.is_dir() else package.parent / ("examples/portal" if name == "portal" else name)
