"""One redemption of a code: how many of our files run, how often it changes file, and what it asks of the stores."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

import idp.endpoints._http
import keys.jose
from idp import journal
from tests.support.wiretap import has_at_hand, heard_by_sqlite

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tests.support.house import House
    from tests.support.portal import Portal
    from tests.support.signed_in import SignedIn
    from tests.support.wiretap import Wiretap

ROOT = Path(idp.endpoints._http.__file__).parents[2]
OURS = tuple(f"{ROOT / room}/" for room in ("idp", "keys", "consent"))
MOST_FILES = 20
MOST_CHANGES = 25


class Trail:
    """Writes down every function of ours that is entered, from the application's first line to its last.

    A file counts once it runs a function. A change of file is counted when a function is entered whose file is not
    the one of our last function that was entered; the way back to a caller is not counted, nor is what libraries do
    in between.
    """

    def __init__(self) -> None:
        self.entered: list[str] = []

    def __enter__(self) -> Self:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, _argument: object) -> None:
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(OURS):
            self.entered.append(f"{Path(name).relative_to(ROOT)}:{frame.f_code.co_name}")


def files_of(entries: list[str]) -> list[str]:
    """Return the files, one after the other, without repeating the one that is being run."""
    files = [entry.partition(":")[0] for entry in entries]
    return [file for place, file in enumerate(files) if place == 0 or files[place - 1] != file]


@pytest.fixture(params=["web", "fapi2"], ids=["bearer", "dpop"])
def redeem(
    request: pytest.FixtureRequest, tapped: tuple[House, Wiretap], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], int]:
    """Give the redemption of a fresh code, everything warm, its line written later; it returns the status."""
    monkeypatch.setattr(journal, "MOST_NOTES", 10_000)
    house, _ = tapped
    portal = house.registers_portal(profile=request.param, id_token_signed_response_alg="ES256")
    citizen = house.logs_in_directly()
    citizen.gives_tokens(portal)
    return redemption(portal, citizen)


def redemption(portal: Portal, citizen: SignedIn) -> Callable[[], int]:
    """Prepare one redemption; nothing but the request itself is left to do."""
    login = portal.asks(scope="openid service:login offline_access")
    login = login.pushed() if portal.pushes_only else login
    code = citizen.arrives(login, "offline_access").headers["Location"].partition("code=")[2].partition("&")[0]
    form = {
        **portal.authentication(),
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": portal.redirect_uri,
        "code_verifier": login.verifier,
    }
    headers = portal.proves("/token")
    has_at_hand(portal.house, portal)
    return lambda: portal.http.post("/token", data=form, headers=headers).status_code


def test_a_redemption_runs_few_files_and_changes_file_seldom(redeem: Callable[[], int]) -> None:
    with Trail() as trail:
        assert redeem() == 200
    story = files_of(trail.entered)
    assert len(set(story)) <= MOST_FILES, sorted(set(story))
    assert len(story) - 1 <= MOST_CHANGES, "\n".join(story)


def test_a_redemption_asks_the_memory_once(tapped: tuple[House, Wiretap], redeem: Callable[[], int]) -> None:
    _, wire = tapped
    before = wire.round_trips
    assert redeem() == 200
    assert wire.round_trips - before == 1


def test_a_redemption_is_one_transaction_of_two_statements(
    tapped: tuple[House, Wiretap], redeem: Callable[[], int]
) -> None:
    house, _ = tapped
    statements = heard_by_sqlite(house, redeem)
    verbs = [statement.split()[0] for statement in statements]
    assert verbs == ["BEGIN", "INSERT", "INSERT", "COMMIT"]
    assert "INTO authorization" in statements[1]
    assert "INTO audit_event" in statements[2]


def test_a_redemption_verifies_once_and_signs_once_and_dpop_verifies_once_more(
    redeem: Callable[[], int], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    counted: Counter[str] = Counter()

    class Counting:
        """Counts what goes through to the algorithm."""

        def __init__(self, algorithm: Any) -> None:
            self.algorithm = algorithm

        def sign(self, *arguments: Any) -> Any:
            counted["sign"] += 1
            return self.algorithm.sign(*arguments)

        def verify(self, *arguments: Any) -> Any:
            counted["verify"] += 1
            return self.algorithm.verify(*arguments)

    signers = {name: Counting(algorithm) for name, algorithm in keys.jose._SIGNERS.items()}
    monkeypatch.setattr(keys.jose, "_SIGNERS", signers)
    assert redeem() == 200
    proofs = request.node.callspec.id.count("dpop")
    assert counted == {"verify": 1 + proofs, "sign": 1}


def test_the_trail_sees_what_it_should(redeem: Callable[[], int]) -> None:
    with Trail() as trail:
        assert redeem() == 200
    assert {
        "idp/app.py",
        "idp/endpoints/token.py",
        "idp/protocol/grants/authorization_code.py",
        "keys/jose.py",
        "idp/storage/sql/database.py",
        "idp/storage/redis/node.py",
    } <= set(files_of(trail.entered))
