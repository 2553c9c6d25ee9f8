"""`sen demo --tls`: a front with a development authority of our own, so that everything speaks https."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from idp import clock
from idp.cli import front
from idp.cli.demo_texts import Example, in_the_way
from idp.settings import data_folder
from keys.certificates.development import DevelopmentAuthority, make_self_signed, read_pair

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from idp.settings import Settings
    from keys.certificates.development import Pair

HERE = "localhost"
HOSTS = (HERE, "127.0.0.1", "::1")
NAME = "Sen: development only"
CLIENT_NAME = "portal.example"
FORGET_AT_ONCE = "max-age=0"
"""Browsers remember a host without its port: other servers of this machine may have to do without TLS."""

EXAMPLE = {
    "client_id": "example-system",
    "client_name#vi": "Hệ thống thử nghiệm",
    "client_name#en": "Test system",
    "profile": "machine",
    "grant_types": ["client_credentials"],
    "token_endpoint_auth_method": "tls_client_auth",
    "tls_client_auth_subject_dn": f"CN={CLIENT_NAME}",
    "resources": ["https://api.example/"],
}
"""The system that the example client's certificate stands for, and whose request is printed."""

PACKAGE = "nginx-light"
PLACES = ("/usr/sbin", "/usr/local/sbin")
"""Where nginx lies without being in everybody's PATH."""

LONG_ENOUGH = timedelta(days=14)
NAMED = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Tls:
    """What lies in var/tls: the authority, the server's papers, and an example client's; and the server's name."""

    folder: Path
    host: str = HERE

    @property
    def authority(self) -> Path:
        """The certificate of the authority, which browsers and relying parties are told to believe."""
        return self.folder / "ca.pem"

    @property
    def server(self) -> Path:
        """The server's certificate; its key lies beside it."""
        return self.folder / "server.pem"

    @property
    def client(self) -> Path:
        """An example client's certificate, issued by the authority; its key lies beside it."""
        return self.folder / "client.pem"

    @property
    def socket(self) -> Path:
        """Where the workers listen."""
        return self.folder / "sen.sock"

    @property
    def authorities(self) -> Path:
        """Whose client certificates are believed."""
        return self.folder / "client-authorities.pem"

    def environ(self, *, port: int) -> dict[str, str]:
        """Return the settings of a provider behind this front; mutual TLS is spoken on the port behind it."""
        return {
            "SEN_SERVER__ISSUER": f"https://{self.host}:{port}",
            "SEN_FRONT__SOCKET": str(self.socket),
            "SEN_FRONT__MTLS_BASE": f"https://{self.host}:{port + 1}",
            "SEN_FRONT__CLIENT_AUTHORITIES": str(self.authorities),
            "SEN_OUTBOUND__EXTRA_CA": os.environ.get("SEN_OUTBOUND__EXTRA_CA", str(self.authority)),
        }


def key_of(certificate: Path) -> Path:
    """Return the file of a certificate's key, beside it."""
    return certificate.with_suffix(".key")


def prepare(folder: Path, *, authorities: Sequence[str], host: str = HERE) -> Tls:
    """See that there are nginx, an authority, a server's papers and example clients', each good for weeks to come.

    Args:
        folder: where `tls` lies or is made.
        authorities: in PEM: whose client certificates are believed beside our own authority's.
        host: the name that the provider is called by, beside those of this machine.

    Raises:
        SettingsError: there is no nginx, or that is no name.
    """
    if not NAMED.fullmatch(host):
        raise in_the_way(vi=f"{host!r} không phải là tên máy.", en=f"{host!r} is no name of a host.")
    _nginx()
    tls = Tls(folder / "tls", host)
    tls.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    now = clock.now()
    own = _read(tls.authority)
    if own is None:
        authority = DevelopmentAuthority.make(name=NAME, now=now)
        _write(tls.authority, authority.pair)
        tls.server.unlink(missing_ok=True)
        tls.client.unlink(missing_ok=True)
    else:
        authority = DevelopmentAuthority(own)
    server, hosts = _read(tls.server), tuple(dict.fromkeys((host, *HOSTS)))
    if server is None or server.certificate.subject.rfc4514_string() != f"CN={host}":
        _write(tls.server, authority.issue_server(hosts=hosts, now=now))
    if _read(tls.client) is None:
        _write(tls.client, authority.issue_client(name=CLIENT_NAME, now=now))
    if _read(tls.folder / "self-signed.pem") is None:
        _write(tls.folder / "self-signed.pem", make_self_signed(name=CLIENT_NAME, now=now))
    tls.authorities.write_text("\n".join((tls.authority.read_text(encoding="ascii"), *authorities)), encoding="ascii")
    return tls


def command(tls: Tls, *, settings: Settings) -> list[str]:
    """Write nginx's configuration for these settings; return the command line."""
    papers = front.Papers(tls.server, key_of(tls.server), FORGET_AT_ONCE, error_log="stderr")
    served = front.render(settings, papers=papers, bind=settings.server.bind)
    (tls.folder / "sen.conf").write_text(served, encoding="utf-8")
    whole = (data_folder("config") / "nginx" / "nginx.conf").read_text(encoding="utf-8")
    user = "user root;" if os.geteuid() == 0 else ""  # or it would turn into somebody who may not reach the socket
    configuration = tls.folder / "nginx.conf"
    configuration.write_text(front.fill_in(whole, {"folder": str(tls.folder), "user": user}), encoding="utf-8")
    return [_nginx(), "-e", "stderr", "-p", str(tls.folder), "-c", str(configuration)]


def example(tls: Tls, *, settings: Settings) -> Example:
    """Return what is told to somebody who wants to call it."""
    shown = f"--cacert {tls.authority} --cert {tls.client} --key {key_of(tls.client)}"
    form = {"grant_type": "client_credentials", "client_id": EXAMPLE["client_id"], "resource": EXAMPLE["resources"][0]}
    fields = " ".join(f"-d {name}={value}" for name, value in form.items())
    return Example(authority=tls.authority, request=f"curl {shown} {fields} {settings.front.mtls_base}/token")


def _nginx() -> str:
    """Find nginx; as root on a machine with apt, install it."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *PLACES))
    apt = shutil.which("apt-get")
    if shutil.which("nginx", path=path) is None and apt is not None and os.geteuid() == 0:
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}  # installed, but not started
        for words in (("update", "-qq"), ("install", "-qq", "-y", "--no-install-recommends", PACKAGE)):
            subprocess.run([apt, *words], env=environ, check=False, stdout=subprocess.DEVNULL)  # noqa: S603  our words
    found = shutil.which("nginx", path=path)
    if found is None:
        raise in_the_way(
            vi=f"`sen demo --tls` cần nginx; hãy chạy: sudo apt-get install {PACKAGE}",
            en=f"`sen demo --tls` needs nginx; type: sudo apt-get install {PACKAGE}",
        )
    return found


def is_served(tls: Tls, *, port: int) -> bool:
    """Tell whether the provider answers through its front, to somebody who believes our authority alone."""
    context = ssl.create_default_context(cafile=tls.authority)
    connection = http.client.HTTPSConnection(tls.host, port, timeout=2, context=context)
    try:
        link = socket.create_connection(("127.0.0.1", port), timeout=2)
        connection.sock = context.wrap_socket(link, server_hostname=tls.host)
        connection.request("GET", "/.well-known/openid-configuration")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def is_ready(tls: Tls) -> bool:
    """Tell whether the workers behind the socket say that they are ready."""
    connection = http.client.HTTPConnection("localhost", timeout=2)
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(2)
            link.connect(str(tls.socket))
            connection.sock = link
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False


def _read(file: Path) -> Pair | None:
    """Return what an earlier run made; None where it is not there, was damaged, or ends soon."""
    try:
        pair = read_pair(certificate_pem=file.read_bytes(), key_pem=key_of(file).read_bytes())
    except (OSError, ValueError):
        return None
    return pair if pair.certificate.not_valid_after_utc > clock.now() + LONG_ENOUGH else None


def _write(file: Path, pair: Pair) -> None:
    """Write a certificate for everybody, and its key for its owner alone."""
    key_of(file).unlink(missing_ok=True)
    with os.fdopen(os.open(key_of(file), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(pair.key_pem)
    file.write_bytes(pair.certificate_pem)
