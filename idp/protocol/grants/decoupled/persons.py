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


def _former(*, sought: str, client_id: str) -> str:
    return f"ciba:former:{client_id}:{sought}"


def count_steps(*, sought: str, client_id: str) -> tuple[Step, ...]:
    """Return the steps that count what this portal sought in an hour, and name its former request with this hint.

    `sought` is a hash of what the portal said. No place is taken by them: the request may still be refused.
    """
    return Count(f"ciba:sought:{client_id}:{sought}", HOUR), Read(_former(sought=sought, client_id=client_id))


def place_steps(*, place: str, seconds: int) -> tuple[Step, ...]:
    """Return the steps that ask for a place: 1 where nothing waits there, and the name of what is shown."""
    return Count(_key(place, "waits"), seconds), Read(_key(place, "shown"))


def gives_way(*, former: bytes | None, ephemeral: Ephemeral) -> bool:
    """Tell whether the portal's former request with the same hint was still open; it expires then, for its successor.

    Portals begin anew when their user does. It expires whether it was shown or not, so that no portal learns from its
    own requests that another one waits for the same person, or that two of its hints lead to one.
    """
    found = None if former is None else waiting.find(name=former.decode(), ephemeral=ephemeral)
    if found is None or not ephemeral.wave(waiting.decide_step(found.name))[0]:
        return False
    ephemeral.wave(waiting.expired_step(found))
    return True


def show_steps(*, place: str, sought: str, request: Waiting, seconds: int) -> tuple[Step, ...]:
    """Return the steps by which a request is shown on a person's account page, and takes the place for its time."""
    name = request.name.encode()
    return (
        Write(_key(place, "shown"), name, seconds),
        Write(_key(place, "waits"), b"1", seconds),
        Write(_former(sought=sought, client_id=request.request.client_id), name, seconds),
    )


def release_steps(person: str) -> tuple[Step, ...]:
    """Return the steps that forget what waits for a person, once it is answered."""
    return Drop(_key(person, "waits")), Drop(_key(person, "shown"))


def waiting_for(person: str, *, ephemeral: Ephemeral) -> Waiting | None:
    """Return the request that waits for a person, or None."""
    (name,) = ephemeral.wave(Read(_key(person, "shown")))
    return None if name is None else waiting.find(name=name.decode(), ephemeral=ephemeral)
