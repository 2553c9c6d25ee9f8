"""Who keeps the private keys: one file per way of keeping them, and the table of them all."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from keys.custody.custodian import Custodian, NewKey
from keys.custody.software import SoftwareCustodian

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keys.sealing import Sealer

__all__ = ["CUSTODIANS", "Custodian", "NewKey", "SoftwareCustodian", "open_custodians"]


def _software(sealer: Sealer) -> Custodian:
    return SoftwareCustodian(sealer=sealer)


CUSTODIANS: Final[Mapping[str, Callable[[Sealer], Custodian]]] = MappingProxyType(
    {
        "software": _software,
    }
)


def open_custodians(*, sealer: Sealer) -> dict[str, Custodian]:
    """Return every custodian by name, ready to use. Call it after a worker has forked, for the sake of HSMs."""
    return {name: make(sealer) for name, make in CUSTODIANS.items()}
