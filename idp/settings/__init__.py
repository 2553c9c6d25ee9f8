"""Settings: one frozen dataclass per room, read from TOML and the environment; every broken rule reported at once."""

from idp.settings.reading import load
from idp.settings.rooms import (
    Consent,
    Data,
    Front,
    Keys,
    Limits,
    Log,
    Metrics,
    Outbound,
    Passkeys,
    Register,
    Registration,
    Secrets,
    Server,
    Sessions,
    Settings,
    Storage,
    Tokens,
    data_folder,
)
from idp.settings.rules import DEVELOPMENT_KEY

__all__ = [
    "DEVELOPMENT_KEY",
    "Consent",
    "Data",
    "Front",
    "Keys",
    "Limits",
    "Log",
    "Metrics",
    "Outbound",
    "Passkeys",
    "Register",
    "Registration",
    "Secrets",
    "Server",
    "Sessions",
    "Settings",
    "Storage",
    "Tokens",
    "data_folder",
    "load",
]
