"""Who is asked through CIBA: one request at a time, and none that tells a relying party whether there is anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.ephemeral import Count, Drop, Read, Write
from idp.protocol.grants.decoupled import waiting

if TYPE_CHECKING:
    from idp.ephemeral import Ephemeral, Step
    from idp.protocol.grants.decoupled.waiting import Waiting

HOUR = 3600


def _key(person: str, part: str) -> str:
    return f"ciba:{{{person}}}:{part}"


def count_steps(*, person: str, client_id: str, seconds: int) -> tuple[Step, ...]:
    """Return the steps that count this request: what waits for the person now, and what this portal asked in an hour.

    The first one's reply is 1 where nothing waits.
    """
    return Count(_key(person, "waits"), seconds), Count(_key(person, f"asked:{client_id}"), HOUR)


def show_step(*, person: str, name: str, seconds: int) -> Step:
    """Return the step by which a request is shown on the person's account page; until then nobody sees it."""
    return Write(_key(person, "shown"), name.encode(), seconds)


def release_steps(person: str) -> tuple[Step, ...]:
    """Return the steps that forget what waits for a person, once it is answered."""
    return Drop(_key(person, "waits")), Drop(_key(person, "shown"))


def waiting_for(person: str, *, ephemeral: Ephemeral) -> Waiting | None:
    """Return the request that waits for a person, or None."""
    (name,) = ephemeral.wave(Read(_key(person, "shown")))
    return None if name is None else waiting.find(name=name.decode(), ephemeral=ephemeral)
