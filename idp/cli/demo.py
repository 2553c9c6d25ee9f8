"""`sen demo`: everything on one machine with one command, and nothing left running when it ends."""

from __future__ import annotations

import errno
import os
import socket
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from idp import clock
from idp import settings as settings_room
from idp.cli import demo_clients, demo_people, demo_portal, demo_tls, office
from idp.cli.demo_texts import in_the_way, welcome
from idp.cli.processes import Children, ToldToEnd, find_ourselves, sen
from idp.storage.embedded import EmbeddedValkey
from idp.storage.sql import migrate
from keys import rotate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from idp.cli.demo_clients import Loaded
    from idp.cli.demo_people import TestCitizen
    from idp.cli.demo_tls import Tls
    from idp.errors import SettingsError
    from idp.settings import Settings


USUAL_PORT = 8000
USUAL_TLS_PORT = 8443
HEALTHY_SECONDS = 45.0
STOP_SECONDS = 15.0
LOOK_SECONDS = 0.2
LAPTOP_SECONDS = "5"  # a machine that does other things as well may stall for longer than production waits
LOCALHOST = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
REFUSED_SECONDS = 1.0  # an assertion from the second in which the memory began may have been used before

Folder = Annotated[Path, typer.Option(help="Where everything is kept.")]
Port = Annotated[
    int | None,
    typer.Option(
        envvar="SEN_SERVER__PORT",
        min=1,
        max=65534,
        show_default="8000; with TLS 8443",
        help="The provider's port.",
    ),
]
PortalPort = Annotated[int, typer.Option(envvar="PORTAL_PORT", min=1, max=65535, help="The portal's port.")]
WithTls = Annotated[bool, typer.Option("--tls", help="Speak https on this port, and mutual TLS on the next one.")]
Clients = Annotated[Path | None, typer.Option(help="JSON: relying parties to register, with their public keys.")]
WithParent = Annotated[bool, typer.Option("--end-with-parent", hidden=True)]


@dataclass(frozen=True, slots=True)
class Wish:
    """What was typed. `parent` is the process that this one must not outlive, or None.

    `host` is the name that others call this machine by over TLS: that of SEN_SERVER__ISSUER, whose port does not count.
    """

    folder: Path
    port: int
    portal_port: int
    with_tls: bool
    clients: Path | None
    host: str
    parent: int | None

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port that is needed."""
        return (self.port, *([self.port + 1] if self.with_tls else []), self.portal_port)

    @property
    def portal_url(self) -> str:
        """Where the portal is found."""
        return f"http://localhost:{self.portal_port}"


def demo(
    *,
    folder: Folder = Path("var"),
    port: Port = None,
    portal_port: PortalPort = 8001,
    tls: WithTls = False,
    clients: Clients = None,
    end_with_parent: WithParent = False,
) -> None:
    """Run the provider, a bundled Valkey, the worker and a demo portal with three test citizens, until Ctrl-C."""
    wish = Wish(
        folder=folder.absolute(),
        port=port or (USUAL_TLS_PORT if tls else USUAL_PORT),
        portal_port=portal_port,
        with_tls=tls,
        clients=clients,
        host=urlsplit(os.environ.get("SEN_SERVER__ISSUER", "")).hostname or demo_tls.HERE,
        parent=os.getppid() if end_with_parent else None,
    )
    with ToldToEnd() as told:
        try:
            _run(wish, told=told)
        except KeyboardInterrupt:
            typer.echo("Đã dừng. · Stopped.")


def _run(wish: Wish, *, told: ToldToEnd) -> None:
    """Prepare what is missing, start what answers, and watch over it."""
    folder, loaded = wish.folder, demo_clients.read(wish.clients)
    _require_folder(folder)
    for wanted in wish.ports:
        _require_free(wanted)
    tls = demo_tls.prepare(folder, authorities=loaded.authorities, host=wish.host) if wish.with_tls else None
    valkey = EmbeddedValkey.start(folder=folder)
    children = Children(log=folder / "sen.log")
    try:
        environ = _environ(wish, redis_url=valkey.url, tls=tls)
        settings = settings_room.load(environ)
        client_file, people = _prepare(settings, wish=wish, loaded=loaded)
        children.start("server", sen("serve"), find_ourselves(environ))
        children.start("worker", sen("worker"), find_ourselves(environ))
        if tls is not None:
            children.start("front", demo_tls.command(tls, settings=settings), environ)
        portal_environ = demo_portal.environ(
            client_file=client_file,
            issuer=settings.server.issuer,
            url=wish.portal_url,
            port=wish.portal_port,
            authority=None if tls is None else tls.authority,
        )
        children.start("portal", demo_portal.command(), portal_environ)
        _await_all(wish, tls=tls, children=children, told=told)
        typer.echo(_welcome(wish, people=people, settings=settings, tls=tls))
        _watch(children=children, valkey=valkey, parent=wish.parent, told=told)
    finally:
        told.enough()  # a second Ctrl-C must not leave anything behind
        children.stop(within_seconds=STOP_SECONDS)
        valkey.stop()


def _welcome(wish: Wish, *, people: Sequence[TestCitizen], settings: Settings, tls: Tls | None) -> str:
    papers = None if tls is None else demo_tls.example(tls, settings=settings)
    issuer = settings.server.issuer
    return welcome(people=people, issuer=issuer, portal_url=wish.portal_url, folder=wish.folder, papers=papers)


def _prepare(settings: Settings, *, wish: Wish, loaded: Loaded) -> tuple[Path, tuple[TestCitizen, ...]]:
    """See that there are tables, keys, a registered portal and test citizens; an earlier run's are found again."""
    with office.opened(settings) as opened:
        office.make_database_folder(settings)
        migrate.upgrade(opened.database)
        rotate(
            store=opened.signing_keys,
            custodians=opened.custodians,
            settings=opened.ring_settings,
            now=clock.now,
        )
        client_file = demo_portal.prepare(office=opened, folder=wish.folder, url=wish.portal_url)
        examples = (demo_tls.EXAMPLE,) if wish.with_tls else ()
        demo_clients.register((*examples, *loaded.clients), office=opened)
        return client_file, demo_people.prepare(office=opened, folder=wish.folder)


def _environ(wish: Wish, *, redis_url: str, tls: Tls | None) -> dict[str, str]:
    """Return the variables of development; the operator's own lie over ours but for what this run decides."""
    if os.environ.get("SEN_ENVIRONMENT", "development") != "development":
        raise in_the_way(
            vi="`sen demo` chỉ dành cho môi trường phát triển; hãy bỏ biến SEN_ENVIRONMENT.",
            en="`sen demo` is for development only; unset SEN_ENVIRONMENT.",
        )
    return {
        "SEN_STORAGE__DATABASE_URL": f"sqlite:///{wish.folder / 'sen.db'}",
        **dict.fromkeys(("SEN_STORAGE__REDIS_CONNECT_SECONDS", "SEN_STORAGE__REDIS_ANSWER_SECONDS"), LAPTOP_SECONDS),
        **os.environ,
        "SEN_ENVIRONMENT": "development",
        "SEN_SERVER__ISSUER": f"http://localhost:{wish.port}",
        "SEN_SERVER__PORT": str(wish.port),
        "SEN_STORAGE__REDIS_URL": redis_url,
        "SEN_METRICS__FOLDER": str(wish.folder / "metrics"),
        **({} if tls is None else tls.environ(port=wish.port)),
    }


def _require_folder(folder: Path) -> None:
    """Refuse a folder that cannot be made or written to."""
    probe = folder / ".sen-can-write"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise in_the_way(
            vi=f"Không ghi được vào thư mục {folder}; hãy chọn thư mục khác bằng --folder.",
            en=f"The folder {folder} cannot be written to ({error.strerror}); choose another one with --folder.",
        ) from error


def _require_free(port: int) -> None:
    """Refuse a port that somebody else uses at either address of localhost: browsers try ::1 first."""
    for family, address in LOCALHOST:
        try:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            if family == socket.AF_INET6 and not taken:  # a machine without it
                continue
            raise in_the_way(
                vi=f"Cổng {port} {'đang có chương trình khác dùng' if taken else 'không dùng được'}; "
                "hãy chọn cổng khác bằng --port hoặc --portal-port.",
                en=f"The port {port} is {'taken' if taken else 'not ours to use'}; "
                "choose another one with --port or --portal-port.",
            ) from error


def _await_all(wish: Wish, *, tls: Tls | None, children: Children, told: ToldToEnd) -> None:
    """Wait until everything of ours answers, and a new memory of replays is old enough to believe an assertion."""
    answers = partial(_await, children=children, told=told)
    if tls is None:
        answers(lambda: _is_healthy(f"http://127.0.0.1:{wish.port}/health/ready"))
    else:
        answers(lambda: demo_tls.is_ready(tls))
        answers(lambda: demo_tls.is_served(tls, port=wish.port))
    believes_at = time.monotonic() + REFUSED_SECONDS
    answers(lambda: _is_healthy(f"http://127.0.0.1:{wish.portal_port}/"))
    time.sleep(max(0.0, believes_at - time.monotonic()))


def _await(healthy: Callable[[], bool], *, children: Children, told: ToldToEnd) -> None:
    """Wait until it is so, as long as all children live."""
    deadline = time.monotonic() + HEALTHY_SECONDS
    while not healthy():
        told.obey()
        if children.ended() is not None or time.monotonic() > deadline:
            raise _broken(children)
        time.sleep(LOOK_SECONDS)


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  our own http address
            return bool(answer.status == 200)  # noqa: PLR2004  OK
    except (urllib.error.URLError, OSError):
        return False


def _watch(*, children: Children, valkey: EmbeddedValkey, parent: int | None, told: ToldToEnd) -> None:
    """Return when the parent is gone, if that matters; raise when a child is."""
    while parent is None or os.getppid() == parent:
        told.obey()
        time.sleep(LOOK_SECONDS)
        valkey_ended = os.waitid(os.P_PID, valkey.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        if valkey_ended or children.ended() is not None:
            raise _broken(children)


def _broken(children: Children) -> SettingsError:
    name = children.ended() or "sen"
    return in_the_way(
        vi=f"Một tiến trình ({name}) không chạy được hoặc đã dừng; nguyên nhân nằm ở cuối tệp {children.log}.",
        en=f"A process ({name}) did not start or has ended; the end of {children.log} says why.",
    )
