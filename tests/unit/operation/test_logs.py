"""Logs: one JSON object a line, and nothing in it that could be a person's or could forge another line."""

from __future__ import annotations

import io
import json
import logging
from contextlib import redirect_stderr
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from idp.audit.log import LETTERS, correlation, new_correlation
from idp.logs import MASKED, JsonFormatter, configure, mask

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Leave the logging of the other tests as it was."""
    root = logging.getLogger()
    handlers, level, ours = root.handlers[:], root.level, structlog.get_config()
    yield
    structlog.configure(**ours)
    root.handlers[:], root.level = handlers, level


def logged(event: str, **fields: Any) -> dict[str, Any]:
    """Return what a line says."""
    said = io.StringIO()
    with redirect_stderr(said):
        configure(level="info")
        structlog.get_logger("test").info(event, **fields)
    (line,) = said.getvalue().splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.mark.spec("AU-02")
def test_a_line_says_when_what_and_in_which_request() -> None:
    token = correlation.set("ABC-DEF-GH")
    try:
        line = logged("answered", path="/token", status=200)
    finally:
        correlation.reset(token)
    assert line["correlation"] == "ABC-DEF-GH"
    assert line["at"].endswith("+00:00")
    assert (line["event"], line["level"], line["path"], line["status"]) == ("answered", "info", "/token", 200)


@pytest.mark.spec("AU-02")
def test_an_incident_number_can_be_read_out_over_the_phone() -> None:
    before = correlation.get()
    drawn = {new_correlation() for _ in range(200)}
    correlation.set(before)
    assert len(drawn) == 200
    assert all([len(part) for part in number.split("-")] == [3, 3, 2] for number in drawn)
    assert set("".join(drawn)) == {*LETTERS, "-"}
    assert len(set(LETTERS)) == 32, "five random bits each"
    assert not set("IO01") & set(LETTERS), "neither of two that look alike"


@pytest.mark.spec("AU-03")
@pytest.mark.parametrize(
    "private",
    [
        "099305000017",
        "099 305 000 017",
        "099.305.000.017",
        "012345678",
        "012 345 678",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
    ],
)
def test_what_looks_like_a_number_or_a_token_is_masked_wherever_it_stands(private: str) -> None:
    line = logged(f"seen {private} here", detail={"deep": [f"and {private}"]}, error=ValueError(private))
    assert private not in json.dumps(line)
    assert line["event"] == f"seen {MASKED} here"


@pytest.mark.spec("AU-03")
def test_a_number_that_lost_its_zero_is_masked_too() -> None:
    assert logged("seen", what=99305000017)["what"] == MASKED
    assert logged("seen", what=99305000017.0)["what"] == MASKED


@pytest.mark.spec("AU-03")
@pytest.mark.parametrize("name", ["code_verifier", "refresh_token", "Cookie", "full_name", "number", "client_secret"])
def test_a_field_whose_name_says_that_it_is_secret_is_masked(name: str) -> None:
    assert logged("seen", **{name: "whatever"})[name] == MASKED


def test_a_wire_word_is_shown_and_a_code_is_not() -> None:
    assert logged("refused", code="invalid_grant")["code"] == "invalid_grant"
    assert logged("refused", code="GKN1-9FKB-PSBR-83")["code"] == MASKED
    assert logged("refused", code="q8xXa-3mZ")["code"] == MASKED


@pytest.mark.parametrize(
    "harmless",
    [
        "01a20217-bd60-748f-b417-000000000017",
        "2026-11-22T06:46:46.123456+00:00",
        "1788336060",
        "/health/ready",
        "RFC 9126",
        True,
        None,
        0.25,
        429,
    ],
)
def test_what_is_harmless_stays(harmless: object) -> None:
    assert logged("seen", what=harmless)["what"] == harmless


def test_an_exception_is_one_line_without_what_it_held() -> None:
    said = io.StringIO()
    with redirect_stderr(said):
        configure(level="info")
        try:
            int("number 099305000017")
        except ValueError:
            structlog.get_logger("test").exception("broken")
    (line,) = said.getvalue().splitlines()
    assert "ValueError" in json.loads(line)["exception"]
    assert "099305000017" not in line


@pytest.mark.spec("AU-04")
@pytest.mark.parametrize(
    "sign", ["\n", "\r\n", "\x1b[31m", "\x00", "\x9b31m", "\u2028", "\u202e", '"}\n{"event":"forged"']
)
def test_no_field_can_forge_a_line_or_speak_to_a_terminal(sign: str) -> None:
    said = io.StringIO()
    with redirect_stderr(said):
        configure(level="info")
        structlog.get_logger("test").info(f"a{sign}b", what=f"c{sign}d")
    text = said.getvalue()
    assert text.count("\n") == 1
    assert all(one.isprintable() or one == "\n" for one in text)
    assert json.loads(text)["event"].startswith("a")


def test_what_libraries_say_is_told_the_same_way() -> None:
    record = logging.LogRecord("lib", logging.WARNING, "x.py", 1, "number %s\nforged", ("099305000017",), None)
    line = JsonFormatter().format(record)
    said = {"event": f"number {MASKED}\nforged", "logger": "lib", "level": "warning", "at": "", "correlation": ""}
    assert "\n" not in line
    assert json.loads(line) | {"at": "", "correlation": ""} == said
    record.exc_info = (ValueError, ValueError("099305000017"), None)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line) | {"at": "", "correlation": ""} == said | {"exception": f"ValueError: {MASKED}"}


def test_a_quieter_level_says_less() -> None:
    said = io.StringIO()
    with redirect_stderr(said):
        configure(level="warning")
        structlog.get_logger("test").info("quiet")
    assert said.getvalue() == ""


def test_masking_leaves_the_caller_its_own_fields() -> None:
    fields = {"event": "seen", "number": "099305000017"}
    assert mask(None, "", fields)["number"] == MASKED
    assert fields["number"] == "099305000017"
