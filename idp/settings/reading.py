"""From files and environment variables to `Settings`: the manual first, then what the operator says."""

from __future__ import annotations

import os
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from idp.errors import SettingsError
from idp.settings.rooms import Settings, data_folder
from idp.settings.rules import broken_rules

PREFIX = "SEN_"
NOT_SETTINGS = frozenset({"SEN_ENVIRONMENT", "SEN_CONFIG"})
ENVIRONMENTS = ("production", "development")
WORDS: Mapping[type, str] = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}

Layer = Mapping[str, Any]


class _Text(str):
    """A text from an environment variable: it is parsed, where a value of a file must have its type already."""

    __slots__ = ()


class _Wrong(ValueError):
    """A value that is not of its key's type; the text says what is needed and never repeats the value."""


@dataclass(frozen=True, slots=True)
class _Findings:
    """What is wrong so far: lines for the operator, and the keys (`section.key`) that could not be read."""

    lines: list[str] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the manual, then the environment's file, then the environment variables.

    Args:
        environ: the variables to read; the process's own when None.

    Raises:
        SettingsError: with every unknown key, wrong type and broken rule at once.
    """
    environ = os.environ if environ is None else environ
    found = _Findings()
    layers = [*_files(environ, found), _from_environment(environ, found)]
    manual = _manual()
    rooms: dict[str, Any] = {}
    merged = _merge(layers, manual, found)
    for section, hints in _hints().items():
        values = {
            key: _read_value(
                where=(section, key), value=merged[section][key], manual=manual[section][key], hint=hint, found=found
            )
            for key, hint in hints.items()
        }
        rooms[section] = _room_type(section)(**values)
    settings = Settings(**rooms)
    found.lines.extend(broken_rules(settings, unreadable=frozenset(found.unreadable)))
    asked = environ.get("SEN_ENVIRONMENT")
    if asked in ENVIRONMENTS and settings.server.environment in set(ENVIRONMENTS) - {asked}:
        found.lines.append(f"[server] environment says {settings.server.environment}, SEN_ENVIRONMENT says {asked}")
    if found.lines:
        raise SettingsError(tuple(found.lines))
    return settings


@lru_cache(maxsize=1)
def _hints() -> Mapping[str, Mapping[str, Any]]:
    """Return section -> key -> type, from the dataclasses."""
    return {room.name: typing.get_type_hints(_room_type(room.name)) for room in fields(Settings)}


def _room_type(section: str) -> Any:
    return typing.get_type_hints(Settings)[section]


@lru_cache(maxsize=1)
def _manual() -> Mapping[str, Mapping[str, Any]]:
    """Return config/default.toml, which has every key of every room and no other: a test holds that."""
    return tomllib.loads((data_folder("config") / "default.toml").read_text(encoding="utf-8"))


def _files(environ: Mapping[str, str], found: _Findings) -> list[Layer]:
    layers: list[Layer] = []
    environment = environ.get("SEN_ENVIRONMENT", "")
    if environment == "development":
        layers.append(_read_file(data_folder("config") / "development.toml", found))
    elif environment not in {"", *ENVIRONMENTS}:
        found.lines.append("SEN_ENVIRONMENT: production or development")
    if environ.get("SEN_CONFIG"):
        layers.append(_read_file(Path(environ["SEN_CONFIG"]), found))
    return layers


def _read_file(path: Path, found: _Findings) -> Layer:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        found.lines.append(f"{path}: cannot be read")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        found.lines.append(f"{path}: {error}")
    return {}


def _from_environment(environ: Mapping[str, str], found: _Findings) -> Layer:
    """Collect SEN_<SECTION>__<KEY>; a name of ours that is misspelt is a problem, not a silence."""
    layer: dict[str, dict[str, Any]] = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        section, separator, key = name.removeprefix(PREFIX).lower().partition("__")
        if not separator:
            found.lines.append(f"{name}: settings are named SEN_<SECTION>__<KEY>")
            continue
        layer.setdefault(section, {})[key] = _Text(text)
    return layer


def _merge(layers: list[Layer], manual: Mapping[str, Mapping[str, Any]], found: _Findings) -> dict[str, dict[str, Any]]:
    """Lay the layers over the manual; what the manual does not know is a problem."""
    merged = {section: dict(values) for section, values in manual.items()}
    for layer in layers:
        for section, values in layer.items():
            if section not in merged or not isinstance(values, Mapping):
                found.lines.append(f"[{section}]: no such section")
                continue
            unknown = [key for key in values if key not in merged[section]]
            found.lines.extend(f"[{section}] {key}: no such setting" for key in unknown)
            merged[section].update({key: value for key, value in values.items() if key not in unknown})
    return merged


def _read_value(*, where: tuple[str, str], value: object, manual: Any, hint: Any, found: _Findings) -> Any:
    """Return the value in its type; where it is not of that type, note so and return the manual's."""
    section, key = where
    try:
        return _convert(value, hint)
    except _Wrong as wrong:
        found.lines.append(f"[{section}] {key}: {wrong}")
        found.unreadable.add(f"{section}.{key}")
        return _convert(manual, hint)


def _convert(value: object, hint: Any) -> Any:
    """Check a file's value, or parse an environment variable's text, against a type."""
    if typing.get_origin(hint) is tuple:
        items = [_Text(part.strip()) for part in value.split(",") if part.strip()] if type(value) is _Text else value
        if not isinstance(items, list):
            raise _Wrong(f"a list is needed, not {type(value).__name__}")
        return tuple(_convert(item, typing.get_args(hint)[0]) for item in items)
    if type(value) is _Text:
        return _parse(str(value), hint)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise _Wrong(f"{WORDS[hint]} is needed, not {WORDS.get(type(value), type(value).__name__)}")
    return value


def _parse(text: str, hint: Any) -> Any:
    """Read a text, a truth or a number from an environment variable."""
    if hint is str:
        return text
    if hint is bool and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if hint in {int, float}:
        try:
            number = hint(text)
        except ValueError:
            raise _Wrong(f"{WORDS[hint]} is needed") from None
        if number - number == 0:  # neither infinite nor "not a number"
            return number
    raise _Wrong(f"{WORDS[hint]} is needed")
