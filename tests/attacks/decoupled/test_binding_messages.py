"""Binding messages that deceive: what can be shown is Vietnamese, whole, and nothing that only looks like it."""

from __future__ import annotations

import unicodedata
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from idp.protocol.grants.decoupled.backchannel_request import binding_message
from idp.protocol.grants.decoupled.refusals import InvalidBindingMessage

if TYPE_CHECKING:
    from idp.relying_parties.client import RelyingParty

PORTAL = cast("RelyingParty", SimpleNamespace(profile=SimpleNamespace(name="web")))
TONES = ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
VOWELS = "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY"


@pytest.mark.parametrize(
    "message",
    [unicodedata.normalize("NFC", "".join(vowel + tone for tone in TONES)) for vowel in VOWELS]
    + ["bcdđghklmnpqrstvx fjwz", "BCDĐGHKLMNPQRSTVX FJWZ", "0123456789", "Số 4.7, (A-B) #1 +2", "Café Đắk Lắk"],
)
@pytest.mark.spec("DC-05")
def test_every_letter_of_vietnamese_can_be_shown(message: str) -> None:
    assert binding_message({"binding_message": message}, client=PORTAL) == message


@pytest.mark.parametrize(
    "letter",
    [
        *("Ａ", "ａ", "７", "𝐀", "𝟕", "ª", "ﬀ", "Ⅰ", "①", "²"),  # the same once it is normalised for search
        *("ı", "ȷ", "ɑ", "ɡ", "ᴀ", "ᴏ", "ǀ", "ꓲ", "Ɩ", "ƽ", "ß", "ð"),  # of the Latin script, and of no use here
        *("а", "А", "ο", "ⲟ", "٧", "७"),  # of another script
        *("\u0301", "\u200b", "\u00ad", "\u3000", "\u00a0", "–", "！", "．", "（"),
    ],
)
@pytest.mark.spec("DC-05")
def test_what_only_looks_like_a_letter_or_a_digit_is_refused(letter: str) -> None:
    with pytest.raises(InvalidBindingMessage):
        binding_message({"binding_message": f"A{letter}7"}, client=PORTAL)


@pytest.mark.spec("DC-05")
def test_a_letter_in_two_pieces_is_refused() -> None:
    with pytest.raises(InvalidBindingMessage):
        binding_message({"binding_message": unicodedata.normalize("NFD", "Hồ sơ")}, client=PORTAL)
