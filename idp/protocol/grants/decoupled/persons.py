"""Who is asked through CIBA: one request at a time, and none that tells a relying party whether there is anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.ephemeral import Count, Drop, Read, Write
from idp.protocol.grants.decoupled import waiting

if TYPE_CHECKING:
    from idp.ephemeral import Ephemeral, Step
    from idp.protocol.grants.decoupled.waiting import Waiting

HOUR = 3600


def _key(place: str, part: str) -> str:
    return f"ciba:{{{place}}}:{part}"


def count_steps(*, place: str, sought: str, client_id: str, seconds: int) -> tuple[Step, ...]:
    """Return the steps that count a request: what waits at this place now, and what this portal sought in an hour.

    The first one's reply is 1 where nothing waits, the last one's is the name of what is shown there. `sought` is a
    hash of what the portal said.
    """
    return (
        Count(_key(place, "waits"), seconds),
        Count(f"ciba:sought:{client_id}:{sought}", HOUR),
        Read(_key(place, "shown")),
    )


def gives_way(*, name: bytes | None, client_id: str, ephemeral: Ephemeral) -> bool:
    """Tell whether what is shown is the same portal's and still open; it expires then, for its successor's sake.

    Portals begin anew when their user does. Another portal's request waits on, whoever comes after it.
    """
    found = None if name is None else waiting.find(name=name.decode(), ephemeral=ephemeral)
    if found is None or found.request.client_id != client_id:
        return False
    if not ephemeral.wave(waiting.decide_step(found.name))[0]:
        return False
    ephemeral.wave(waiting.expired_step(found))
    return True


def show_steps(*, place: str, name: str, seconds: int) -> tuple[Step, ...]:
    """Return the steps by which a request is shown on a person's account page, and takes the place for its time."""
    return Write(_key(place, "shown"), name.encode(), seconds), Write(_key(place, "waits"), b"1", seconds)


def release_steps(person: str) -> tuple[Step, ...]:
    """Return the steps that forget what waits for a person, once it is answered."""
    return Drop(_key(person, "waits")), Drop(_key(person, "shown"))


def waiting_for(person: str, *, ephemeral: Ephemeral) -> Waiting | None:
    """Return the request that waits for a person, or None."""
    (name,) = ephemeral.wave(Read(_key(person, "shown")))
    return None if name is None else waiting.find(name=name.decode(), ephemeral=ephemeral)
