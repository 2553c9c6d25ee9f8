"""Settings: one frozen dataclass per room, read from TOML and the environment; every broken rule reported at once."""

from idp.settings.reading import load
from idp.settings.rooms import Limits, Outbound, Sessions, Settings, data_folder

__all__ = ["Limits", "Outbound", "Sessions", "Settings", "data_folder", "load"]
