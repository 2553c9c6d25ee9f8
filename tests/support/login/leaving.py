"""A citizen on the logout page: opens it as a portal asks, reads it, presses a button; and what portals hear of it."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qsl

import pytest

from idp.cli import office as operators
from idp.storage.sql.outbox import SqlOutbox
from idp.worker.courier import Courier
from tests.support.login.own_pages import OwnPages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import Client, TestResponse

    from idp.outbox import DeliveryStanding
    from tests.support.house import House
    from tests.support.portal import Portal

ASKED = re.compile(r'name="asked" value="([^"]*)"')
ONLY = re.compile(r'name="only" value="([^"]*)"')
FRAMES = re.compile(r'<iframe[^>]* src="([^"]*)"')


@dataclass
class Leaving:
    """One visit of the logout page."""

    browser: Client
    question: TestResponse

    @classmethod
    def asks(cls, browser: Client, **asked: str) -> Self:
        """Open the page with what a portal has put into the address."""
        return cls(browser, browser.get("/logout", query_string=asked))

    @property
    def portals(self) -> list[str]:
        """The ids of the portals that the page offers to leave."""
        return ONLY.findall(self.question.text)

    def presses(self, *, only: str | None = None) -> TestResponse:
        """Log out of everything, or of one portal."""
        found = ASKED.search(self.question.text)
        assert found, self.question.text
        form = {"asked": found[1]} | ({} if only is None else {"only": only})
        return OwnPages(self.browser).sends("/logout/confirm", **form)


def logs_out(browser: Client, **asked: str) -> TestResponse:
    """Open the page and log out of everything."""
    return Leaving.asks(browser, **asked).presses()


def frames_of(page: TestResponse) -> list[str]:
    """Return what the frames of a page open."""
    return [address.replace("&amp;", "&") for address in FRAMES.findall(page.text)]


@dataclass
class Receiver:
    """A portal's server for logouts: answers tokens with `answers` in turn (the last one stays), frames with a page.

    With `hang` it answers nobody before that is set.
    """

    answers: list[int] = field(default_factory=lambda: [200])
    hang: threading.Event | None = None
    received: list[dict[str, str]] = field(default_factory=list)
    framed: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Listen."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.received.append(dict(parse_qsl(body)))
                if receiver.hang is not None:
                    receiver.hang.wait(30)
                status = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                receiver.framed.append(self.path)
                if receiver.hang is not None:
                    receiver.hang.wait(30)
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name that it has
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        if self.hang is not None:
            self.hang.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.origin}/backchannel-logout"

    @property
    def origin(self) -> str:
        """Its scheme, host and port."""
        return f"http://localhost:{self.server.server_port}"


def courier_of(house: House) -> Courier:
    """Return a worker's courier of a house; close it."""
    return Courier(outbox=SqlOutbox(house.office.database), services=house.services)


def carries(courier: Courier) -> None:
    """Let a worker deliver what is due, until nothing is."""
    while courier.send_out():
        courier.rest()


def standing(courier: Courier, portal: Portal) -> DeliveryStanding:
    """Return where the deliveries to a portal stand."""
    return next(each for each in courier.outbox.standing() if each.target == portal.client_id)


def operator_of(house: House) -> operators.Office:
    """Return what the operator's commands work with."""
    return operators.Office(
        settings=house.services.provider.settings, database=house.office.database, sealer=house.office.sealer
    )


@pytest.fixture
def courier(house: House) -> Iterator[Courier]:
    """Give the hands of a worker."""
    carrier = courier_of(house)
    yield carrier
    carrier.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Give a portal's server that takes what it is sent."""
    with Receiver() as server:
        yield server
