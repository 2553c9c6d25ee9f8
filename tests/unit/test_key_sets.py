"""Key sets that relying parties publish: at hand, due, renewed, and gone when their owner does not answer for long."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from idp import clock
from idp.outbound import OutboundClient
from idp.relying_parties import jwks
from idp.relying_parties.jwks import KeySets
from idp.relying_parties.metadata_reader import Deployment
from idp.relying_parties.metadata_rules import check
from idp.relying_parties.store import StoredClient
from idp.settings import Outbound
from tests.support.foreign.receiver import Receiver, says, says_json
from tests.support.foreign.registrant import OWNER, REDIRECT, public_jwk
from tests.support.house import later

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idp.relying_parties.client import RelyingParty

HERE = Outbound(allow_loopback=True, extra_ca="", connect_seconds=10.0, total_seconds=10.0, largest_bytes=65536)


def key_set(*kids: str, **changes: Any) -> dict[str, Any]:
    """Return a key set with a new key for each name."""
    return {"keys": [{**public_jwk(ec.generate_private_key(ec.SECP256R1()), kid=kid), **changes} for kid in kids]}


def kids(client: RelyingParty | None) -> set[str | None] | None:
    """Return the names of a relying party's keys."""
    return None if client is None else {key.kid for key in client.keys}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A relying party's server with a key set."""
    with Receiver(jwks=says_json(key_set("a"), "Cache-Control: max-age=600")) as listening:
        yield listening


@pytest.fixture
def portal(receiver: Receiver) -> RelyingParty:
    """A relying party that publishes its keys there."""
    metadata: dict[str, Any] = {
        "client_name": "Cổng",
        "owner": OWNER,
        "redirect_uris": [REDIRECT],
        "purposes": ["login"],
        "jwks_uri": receiver.url("/jwks"),
    }
    stored = StoredClient("portal", "web", metadata, None, "approved", clock.now(), None)
    return check(stored, deployment=Deployment(frozenset({"login"}), allow_loopback=True))


@pytest.fixture
def key_sets() -> KeySets:
    """The key sets of one process."""
    return KeySets(outbound=OutboundClient(HERE))


def test_a_key_set_is_asked_for_when_it_is_due_and_not_before(
    receiver: Receiver, portal: RelyingParty, key_sets: KeySets
) -> None:
    asked = []
    for seconds in (0, 1, 599, 601, 1100, 1202):
        with later(seconds):
            assert kids(key_sets.fill(portal)) == {"a"}
        asked.append(len(receiver.asked))
    assert asked == [1, 1, 1, 2, 2, 3]


@pytest.mark.parametrize(
    ("said", "fresh", "due"), [("max-age=1", 59, 61), ("max-age=999999", 3599, 3601), ("", 299, 301)]
)
def test_its_owner_says_for_how_long_within_bounds(
    receiver: Receiver, portal: RelyingParty, key_sets: KeySets, said: str, fresh: int, due: int
) -> None:
    receiver.answers["/jwks"] = says_json(key_set("a"), f"Cache-Control: {said}")
    key_sets.fill(portal)
    with later(fresh):
        key_sets.fill(portal)
        assert len(receiver.asked) == 1
    with later(due):
        key_sets.fill(portal)
        assert len(receiver.asked) == 2


@pytest.mark.spec("CA-07")
def test_a_key_that_is_missing_is_sought_at_once_and_not_too_often(
    receiver: Receiver, portal: RelyingParty, key_sets: KeySets
) -> None:
    key_sets.fill(portal)
    receiver.answers["/jwks"] = says_json(key_set("b"))
    assert kids(key_sets.fill(portal)) == {"a"}
    assert kids(key_sets.renew(portal)) == {"b"}
    assert kids(key_sets.fill(portal)) == {"b"}
    assert [key_sets.renew(portal) for _ in range(5)] == [None] * 5
    assert len(receiver.asked) == 2
    with later(31):
        assert kids(key_sets.renew(portal)) == {"b"}
    assert len(receiver.asked) == 3


def test_a_key_set_that_does_not_come_leaves_the_former_one_for_a_while(
    receiver: Receiver, portal: RelyingParty, key_sets: KeySets
) -> None:
    key_sets.fill(portal)
    receiver.answers["/jwks"] = says(b"", status="503 Away")
    seen = {}
    for seconds in (601, 602, 632, 7100, 7201, 7202, 7232):
        with later(seconds):
            seen[seconds] = (kids(key_sets.fill(portal)), len(receiver.asked))
    assert seen == {
        601: ({"a"}, 2), 602: ({"a"}, 2), 632: ({"a"}, 3), 7100: ({"a"}, 4), 7201: (set(), 5), 7202: (set(), 5),
        7232: (set(), 6),
    }  # fmt: skip
    receiver.answers["/jwks"] = says_json(key_set("b"))
    with later(7300):
        assert kids(key_sets.fill(portal)) == {"b"}


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"keys": 5},
        {"keys": [5]},
        key_set("a", "a"),
        key_set("a", d="secret"),
        key_set("a", kid=5),
        key_set(*map(str, range(30))),
        {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]},
    ],
)
def test_a_key_set_that_must_not_be_relied_on_gives_no_key(
    receiver: Receiver, portal: RelyingParty, key_sets: KeySets, document: Any
) -> None:
    receiver.answers["/jwks"] = says_json(document)
    assert kids(key_sets.fill(portal)) == set()
    receiver.answers["/jwks"] = says_json(key_set("a"))
    assert kids(key_sets.renew(portal)) == {"a"}


def test_keys_for_encryption_and_certificates_come_with_it(
    receiver: Receiver, portal: RelyingParty, key_sets: KeySets
) -> None:
    both = {
        "keys": [
            *key_set("sig", x5c=["MAA="])["keys"],
            public_jwk(ec.generate_private_key(ec.SECP256R1()), kid="e", use="enc"),
        ]
    }
    receiver.answers["/jwks"] = says_json(both)
    filled = key_sets.fill(portal)
    assert kids(filled) == {"sig"}
    assert [key.kid for key in filled.encryption_keys] == ["e"]
    assert len(filled.certificates) == 1


def test_another_address_is_another_key_set(receiver: Receiver, portal: RelyingParty, key_sets: KeySets) -> None:
    assert kids(key_sets.fill(portal)) == {"a"}
    receiver.answers["/moved"] = says_json(key_set("m"))
    assert kids(key_sets.fill(replace(portal, jwks_uri=receiver.url("/moved")))) == {"m"}


def test_no_more_key_sets_are_kept_than_there_is_room_for(
    portal: RelyingParty, key_sets: KeySets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks, "MOST_KEPT", 2)
    for name in range(9):
        assert kids(key_sets.fill(replace(portal, client_id=f"portal {name}"))) == {"a"}
        assert len(key_sets._kept) <= 3


def test_many_who_need_the_same_key_set_ask_for_it_once(
    receiver: Receiver, portal: RelyingParty, key_sets: KeySets
) -> None:
    found: list[set[str | None] | None] = []
    threads = [threading.Thread(target=lambda: found.append(kids(key_sets.fill(portal)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [{"a"}] * 8
    assert len(receiver.asked) == 1


def test_while_one_waits_for_a_slow_answer_the_others_go_on(
    receiver: Receiver, portal: RelyingParty, key_sets: KeySets
) -> None:
    key_sets.fill(portal)
    may_answer = threading.Event()

    def waits(_: object) -> None:
        may_answer.wait(60)

    receiver.answers["/jwks"] = waits
    with later(601):
        waiting = threading.Thread(target=lambda: key_sets.fill(portal))
        waiting.start()
        while len(receiver.asked) < 2:
            threading.Event().wait(0.01)
        assert kids(key_sets.fill(portal)) == {"a"}
        assert waiting.is_alive()
        may_answer.set()
        waiting.join()
