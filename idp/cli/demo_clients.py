"""Relying parties that `sen demo --clients FILE` registers, so that foreign programs can be pointed at it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from idp.cli import clients
from idp.cli.demo_texts import in_the_way
from idp.errors import SettingsError
from idp.relying_parties.purposes import PurposeCatalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from idp.cli.office import Office

OWNER = {"name#vi": "Cơ quan thử nghiệm", "name#en": "Test authority"}
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the file holds: metadata of each relying party, and authorities of their certificates in PEM."""

    clients: tuple[dict[str, Any], ...] = ()
    authorities: tuple[str, ...] = ()


def read(file: Path | None) -> Loaded:
    """Read a list of metadata (RFC 7591 section 2), or an object with `clients` and `certificate_authorities`.

    Raises:
        SettingsError: it cannot be read so.
    """
    if file is None:
        return Loaded()
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        whole = found if isinstance(found, dict) else {"clients": found}
        loaded = Loaded(
            clients=tuple({**one} for one in whole["clients"]),
            authorities=tuple(str(one) for one in whole.get("certificate_authorities", ())),
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise in_the_way(
            vi=f"Không đọc được danh sách bên sử dụng trong {file}.",
            en=f"{file} holds no list of relying parties in JSON.",
        ) from error
    return loaded


def register(listed: Iterable[Mapping[str, Any]], *, office: Office) -> None:
    """Register all of them, or change those that are there.

    For a test several things are done that `sen client add` does not do: a `client_secret` is taken as it stands in
    the file, private members of keys are dropped, and whoever names no owner, purposes or profile gets those of a test.

    Raises:
        SettingsError: a rule of metadata is broken; the text begins with whose.
    """
    data = office.settings.data
    everything = sorted(PurposeCatalogue.load(office.settings.data_file(data.purposes)).ids)
    for metadata in listed:
        secret = metadata.get("client_secret")
        usual = {"profile": "fapi2", "owner": OWNER, "purposes": everything, "client_name": metadata.get("client_id")}
        public = {name: value for name, value in {**usual, **metadata}.items() if name != "client_secret"}
        if isinstance(public.get("jwks"), dict):
            public["jwks"] = _public(public["jwks"])
        client, _made = clients.prepare(public, office=office)
        if secret is not None:
            client = replace(client, secret_hash=hashlib.sha256(str(secret).encode()).digest())
        former = office.relying_parties.get(client_id=client.client_id)
        if former is not None and (former.metadata, former.secret_hash) == (client.metadata, client.secret_hash):
            continue
        try:
            clients.register(client, office=office)
        except SettingsError as error:
            raise SettingsError(tuple(f"{client.client_id}: {reason}" for reason in error.reasons)) from error


def _public(jwks: dict[str, Any]) -> dict[str, Any]:
    keys = jwks.get("keys")
    if not isinstance(keys, list):
        return jwks
    return {
        "keys": [
            {name: value for name, value in key.items() if name not in PRIVATE} if isinstance(key, dict) else key
            for key in keys
        ]
    }
