"""What each server of Redis or Valkey says of itself, for `sen doctor`; on no hot path."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from redis.exceptions import RedisError, ResponseError

from idp.errors import TemporarilyUnavailable
from idp.storage.redis.address import Timeouts, read_address
from idp.storage.redis.commands import command

if TYPE_CHECKING:
    from idp.storage.redis.address import Address, RedisConnection

QUESTIONS = b"".join(
    command(question)
    for question in (
        ("TIME",),
        ("CONFIG", "GET", "maxmemory-policy"),
        ("CONFIG", "GET", "appendonly"),
    )
)
PATIENT = Timeouts(connect=1.0, answer=2.0)


@dataclass(frozen=True, slots=True)
class ServerState:
    """One server. `policy` and `append_only` are None where an operator forbids CONFIG."""

    name: str
    time: datetime
    policy: str | None
    append_only: bool | None


def inspect(url: str) -> tuple[ServerState, ...]:
    """Ask every server that the address names.

    Raises:
        SettingsError: the address has no form that we know.
        TemporarilyUnavailable: one of them does not answer.
    """
    return tuple(_ask(address) for address in read_address(url).addresses)


def _ask(address: Address) -> ServerState:
    connection: RedisConnection = address.connection(PATIENT)
    try:
        connection.connect()
        connection.send_packed_command((QUESTIONS,), check_health=False)
        seconds, micros = connection.read_response()
        policy, append_only = _setting(connection), _setting(connection)
    except (RedisError, OSError) as error:
        raise TemporarilyUnavailable(f"{address.name} does not answer.", detail=repr(error)) from error
    finally:
        connection.disconnect()
    return ServerState(
        name=address.name,
        time=datetime.fromtimestamp(int(seconds) + int(micros) / 1e6, tz=UTC),
        policy=policy,
        append_only=None if append_only is None else append_only == "yes",
    )


def _setting(connection: RedisConnection) -> str | None:
    """Read the answer to a CONFIG GET, or None where an operator forbids the command."""
    try:
        _name, value = connection.read_response()
    except ResponseError:
        return None
    return str(value.decode())
