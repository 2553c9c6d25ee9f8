"""The pages in a small application of their own: every sample, and forms that tell what came in."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from flask import Flask, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

from idp.errors import AccessDenied, TooManyAttempts
from idp.pages._page import Pages, protect, render_page
from idp.pages._shield import PAGES_EXTENSION
from idp.pages.languages import Languages
from tests.unit.pages.samples import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Response
    from flask.testing import FlaskClient
    from flask.typing import ResponseReturnValue

TEMPLATES = Path(__file__).parents[3] / "templates"
ORIGIN = "http://localhost:8000"

REQUEST = {"challenge": "YW55IGNoYWxsZW5nZSBhdCBhbGw", "rpId": "localhost", "userVerification": "required"}
CREATION = {
    "rp": {"id": "localhost", "name": "Sen"},
    "user": {"id": "YW55IHVzZXI", "name": "099•••••••17", "displayName": "099•••••••17"},
    "challenge": REQUEST["challenge"],
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    "authenticatorSelection": {"residentKey": "required", "userVerification": "required"},
}


def pages_of(app: Flask) -> Pages:
    """Return what the application knows of its pages."""
    pages: Pages = app.extensions[PAGES_EXTENSION]
    return pages


def make_app(*, origin: str = ORIGIN) -> Flask:
    """Return an application that shows the samples under /sample/<name> and takes forms at /form."""
    app = Flask("pages", template_folder=str(TEMPLATES), static_folder=str(TEMPLATES / "static"))
    app.secret_key = b"a key for tests only"
    pages = Pages(
        languages=Languages(folder=TEMPLATES / "translations"),
        expected_origin=origin,
        session_warning_seconds=120,
    )
    protect(app, pages=pages, unprotected=("/open",))
    samples = {sample.name: sample for sample in SAMPLES}

    @app.get("/sample/<name>")
    def show(name: str) -> Response:
        found = samples[name]
        wish, targets = request.args.get("ui_locales"), request.args.getlist("target")
        return render_page(found.template, ui_locales=wish, form_targets=tuple(targets), **found.context)

    @app.post("/form")
    @app.post("/open")
    def take() -> str:
        return "taken"

    add_ceremony(app)
    add_errors(app)
    return app


def add_ceremony(app: Flask) -> None:
    """Answer passkey.js, and keep what it posted."""
    posted: list[dict[str, Any]] = []
    app.extensions["posted"] = posted

    @app.post("/options")
    def options() -> ResponseReturnValue:
        body = request.get_json()
        posted.append(body)
        return jsonify(CREATION if "name" in body else REQUEST)

    @app.post("/verify")
    def verify() -> ResponseReturnValue:
        body = request.get_json()
        posted.append(body)
        if body.get("name") == "refused":
            return jsonify(message="Khóa này không vừa."), 400
        if body.get("name") == "too late":
            return jsonify(next="/sample/login"), 401
        return jsonify(next="/sample/account")


def add_errors(app: Flask) -> None:
    """Let views end in each kind of error."""

    @app.get("/broken")
    def fail() -> str:
        raise RuntimeError("private detail 099305000017")

    @app.get("/tired")
    def tire() -> str:
        raise TooManyAttempts("Too many.", wait_seconds=61)

    @app.get("/denied")
    def deny() -> str:
        raise AccessDenied("No.", detail="private detail")


@pytest.fixture(scope="session")
def pages_app() -> Flask:
    return make_app()


@pytest.fixture
def browser_client(pages_app: Flask) -> FlaskClient:
    return pages_app.test_client()


@pytest.fixture
def pages_app_client(pages_app: Flask) -> FlaskClient:
    """Give another browser."""
    return pages_app.test_client()


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Stay silent."""


def read_whole(app: Flask) -> WSGIApplication:
    """Read and close each answer before it is sent: werkzeug leaves a file open when the browser hangs up on it."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with closing(cast("Any", app(environ, start_response))) as parts:
            return [b"".join(parts)]

    return answer


@pytest.fixture(scope="package")
def site_app() -> Iterator[Flask]:
    """Give the application as it is served at the origin that it expects."""
    server = make_server("localhost", 0, Flask("not yet"), threaded=True, request_handler=Quiet)
    app = make_app(origin=f"http://localhost:{server.server_port}")
    server.app = read_whole(app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield app
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="package")
def site(site_app: Flask) -> str:
    """Give the origin of the served application."""
    return pages_of(site_app).expected_origin
