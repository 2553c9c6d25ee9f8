"""The items of the consent page: how each is called, its value as a citizen reads it, why it is asked; and matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from babel import Locale

from idp.pages import _visit
from idp.pages._words import current_language
from idp.pages._words import gettext as _
from idp.pages.languages import birth_date, phone_number
from idp.protocol.interaction import OFFLINE, OFFLINE_BASIS
from idp.relying_parties.authorization_details import ITEM_PREFIX
from idp.relying_parties.purposes import PurposeItem

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.protocol.records import AuthorizationRequest
    from idp.relying_parties.purposes import Purpose

SENSITIVE = frozenset({"personal_number", "former_number", "phone_number"})
SHOWN_START, SHOWN_END = 3, 2


@dataclass(frozen=True, slots=True)
class ItemView:
    """One line of the page. `masked` stands in place of `value` until the citizen asks to see it.

    `told` tells that `value` is a sentence of ours and nothing of the person; `box`, that there is something to choose:
    what the register does not hold cannot be chosen.
    """

    claim: str
    name: str
    value: str
    masked: str | None
    told: bool
    box: bool
    labels: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def line(self) -> str:
        """All of it as plain text, without the person's value, for the record."""
        said = (self.name, *((self.value,) if self.told else ()), *self.labels, " ".join(self.reasons))
        return "- " + " · ".join(words for words in said if words)


@dataclass(frozen=True, slots=True)
class DetailView:
    """One matter (RFC 9396): its kind, the request in words, and label and value of what the sentence leaves out.

    Each piece of text comes with whether it is the relying party's own, in whatever language that is.
    """

    name: str
    pieces: tuple[tuple[str, bool], ...]
    beside: tuple[tuple[str, str, bool], ...]

    @property
    def lines(self) -> list[str]:
        """All of it as plain text, for the record."""
        sentence = "".join(text for text, _ in self.pieces)
        return [f"- {self.name} · {sentence}", *(f"{label}: {value}" for label, value, _ in self.beside)]


def detail_views(request: AuthorizationRequest) -> tuple[DetailView, ...]:
    """Return what a request asks for beyond data: in the words of the registry of types, and in no others."""
    if request.authorization_details is None:
        return ()
    types, language = _visit.services().provider.details_types.types, current_language()
    asked = [(types[one["type"]], one) for one in orjson.loads(request.authorization_details)]
    return tuple(
        DetailView(kind.name[language], kind.pieces(one, language=language), kind.beside(one, language=language))
        for kind, one in asked
    )


def _kind_name(item: str) -> str:
    """Return what kind of matter an item of the ledger was; one that the registry no longer knows keeps its id."""
    kind = item.split(":")[1]
    found = _visit.services().provider.details_types.types.get(kind)
    return kind if found is None else found.name[current_language()]


def item_name(claim: str) -> str:
    """Return how an item is called, in the page's language; of what was agreed in one matter, the kind of matter."""
    if claim.startswith(ITEM_PREFIX):
        return _kind_name(claim)
    names = {
        "name": _("Họ và tên"),
        "birthdate": _("Ngày sinh"),
        "gender": _("Giới tính"),
        "personal_number": _("Số định danh cá nhân"),
        "former_number": _("Số chứng minh nhân dân cũ"),
        "nationality": _("Quốc tịch"),
        "address": _("Địa chỉ thường trú"),
        "phone_number": _("Số điện thoại"),
        "email": _("Thư điện tử"),
        "account_level": _("Mức độ tài khoản"),
        OFFLINE: _("Dùng thông tin khi bạn không đăng nhập"),
    }
    return names.get(claim, claim)  # an old record may name what no purpose asks for any more


def _gender_text(value: Any) -> str:
    return {"male": _("Nam"), "female": _("Nữ")}.get(value, _("Khác"))


def _country_text(value: Any) -> str:
    return str(Locale.parse(current_language()).territories.get(value, value))


VALUE_TEXTS: dict[str, Callable[[Any], str]] = {
    "gender": _gender_text,
    "nationality": _country_text,
    "address": lambda value: str(value["formatted"]),
    "birthdate": lambda value: birth_date(str(value)),
    "phone_number": lambda value: phone_number(str(value)),
    "account_level": lambda value: _("Mức độ %(level)s") % {"level": value},
    OFFLINE: lambda _value: _("Đến khi bạn rút lại"),
}
"""How the value of a claim is written where it is not written as it is."""


def _value_text(claim: str, value: Any) -> str:
    """Return a claim's value as a citizen reads it, or that the register knows none."""
    return _("Chưa có trong cơ sở dữ liệu") if value is None else VALUE_TEXTS.get(claim, str)(value)


def masked(text: str) -> str:
    """Return a number with its middle hidden."""
    hidden = len(text) - SHOWN_START - SHOWN_END
    return text[:SHOWN_START] + "•" * hidden + text[-SHOWN_END:] if hidden > 0 else "•" * len(text)


def item_view(asked: PurposeItem, *, value: Any, choice: bool, tells_basis: bool) -> ItemView:
    """Return the line of an item; `choice` leaves it to the citizen where there is anything to send."""
    language, claim, by_law = current_language(), asked.claim, asked.basis == "law"
    told = _("Khi bạn dùng dịch vụ này, mục này được gửi theo luật, không dựa trên sự đồng ý của bạn.")
    law = (told,) if by_law else ()
    basis = (basis_line(asked),) if tells_basis else ()
    labels = (_("Theo luật") if by_law else None, _("Bắt buộc") if asked.required else None)
    return ItemView(
        claim=claim,
        name=item_name(claim),
        value=_value_text(claim, value),
        masked=masked(_value_text(claim, value)) if claim in SENSITIVE and value is not None else None,
        told=value is None or claim == OFFLINE,
        box=choice and value is not None,
        labels=tuple(label for label in labels if label),
        reasons=(asked.why[language], *law, *basis),
    )


def basis_line(asked: PurposeItem) -> str:
    """Return on which law an item rests, in the page's language."""
    return _("Căn cứ pháp lý:") + " " + asked.legal_basis[current_language()]


def offline_item(purpose: Purpose) -> PurposeItem:
    """Return what no purpose lists; it rests on what a purpose rests on where it asks, too."""
    language = current_language()
    same = (item.legal_basis[language] for item in purpose.items if item.legal_basis_id == OFFLINE_BASIS)
    return PurposeItem(
        claim=OFFLINE,
        required=False,
        basis="consent",
        legal_basis_id=OFFLINE_BASIS,
        legal_basis={language: next(same, _("Sự đồng ý của bạn"))},
        why={language: _("Để cổng cập nhật thông tin và hồ sơ cho bạn sau khi bạn rời trang.")},
    )
