"""The search for private things in the log lines of the whole suite finds them."""

from __future__ import annotations

import pytest

from tests.support.login.log_watch import private_in

LINE = '{{"event":"refused","path":"/token","detail":"{}","correlation":"4E5-4QX-R9"}}'
PLAIN = "\x1b[2m2026-11-22 16:49:33\x1b[0m [info] refused detail={}"


@pytest.mark.parametrize("line", [LINE, PLAIN])
@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "sen_at_AAECAwQFBgc",
        "sen_rt_AAECAwQFBgc",
        "number 099305000017",
        "/callback?code=c7stko2t2mit",
        "BCFG-2345-HJKM-67",
        "NJ0M-TP0V-R714-8F",
        "Nguyễn Thị Hoa",
        "Nguy\\u1ec5n Thị Hoa",
        "hoa@dan.example",
    ],
)
def test_a_private_thing_in_a_log_line_is_found(line: str, secret: str) -> None:
    found = line.format(secret)
    assert private_in(f"printed by a test\n{found}\n") == [found]


@pytest.mark.parametrize("line", [LINE, PLAIN])
@pytest.mark.parametrize("harmless", ["invalid_grant", "01a2042e-0802-7406-9380-b2b41f5c496c", "099•••••••17", "72 ms"])
def test_what_a_log_line_may_hold_is_passed_over(line: str, harmless: str) -> None:
    assert private_in(line.format(harmless)) == []


def test_what_a_test_prints_itself_is_no_log_line() -> None:
    assert private_in("number 099305000017\n") == []
