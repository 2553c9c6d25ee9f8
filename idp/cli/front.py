"""`sen front`: prints the configuration of nginx that belongs to this deployment's settings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import SplitResult, urlsplit

import typer

from idp import settings as settings_room
from idp.endpoints import ROUTES
from idp.errors import SettingsError
from idp.settings import data_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.settings import Settings

TWO_YEARS = "max-age=63072000; includeSubDomains"
OVER_TLS = 443
BLANK = re.compile(r"@([a-z_]+)@")
UNSAFE = re.compile(r'["$\\\x00-\x1f\x7f@]')
PART = re.compile(r"#begin (?P<name>[^\n]+)\n(?P<text>.*?)#end (?P=name)\n", re.DOTALL)

Certificate = Annotated[Path, typer.Option(help="PEM: the server's certificate, and those between it and its root.")]
PrivateKey = Annotated[Path, typer.Option(help="PEM: the server's private key.")]


@dataclass(frozen=True, slots=True)
class Papers:
    """The server's certificate and private key; for how long browsers must remember to come over TLS; the log."""

    certificate: Path
    private_key: Path
    transport_security: str = TWO_YEARS
    error_log: str = "/var/log/nginx/error.log"


def front(*, certificate: Certificate, private_key: PrivateKey) -> None:
    """Print the part of nginx's configuration that stands before the workers, from [server] issuer and [front]."""
    settings = settings_room.load()
    typer.echo(render(settings, papers=Papers(certificate.absolute(), private_key.absolute())))


def render(settings: Settings, *, papers: Papers, bind: str = "") -> str:
    """Fill in config/nginx/sen.conf.

    Args:
        settings: whose issuer, socket, secret and mtls_base it is for.
        papers: what the server proves its name with.
        bind: the address to listen on; empty: all of them.

    Raises:
        SettingsError: a setting that it needs is not there, or cannot stand in such a file.
    """
    issuer, base = urlsplit(settings.server.issuer), urlsplit(settings.front.mtls_base)
    if not settings.server.secure or not settings.front.socket:
        raise SettingsError(("A front needs [front] socket, and an [server] issuer that begins with https://.",))
    listen, mtls_listen = _listen(issuer.port, bind=bind), _listen(base.port, bind=bind)
    server, mtls_server = (
        _server(parts, listen=where, settings=settings, papers=papers, asks=asks)
        for parts, where, asks in ((issuer, listen, False), (base, mtls_listen, True))
    )
    mutual = bool(settings.front.mtls_base)
    named = "." in (issuer.hostname or "")  # a name without a dot is not sent by every TLS client (RFC 6066 section 3)
    kept = {
        "mutual TLS": mutual,
        "names": named,
        "names on another port": named and mutual and mtls_listen != listen,
    }
    text = PART.sub(lambda found: found["text"] if kept[found["name"]] else "", _file("sen.conf"))
    values = {"socket": str(Path(settings.front.socket).absolute()), "listen": listen, "mtls_listen": mtls_listen}
    paths = "\n    ".join(f'{_matched(path)} "";' for path, route in ROUTES.items() if not route.browser)
    return fill_in(text, values, protocol_paths=paths, server=server, mtls_server=mtls_server)


def _matched(path: str) -> str:
    """Return how nginx finds a path; one that ends with a slash stands for what follows it too."""
    return f"~^{path}" if path.endswith("/") else path


def _server(parts: SplitResult, *, listen: str, settings: Settings, papers: Papers, asks: bool) -> str:
    """Fill in config/nginx/server.conf for one name; `asks` whether clients are asked for certificates."""
    values = {
        "secret": settings.front.secret,
        "certificate": str(papers.certificate),
        "private_key": str(papers.private_key),
        "transport_security": papers.transport_security,
        "error_log": papers.error_log,
        "listen": listen,
        "server_name": parts.hostname or "",
        "host": parts.netloc,
        "verify_client": "optional_no_ca" if asks else "off",
    }
    certificate = "$ssl_client_escaped_cert" if asks else ""
    return fill_in(_file("server.conf").rstrip(), values, client_certificate=certificate)


def _file(name: str) -> str:
    return (data_folder("config") / "nginx" / name).read_text(encoding="utf-8")


def fill_in(text: str, values: Mapping[str, str], **ours: str) -> str:
    """Put values into the blanks of a file for nginx; `ours` are not looked at.

    Raises:
        SettingsError: a value would mean something else there.
    """
    wrong = [name for name, value in values.items() if UNSAFE.search(value)]
    if wrong:
        raise SettingsError((f"nginx could not read these as they are: {', '.join(wrong)}",))
    return BLANK.sub(lambda found: {**values, **ours}[found[1]], text)


def _listen(port: int | None, *, bind: str) -> str:
    return f"{bind}:{port or OVER_TLS}" if bind else str(port or OVER_TLS)
