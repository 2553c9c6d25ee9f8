"""What is sealed opens only where it belongs; what is hashed is found again under every later master key."""

from __future__ import annotations

import pytest

from keys import SealBroken, Sealer

OLD, MIDDLE, NEW = b"o" * 32, b"m" * 32, b"n" * 32


def a_seal(sealer: Sealer | None = None) -> bytes:
    """Seal a small secret that belongs to row 7."""
    return (sealer or Sealer(master_key=NEW)).seal(purpose="number", plaintext=b"001099012345", context=b"7")


def test_what_was_sealed_opens_for_its_purpose_and_context() -> None:
    sealer = Sealer(master_key=NEW)
    assert sealer.unseal(purpose="number", sealed=a_seal(sealer), context=b"7") == b"001099012345"
    empty = sealer.seal(purpose="number", plaintext=b"")
    assert sealer.unseal(purpose="number", sealed=empty) == b""


@pytest.mark.parametrize(("purpose", "context"), [("name", b"7"), ("number", b"8"), ("number", b""), ("", b"7")])
def test_what_was_sealed_does_not_open_elsewhere(purpose: str, context: bytes) -> None:
    with pytest.raises(SealBroken):
        Sealer(master_key=NEW).unseal(purpose=purpose, sealed=a_seal(), context=context)


def test_a_change_of_any_byte_breaks_the_seal() -> None:
    sealer, sealed = Sealer(master_key=NEW), a_seal()
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(SealBroken):
            sealer.unseal(purpose="number", sealed=bytes(changed), context=b"7")
    assert sealer.unseal(purpose="number", sealed=sealed, context=b"7")


def test_a_shortened_seal_does_not_open() -> None:
    sealed = a_seal()
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            Sealer(master_key=NEW).unseal(purpose="number", sealed=sealed[:length], context=b"7")


def test_the_same_secret_never_looks_the_same_twice() -> None:
    assert len({a_seal() for _ in range(200)}) == 200


def test_former_master_keys_open_and_the_new_one_seals() -> None:
    former, renewed = Sealer(master_key=OLD), Sealer(master_key=NEW, former_master_keys=(MIDDLE, OLD))
    assert renewed.unseal(purpose="number", sealed=a_seal(former), context=b"7") == b"001099012345"
    assert Sealer(master_key=NEW).unseal(purpose="number", sealed=a_seal(renewed), context=b"7")
    with pytest.raises(SealBroken):
        Sealer(master_key=NEW).unseal(purpose="number", sealed=a_seal(former), context=b"7")


def test_master_keys_that_share_their_one_byte_name_both_open() -> None:
    first = a_seal()
    candidates = (number.to_bytes(32) for number in range(10_000))
    twin = next(key for key in candidates if a_seal(Sealer(master_key=key))[0] == first[0])
    both = Sealer(master_key=twin, former_master_keys=(NEW,))
    assert both.unseal(purpose="number", sealed=first, context=b"7") == b"001099012345"


def test_a_hash_stays_the_same_when_the_master_key_is_renewed() -> None:
    first = Sealer(master_key=OLD).keyed_hash(purpose="number", message=b"001099012345")
    second = Sealer(master_key=MIDDLE, former_master_keys=(OLD,))
    third = Sealer(master_key=NEW, former_master_keys=(MIDDLE, OLD))
    assert len(first) == 32
    for renewed in (second, third):
        assert renewed.keyed_hash(purpose="number", message=b"001099012345") == first


def test_a_hash_depends_on_key_purpose_and_message() -> None:
    hashes = {
        Sealer(master_key=master).keyed_hash(purpose=purpose, message=message)
        for master in (OLD, NEW)
        for purpose in ("number", "code")
        for message in (b"1", b"2")
    }
    assert len(hashes) == 8


@pytest.mark.parametrize(
    ("master", "former"), [(b"", ()), (b"x" * 31, ()), (b"x" * 33, ()), (NEW, (b"x" * 16,)), (NEW, (NEW,))]
)
def test_a_master_key_of_a_wrong_length_or_given_twice_is_refused(master: bytes, former: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="master key"):
        Sealer(master_key=master, former_master_keys=former)


def test_a_sealer_shows_nothing_of_its_keys() -> None:
    assert repr(Sealer(master_key=NEW, former_master_keys=(OLD,))) == "Sealer(2 master keys)"
