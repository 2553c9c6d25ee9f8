"""Reads the address of Redis or Valkey: one server on a socket or a port, or the first nodes of a cluster.

    unix:///run/sen/valkey.sock                       one server on a unix socket
    redis://[user:password@]host:port[/db]            one server over TCP
    rediss://[user:password@]host:port[/db]           the same over TLS; ?ssl_ca_certs=/path trusts a private CA
    redis+cluster://[user:password@]host:port,host:port     a cluster; the rest of its nodes is found by asking
    rediss+cluster://...                              a cluster over TLS

User, password and TLS settings hold for every node. A query string takes what redis-py's own addresses take.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from redis.connection import Connection, parse_url
from redis.maint_notifications import MaintNotificationsConfig

from idp.errors import SettingsError

if TYPE_CHECKING:
    from redis.connection import AbstractConnection

DEFAULT_PORT = 6379
CLUSTER_SCHEMES = {"redis+cluster": "redis", "rediss+cluster": "rediss"}


class RedisConnection(Protocol):
    """What we use of redis-py's connections, most of which it leaves untyped."""

    _sock: Any

    def connect(self) -> None:
        """Connect and authenticate."""

    def can_read(self, timeout: float) -> bool:
        """Whether anything lies there to be read; raises when the connection is closed."""

    def send_packed_command(self, command: tuple[bytes, ...], *, check_health: bool) -> None:
        """Send bytes."""

    def read_response(self) -> Any:
        """Read one reply; raises it when it is an error."""

    def disconnect(self) -> None:
        """Close."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long, in seconds, we wait for a connection and for an answer on it."""

    connect: float
    answer: float


@dataclass(frozen=True, slots=True)
class Address:
    """Where one server is: its name in logs, which holds no secret, and how redis-py connects to it."""

    name: str
    connection_class: type[AbstractConnection]
    options: dict[str, Any]

    def connection(self, timeouts: Timeouts) -> AbstractConnection:
        """Make a connection that is not open yet; it never retries by itself and sends no command of its own."""
        return self.connection_class(
            **self.options,
            protocol=2,
            driver_info=None,
            socket_connect_timeout=timeouts.connect,
            socket_timeout=timeouts.answer,
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )

    def elsewhere(self, *, host: str, port: int) -> Address:
        """Return the address of another node of the same cluster."""
        options = {**self.options, "host": host or self.options["host"], "port": port}
        return Address(f"{options['host']}:{port}", self.connection_class, options)


@dataclass(frozen=True, slots=True)
class Place:
    """What an address says: the server, or several nodes to ask for the map of a cluster."""

    addresses: tuple[Address, ...]
    is_cluster: bool


def read_address(url: str) -> Place:
    """Read an address in one of the forms above.

    Raises:
        SettingsError: it has none of these forms; the sentence does not repeat it, for it may hold a password.
    """
    scheme, _, rest = url.partition("://")
    single_scheme = CLUSTER_SCHEMES.get(scheme)
    try:
        if single_scheme is None:
            return Place((_one(url),), is_cluster=False)
        place, question, query = rest.partition("?")
        user, at, hosts = place.rstrip("/").rpartition("@")
        nodes = [f"{single_scheme}://{user}{at}{host}{question}{query}" for host in hosts.split(",") if host]
        return Place(tuple(_one(node) for node in nodes or [""]), is_cluster=True)
    except ValueError as wrong:
        reason = (
            "the address of Redis must begin with unix://, redis://, rediss:// or redis+cluster:// and name a server"
        )
        raise SettingsError((f"{reason} ({wrong})" if "://" not in str(wrong) else reason,)) from None


def _one(url: str) -> Address:
    """Read the address of one server."""
    options = parse_url(url)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
    connection_class = options.pop("connection_class", Connection)
    for ours in ("socket_timeout", "socket_connect_timeout", "protocol", "retry_on_timeout", "retry_on_error"):
        options.pop(ours, None)
    if "path" in options:
        return Address(options["path"], connection_class, options)
    if connection_class.__name__ == "UnixDomainSocketConnection":
        raise ValueError("no path is named")
    options.setdefault("host", "localhost")
    options.setdefault("port", DEFAULT_PORT)
    return Address(f"{options['host']}:{options['port']}", connection_class, options)
