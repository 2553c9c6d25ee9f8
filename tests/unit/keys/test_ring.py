"""What one worker knows of the keys: fresh where it decides, steady where it publishes."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from keys import NoActiveKey, parse_jwks, revoke, rotate, rotate_now
from keys.algorithms import ALGORITHMS
from tests.support.office import at_once
from tests.unit.keys.shelf import SETTINGS, Shelf, a_ring, after, at, some_custodians

if TYPE_CHECKING:
    from collections.abc import Callable

    from keys import KeyRecord

CUSTODIANS = some_custodians()


def a_shelf(*algorithms: str) -> Shelf:
    """Return a shelf after its first start."""
    shelf = Shelf()
    settings = replace(SETTINGS, algorithms=algorithms or ("ES256",))
    rotate(store=shelf, custodians=CUSTODIANS, settings=settings, now=at(0))
    return shelf


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "RS256", "PS256"])
def test_each_algorithm_signs_with_its_own_key(alg: str) -> None:
    shelf = a_shelf("ES256", alg)
    key = a_ring(shelf).signing_key(alg, now=after(0))
    assert (key.alg, shelf.records[key.kid].alg) == (alg, alg)
    with pytest.raises(NoActiveKey):
        a_ring(a_shelf("ES256")).signing_key("HS256", now=after(0))


@pytest.mark.spec("ID-11", "DP-07")
def test_the_key_set_shows_public_members_with_use_alg_and_unique_kid() -> None:
    shelf = a_shelf("ES256", "EdDSA", "RS256", "PS256")
    rotate_now(store=shelf, custodians=CUSTODIANS, settings=SETTINGS, now=at(0))
    published = a_ring(shelf).jwks(now=after(0))
    shown = orjson.loads(published.body)["keys"]
    members = {"EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}, "RSA": {"n", "e"}}
    for jwk in shown:
        assert set(jwk) == members[jwk["kty"]] | {"kty", "use", "alg", "kid"}
        assert (jwk["use"], ALGORITHMS[jwk["alg"]].kty) == ("sig", jwk["kty"])
    assert {jwk["kid"] for jwk in shown} == set(shelf.records)
    assert len(shown) == 5
    assert published.max_age == SETTINGS.cache_seconds


def test_every_worker_publishes_the_same_bytes_and_a_change_changes_the_etag() -> None:
    shelf = a_shelf("ES256", "EdDSA")
    one, other = a_ring(shelf), a_ring(shelf)
    before = one.jwks(now=after(0))
    assert before == other.jwks(now=after(1))
    assert before.etag.startswith('"')
    assert before.etag.endswith('"')
    rotate_now(store=shelf, custodians=CUSTODIANS, settings=SETTINGS, now=at(2))
    assert one.jwks(now=after(4)).etag != before.etag


def test_the_store_is_read_once_in_two_seconds_however_often_the_ring_is_asked() -> None:
    shelf = a_shelf()
    ring, read_before = a_ring(shelf), shelf.reads
    for tick in range(100):
        now = after(tick / 10)
        ring.signing_key("ES256", now=now)
        ring.jwks(now=now)
        ring.verification_keys(now=now)
    assert shelf.reads - read_before == 5


def test_a_clock_that_was_set_back_does_not_keep_the_ring_from_looking() -> None:
    shelf = a_shelf()
    ring = a_ring(shelf)
    ring.jwks(now=after(3600))
    (key,) = shelf.in_state("active")
    shelf.move(kid=key.kid, expected_state="active", state="gone", at=after(1), reason="stolen")
    assert ring.verification_keys(now=after(1)) == ()


@pytest.mark.spec("ID-13")
def test_a_revoked_key_verifies_nothing_and_signs_nothing_within_two_seconds() -> None:
    shelf = a_shelf()
    ring = a_ring(shelf)
    stolen = ring.signing_key("ES256", now=after(0)).kid
    revoke(store=shelf, custodians=CUSTODIANS, settings=SETTINGS, kid=stolen, reason="stolen", now=at(1))
    successor = ring.signing_key("ES256", now=after(SETTINGS.reload_seconds)).kid
    assert successor != stolen
    assert [key.kid for key in ring.verification_keys(now=after(3))] == [successor]
    assert stolen.encode() not in ring.jwks(now=after(3)).body


@pytest.mark.spec("ID-14")
def test_a_silent_store_leaves_the_key_set_up_and_stops_signing_and_verifying(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shelf = a_shelf()
    ring = a_ring(shelf)
    published = ring.jwks(now=after(0))
    shelf.is_away = True
    assert ring.signing_key("ES256", now=after(SETTINGS.trust_seconds)).alg == "ES256"
    assert "signing keys could not be read" in caplog.text
    with pytest.raises(NoActiveKey):
        ring.signing_key("ES256", now=after(SETTINGS.trust_seconds + 1))
    with pytest.raises(NoActiveKey):
        ring.verification_keys(now=after(SETTINGS.trust_seconds + 1))
    assert ring.jwks(now=after(12 * 3600)) == published
    with pytest.raises(NoActiveKey):
        ring.jwks(now=after(25 * 3600))
    shelf.is_away = False
    assert ring.signing_key("ES256", now=after(26 * 3600)).alg == "ES256"


def test_a_ring_that_never_reached_its_store_says_so() -> None:
    shelf = a_shelf()
    shelf.is_away = True
    ring = a_ring(shelf)
    for ask in (ring.jwks, ring.verification_keys):
        with pytest.raises(NoActiveKey):
            ask(now=after(0))


def test_a_key_that_does_not_open_takes_no_other_down_and_is_asked_for_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shelf = a_shelf("ES256", "EdDSA")
    ring = a_ring(shelf)
    (whole,) = (one for one in shelf.all() if one.alg == "ES256")
    shelf.records[whole.kid] = replace(whole, sealed_private=whole.sealed_private[:-1] + b"\0")
    assert ring.signing_key("EdDSA", now=after(0)).alg == "EdDSA"
    with pytest.raises(NoActiveKey):
        ring.signing_key("ES256", now=after(1))
    assert whole.kid in caplog.text
    shelf.records[whole.kid] = whole
    assert ring.signing_key("ES256", now=after(2)).kid == whole.kid


def test_a_private_key_moved_to_another_row_does_not_sign() -> None:
    shelf = a_shelf("ES256")
    other = a_shelf("ES256").in_state("active")[0]
    (record,) = shelf.in_state("active")
    swapped: KeyRecord = replace(record, sealed_private=other.sealed_private)
    shelf.records[record.kid] = swapped
    with pytest.raises(NoActiveKey):
        a_ring(shelf).signing_key("ES256", now=after(0))
    shelf.records[record.kid] = record
    assert a_ring(shelf).signing_key("ES256", now=after(0)).kid == record.kid


@pytest.mark.parametrize(
    "change",
    [
        lambda _key: {"state": "gonf"},
        lambda key: {"public_jwk": {**key.public_jwk, "alg": "RS256"}},
        lambda key: {"public_jwk": {name: value for name, value in key.public_jwk.items() if name != "alg"}},
        lambda key: {"public_jwk": {**key.public_jwk, "kid": "a"}},
    ],
)
@pytest.mark.spec("F30", "ID-11")
def test_a_key_of_an_unknown_state_algorithm_or_name_counts_for_nothing(
    change: Callable[[KeyRecord], dict[str, Any]],
) -> None:
    shelf = a_shelf("ES256", "PS256")
    whole, key = (next(one for one in shelf.all() if one.alg == alg) for alg in ("ES256", "PS256"))
    assert {one.kid for one in a_ring(shelf).verification_keys(now=after(1))} == {whole.kid, key.kid}
    shelf.records[key.kid] = replace(key, **change(key))
    ring = a_ring(shelf)
    assert [one.kid for one in ring.verification_keys(now=after(1))] == [whole.kid]
    with pytest.raises(NoActiveKey):
        ring.signing_key("PS256", now=after(1))


def test_many_threads_at_once_read_the_store_once() -> None:
    shelf = a_shelf()
    ring, read_before = a_ring(shelf), shelf.reads
    seen = at_once(*[lambda: ring.signing_key("ES256", now=after(0)).kid] * 16)
    assert (len(seen), len(set(seen)), shelf.reads - read_before) == (16, 1, 1)


def test_whoever_asks_while_another_reads_after_a_long_rest_waits_and_is_served() -> None:
    shelf = a_shelf()
    ring = a_ring(shelf)
    ring.signing_key("ES256", now=after(0))
    reading, may_go_on, read = threading.Event(), threading.Event(), shelf.all

    def read_slowly() -> tuple[KeyRecord, ...]:
        reading.set()
        may_go_on.wait(60)
        return read()

    shelf.all = read_slowly  # type: ignore[method-assign]  # the same store, on a slow day
    served: list[str] = []

    def ask() -> None:
        served.append(ring.signing_key("ES256", now=after(60)).alg)

    first, second = threading.Thread(target=ask), threading.Thread(target=ask)
    first.start()
    assert reading.wait(60)
    second.start()
    second.join(0.2)
    may_go_on.set()
    first.join(60)
    second.join(60)
    assert served == ["ES256", "ES256"]


def test_what_is_published_can_be_read_back_as_a_key_set() -> None:
    shelf = a_shelf("ES256", "EdDSA", "RS256", "PS256")
    ring = a_ring(shelf)
    read_back = parse_jwks(orjson.loads(ring.jwks(now=after(0)).body))
    assert {key.kid: key.alg for key in read_back} == {one.kid: one.alg for one in shelf.records.values()}
    assert all(key.kid == key.thumbprint for key in read_back)
