"""An activation code can be read out, typed on a Vietnamese keyboard, and not guessed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.citizens.activation import ALPHABET, LOOK_ALIKES, SIGNS, IssuedCode, new_code, parse_code
from idp.citizens.malformed import Malformed
from idp.clock import now

# Keys that a Vietnamese keyboard turns into another letter: vowels take marks, D and W become Đ and Ư (Telex, VNI).
MARKED_WHILE_TYPING = set("AEIOUYDW")


@pytest.mark.spec("AL-05")
def test_a_code_has_at_least_sixty_four_bits() -> None:
    assert SIGNS * math.log2(len(ALPHABET)) >= 64
    assert len(set(ALPHABET)) == len(ALPHABET)


def test_codes_differ_and_use_the_whole_alphabet() -> None:
    codes = {new_code() for _ in range(500)}
    assert len(codes) == 500
    assert set("".join(codes)) == set(ALPHABET) | {"-"}


def test_a_code_is_grouped_for_reading_out() -> None:
    assert [len(group) for group in new_code().split("-")] == [4, 4, 4, 2]


def test_no_sign_is_changed_by_a_vietnamese_keyboard_or_taken_for_another() -> None:
    assert not MARKED_WHILE_TYPING & set(ALPHABET)
    assert not {chr(sign) for sign in LOOK_ALIKES} & set(ALPHABET)


@given(st.text(ALPHABET, min_size=SIGNS, max_size=SIGNS))
def test_a_code_is_read_however_it_was_typed(signs: str) -> None:
    spaced = " ".join(signs)
    full_width = "".join(chr(ord(sign) + 0xFEE0) for sign in signs)
    for typed in (signs, signs.lower(), spaced, f" {signs[:4]}-{signs[4:8]}–{signs[8:]}\n", full_width):
        assert parse_code(typed) == signs


def test_spaces_around_a_code_are_passed_over_up_to_a_length_that_nobody_types() -> None:
    code = new_code()
    assert parse_code(code.ljust(64)) == code.replace("-", "")
    with pytest.raises(Malformed, match="length"):
        parse_code(code.ljust(65))


def test_what_looks_or_sounds_alike_is_taken_for_the_sign_that_codes_use() -> None:
    assert parse_code("oOQq IiLl zZ uU xX".replace("q", "0")) == "00001111" + "22" + "VV" + "SS"


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "empty"),
        (" - ", "empty"),
        ("0123-4567-89BC-F", "length"),
        ("0123-4567-89BC-FGH", "length"),
        ("0" * 1000, "length"),
        ("0123-4567-89BC-FẤ", "characters"),
        ("0123-4567-89BC-F%", "characters"),
    ],
)
def test_what_cannot_be_a_code_is_refused_and_never_repeated(typed: str, reason: str) -> None:
    with pytest.raises(Malformed) as refusal:
        parse_code(typed)
    assert refusal.value.reason == reason
    assert not typed.strip(" -") or typed not in str(refusal.value)


def test_an_issued_code_does_not_print_itself() -> None:
    text = new_code()
    assert text not in repr(IssuedCode(id="1", text=text, expires_at=now()))
