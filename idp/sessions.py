"""A citizen's login session: who, how, at which level, since when; held in a cookie by its hash.

The cookie holds 256 random bits and nothing else. What is remembered under its SHA-256 expires by itself after the
idle time; that a session began, and that it ended, stands in SQL, so that no memory that is lost or restored
brings an ended session back.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import orjson

from idp import clock
from idp.ephemeral import Drop, Read, Replace, Write

if TYPE_CHECKING:
    from idp.ephemeral import Ephemeral
    from idp.settings import Sessions as SessionSettings

TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Session:
    """One login session; instants are seconds since 1970.

    `earlier` are the ids of sessions that this one replaced when the citizen logged in again: they end with it.
    """

    id: str
    citizen_id: str
    passkey_id: str
    level: int
    amr: tuple[str, ...]
    auth_time: int
    started_at: int
    expires_at: int
    last_seen: int
    earlier: tuple[str, ...] = ()

    @property
    def chain_id(self) -> str:
        """The first of the sessions that this one replaced, one after another: they end together."""
        return self.earlier[0] if self.earlier else self.id

    def to_json(self) -> bytes:
        """Return the record as JSON."""
        return orjson.dumps(self)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read back what `to_json` wrote."""
        members: dict[str, Any] = orjson.loads(data)
        return cls(**{**members, **{name: tuple(members[name]) for name in ("amr", "earlier")}})


@dataclass(frozen=True, slots=True)
class Held:
    """A session together with the cookie value that holds it."""

    token: str
    session: Session


def new_token() -> str:
    """Return 256 random bits for a cookie."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def key_of(token: str) -> str:
    """Return the memory's key for a cookie's value: its hash, never itself."""
    return "session:" + hashlib.sha256(token.encode()).hexdigest()


def read_step(token: str) -> Read:
    """Return the step that reads a session in somebody's wave."""
    return Read(key_of(token))


def opened(data: bytes | None, *, settings: SessionSettings) -> Session | None:
    """Return the session that was read, or None when there is none or its time is over."""
    if data is None:
        return None
    session = Session.from_json(data)
    instant = clock.epoch_seconds()
    over = instant >= session.expires_at or instant - session.last_seen >= settings.idle_seconds
    return None if over or session.last_seen - instant > settings.idle_seconds else session


def touch_step(token: str, session: Session, *, settings: SessionSettings) -> Replace:
    """Return the step that keeps a session awake."""
    awake = replace(session, last_seen=clock.epoch_seconds())
    return Replace(key_of(token), awake.to_json(), settings.idle_seconds)


class Sessions:
    """Opens, reads and closes sessions in the memory that forgets."""

    def __init__(self, *, ephemeral: Ephemeral, settings: SessionSettings) -> None:
        """Keep the memory and the times."""
        self._ephemeral = ephemeral
        self.settings = settings

    def open(self, session: Session, *, replaces: str | None) -> str:
        """Remember a new session under a new cookie value and forget the one that it replaces; return the value."""
        token = new_token()
        steps = (Drop(key_of(replaces)),) if replaces else ()
        self._ephemeral.wave(Write(key_of(token), session.to_json(), self.settings.idle_seconds), *steps)
        return token

    def find(self, token: str | None) -> Session | None:
        """Return the session of a cookie's value, or None; it is not kept awake by looking."""
        if not token:
            return None
        return opened(self._ephemeral.wave(read_step(token))[0], settings=self.settings)

    def touch(self, token: str, session: Session) -> bool:
        """Keep a session awake; False when it is gone meanwhile."""
        return bool(self._ephemeral.wave(touch_step(token, session, settings=self.settings))[0])

    def close(self, token: str) -> None:
        """Forget a session; its end stands in SQL."""
        self._ephemeral.wave(Drop(key_of(token)))
