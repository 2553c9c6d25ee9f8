"""The client: one call, to an address that has been checked, within a deadline and a size.

No proxy of the environment is asked, nothing is followed, no connection is kept, and nothing that comes in is unpacked.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPException, HTTPResponse
from io import BufferedReader, RawIOBase
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode, urlsplit

import orjson

from idp.errors import NoAnswer, OutboundRefused, SettingsError
from idp.outbound.addresses import addresses_of, is_public

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from idp.outbound.addresses import Address
    from idp.settings import Outbound

    Resolve = Callable[[str], Sequence[str]]

NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""A host name; its last label begins with a letter, so that no number passes for a name."""

SIGNS = re.compile(r"[!-~]+")
BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")
MAX_AGE = re.compile(r"(?:^|,)\s*max-age=([0-9]{1,9})\s*(?:,|$)", re.IGNORECASE)
LONGEST_URL = 2048
LARGEST_HEAD = 16 * 1024
MOST_ADDRESSES = 4
JSON_KINDS = frozenset({"application/json", "application/jwk-set+json"})
FORM_KIND = "application/x-www-form-urlencoded"
REDIRECTS = range(300, 400)
"""RFC 9110 section 15.4."""

SCHEMES = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A JSON value that was fetched, and for how many seconds its owner says that it is good."""

    value: Any
    max_age: int | None


@dataclass(frozen=True, slots=True)
class _Target:
    """An address that has been checked: where to connect, and under which name."""

    scheme: str
    host: str
    port: int
    authority: str
    path: str
    addresses: tuple[Address, ...]


class _DeadlineReader(RawIOBase):
    """Reads a socket until an instant and up to a number of bytes, however slowly or plentifully they come."""

    def __init__(self, connection: socket.socket, *, until: float, most: int) -> None:
        self._connection, self._until, self._left = connection, until, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        self._connection.settimeout(_left(self._until))
        count = self._connection.recv_into(buffer)
        self._left -= count
        if self._left < 0:
            raise NoAnswer("It answers with more than is read here.")
        return count

    def makefile(self, _mode: str) -> BufferedReader:
        """Return what http.client reads an answer from."""
        return BufferedReader(self)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise NoAnswer("It answers too slowly.")
    return left


class OutboundClient:
    """Fetches and posts; safe for several threads. Every refusal says why in words that its owner can act on."""

    def __init__(self, settings: Outbound, *, resolve: Resolve = addresses_of, own_network: bool = False) -> None:
        """Keep how patient to be; `resolve` is how a name becomes addresses.

        `own_network`: the operator, and nobody else, has chosen whom it calls; it need not be public.
        """
        self._settings = settings
        self._resolve = resolve
        self._own_network = own_network

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Whom TLS believes; made at the first call, because it takes a tenth of a second.

        Raises:
            SettingsError: the extra CA cannot be read.
        """
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        if not self._settings.extra_ca:
            return context
        try:
            context.load_verify_locations(cafile=self._settings.extra_ca)
        except OSError as error:
            raise SettingsError(("[outbound] extra_ca is not a file of certificates in PEM",)) from error
        return context

    def fetch_json(self, url: str) -> Fetched:
        """Fetch a JSON value with GET; the answer is 200, of one of JSON_KINDS, not packed and small.

        Raises:
            OutboundRefused: the address is not one that is called from here.
            NoAnswer: nothing acceptable came in time.
        """
        response, body = self._call(url, method="GET", headers={"Accept": ", ".join(sorted(JSON_KINDS))}, body=None)
        if response.status in REDIRECTS:
            raise NoAnswer("It answers with a redirect, and none is followed.")
        if response.status != 200:  # noqa: PLR2004  RFC 9110 section 15.3.1
            raise NoAnswer(f"It answers with status {response.status}, and 200 is needed.")
        if response.getheader("Content-Encoding", "identity").strip().lower() != "identity":
            raise NoAnswer("It packs its answer, and a plain one was asked for.")
        kind = response.getheader("Content-Type", "").partition(";")[0].strip().lower()
        if kind not in JSON_KINDS:
            raise NoAnswer(f"It does not answer with {' or '.join(sorted(JSON_KINDS))}.")
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise NoAnswer("It answers with something that is not JSON.") from error
        age = MAX_AGE.search(response.getheader("Cache-Control", ""))
        return Fetched(value=value, max_age=int(age[1]) if age else None)

    def post_form(self, url: str, form: Mapping[str, str]) -> int:
        """Post a form and return the status, that of a redirect too; what the answer says is not read.

        Raises:
            OutboundRefused, NoAnswer: as `fetch_json`.
        """
        return self.post(url, urlencode(form).encode(), kind=FORM_KIND)

    def post(self, url: str, body: bytes, *, kind: str) -> int:
        """Post a body of a media type and return the status.

        Raises:
            OutboundRefused, NoAnswer: as `fetch_json`.
        """
        return self._call(url, method="POST", headers={"Content-Type": kind}, body=body)[0].status

    def post_json(self, url: str, members: Mapping[str, Any], *, bearer: str | None = None) -> int:
        """Post JSON, with a bearer token of the receiver's where there is one, and return the status.

        Raises:
            OutboundRefused, NoAnswer: as `fetch_json`.
        """
        headers = {"Content-Type": "application/json"}
        if bearer is not None:
            if not BEARER.fullmatch(bearer):
                raise OutboundRefused("The token for it is not one that a header can carry.")
            headers["Authorization"] = f"Bearer {bearer}"
        return self._call(url, method="POST", headers=headers, body=orjson.dumps(members))[0].status

    def _call(
        self, url: str, *, method: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[HTTPResponse, bytes]:
        """Call an address; the body of the answer is read for a GET alone.

        1. the address is one that may be called; 2. its name has public addresses only; 3. connected to one of these,
        the name proved by TLS; 4. the answer is no longer than is read; wherever it points to, nobody goes.
        """
        until = time.monotonic() + self._settings.total_seconds
        target = self._check(url, until=until)  # 1, 2
        lines = [f"{method} {target.path} HTTP/1.1", f"Host: {target.authority}"]
        fixed = {"Accept-Encoding": "identity", "Connection": "close", "User-Agent": "Sen"}
        length = {} if body is None else {"Content-Length": str(len(body))}
        lines += [f"{name}: {value}" for name, value in {**fixed, **headers, **length}.items()]
        request = "\r\n".join([*lines, "", ""]).encode("ascii") + (body or b"")
        try:
            with self._connect(target, until=until) as connection:  # 3
                _send(connection, request, until=until)
                return self._read(connection, method=method, until=until)  # 4
        except TimeoutError as error:
            raise NoAnswer("It answers too slowly.") from error
        except ssl.SSLCertVerificationError as error:
            raise NoAnswer("Its certificate is not good for its name.", detail=str(error)) from error
        except (OSError, HTTPException, ValueError) as error:
            raise NoAnswer("It does not answer as HTTP/1.1 servers do.", detail=repr(error)) from error

    def _read(self, connection: socket.socket, *, method: str, until: float) -> tuple[HTTPResponse, bytes]:
        largest = self._settings.largest_bytes
        reader = _DeadlineReader(connection, until=until, most=LARGEST_HEAD + largest)
        response = HTTPResponse(cast("socket.socket", reader), method=method)  # all that it wants is `makefile`
        response.begin()
        if method != "GET":
            return response, b""
        body = response.read(largest + 1)
        if len(body) > largest:
            raise NoAnswer(f"It answers with more than {largest} bytes.")
        if response.length:
            raise NoAnswer("It breaks off its answer.")
        return response, body

    def _check(self, url: str, *, until: float) -> _Target:
        """Check an address as it is written, then what its name stands for."""
        if len(url) > LONGEST_URL or not SIGNS.fullmatch(url) or "\\" in url:
            raise OutboundRefused("It has characters that do not belong into an address, or is too long.")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise OutboundRefused("It cannot be read as an address.") from error
        if parts.scheme not in SCHEMES or not parts.hostname or "@" in parts.netloc or "#" in url or port == 0:
            raise OutboundRefused("It has to be https, with a host, and without a user name or a fragment.")
        addresses = self._addresses(parts.hostname, until=until)
        ours = all(address.is_loopback for address in addresses)
        if parts.scheme == "http" and not ours:
            raise OutboundRefused("It has to be https.")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return _Target(
            parts.scheme, parts.hostname, port or SCHEMES[parts.scheme], parts.netloc.rstrip(":"), path, addresses
        )

    def _addresses(self, host: str, *, until: float) -> tuple[Address, ...]:
        """Return the addresses of a host, all of them allowed; one that is not refuses the whole name."""
        if NAME.fullmatch(host):
            found = self._resolved(host, until=until)
        elif self._settings.allow_loopback or self._own_network:
            found = (host,)
        else:
            raise OutboundRefused("Its host has to be a name, not a number.")
        try:
            addresses = tuple(ip_address(text) for text in found)
        except ValueError as error:
            raise OutboundRefused("Its host is neither a name nor an address.") from error
        loopback = self._settings.allow_loopback and all(address.is_loopback for address in addresses)
        if not addresses or not (loopback or self._own_network or all(is_public(address) for address in addresses)):
            raise OutboundRefused("Its host has no public address, or one that is not public.")
        return addresses[:MOST_ADDRESSES]

    def _resolved(self, host: str, *, until: float) -> Sequence[str]:
        """Resolve in a thread of its own, because the system's resolver knows no deadline."""
        found: list[Sequence[str]] = []
        asking = threading.Thread(target=lambda: found.append(self._resolve(host)), daemon=True)
        asking.start()
        asking.join(_left(until))
        if not found:
            raise NoAnswer("Its name is resolved too slowly.")
        return found[0]

    def _connect(self, target: _Target, *, until: float) -> socket.socket:
        """Connect to the first checked address that answers."""
        failure: OSError = OSError("no address")
        tls = self._tls if target.scheme == "https" else None
        for address in target.addresses:
            patience = min(self._settings.connect_seconds, _left(until))
            try:
                plain = socket.create_connection((str(address), target.port), timeout=patience)
            except OSError as error:
                failure = error
                continue
            if tls is None:
                return plain
            try:
                plain.settimeout(_left(until))
                return tls.wrap_socket(plain, server_hostname=target.host)
            except BaseException:
                plain.close()
                raise
        raise failure


def _send(connection: socket.socket, request: bytes, *, until: float) -> None:
    """Send all of a request before the deadline; TLS sockets would begin a new one with each record."""
    waiting = memoryview(request)
    while waiting:
        connection.settimeout(_left(until))
        waiting = waiting[connection.send(waiting) :]
