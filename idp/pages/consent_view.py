"""What the consent page says: items with their values, and the exact wording that is recorded without them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from babel import Locale

from consent import Wording
from idp import clock
from idp.pages import _visit
from idp.pages._words import current_language
from idp.pages._words import gettext as _
from idp.pages.languages import birth_date
from idp.protocol.claims import values
from idp.protocol.interaction import OFFLINE, OFFLINE_BASIS, WORDING_VERSION
from idp.relying_parties.authorization_details import ITEM_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from consent import Asked, ConsentItem, Decision
    from idp.protocol.claims import Known
    from idp.protocol.records import AuthorizationRequest
    from idp.relying_parties.client import RelyingParty
    from idp.relying_parties.purposes import Purpose

SENSITIVE = frozenset({"personal_number", "former_number", "phone_number"})
SHOWN_START, SHOWN_END = 3, 2


@dataclass(frozen=True, slots=True)
class ItemView:
    """One line of the page. `masked` stands in place of `value` until the citizen asks to see it.

    `held` tells whether there is anything to send: what the register does not hold cannot be chosen.
    """

    claim: str
    name: str
    value: str
    masked: str | None
    held: bool
    required: bool
    basis: str
    legal_basis: str
    why: str


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
        return [f"{self.name} · {sentence}", *(f"{label} · {value}" for label, value, _ in self.beside)]


@dataclass(frozen=True, slots=True)
class Content:
    """What one consent page asks for, which no other page need ask for.

    `legal_basis` is that of all `new_items`, told once; None where they differ, and each tells its own.
    """

    purpose_name: str
    purpose_text: str
    new_items: tuple[ItemView, ...]
    known_items: tuple[ItemView, ...]
    legal_basis: str | None
    details: tuple[DetailView, ...]

    @property
    def out_of_reach(self) -> frozenset[str]:
        """The claims that have no box although they are optional."""
        return frozenset(item.claim for item in self.new_items if not item.required and not item.held)


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
    "account_level": lambda value: _("Mức độ %(level)s") % {"level": value},
}
"""How the value of a claim is written where it is not written as it is."""


def _value_text(claim: str, value: Any) -> str:
    """Return a claim's value as a citizen reads it, or that the register knows none."""
    return _not_held() if value is None else VALUE_TEXTS.get(claim, str)(value)


def _not_held() -> str:
    return _("Chưa có trong cơ sở dữ liệu")


def masked(text: str) -> str:
    """Return a number with its middle hidden."""
    hidden = len(text) - SHOWN_START - SHOWN_END
    return text[:SHOWN_START] + "•" * hidden + text[-SHOWN_END:] if hidden > 0 else "•" * len(text)


def _item_view(*, claim: str, purpose: Purpose, value: Any) -> ItemView:
    language = current_language()
    item = next((item for item in purpose.items if item.claim == claim), None)
    if item is None:
        return _offline_view(claim, purpose=purpose)
    text = _value_text(claim, value)
    return ItemView(
        claim=claim,
        name=item_name(claim),
        value=text,
        masked=masked(text) if claim in SENSITIVE and value is not None else None,
        held=value is not None,
        required=item.required,
        basis=item.basis,
        legal_basis=item.legal_basis[language],
        why=item.why[language],
    )


def _offline_view(claim: str, *, purpose: Purpose) -> ItemView:
    """Return the line of what no purpose lists; it rests on what a purpose rests on where it asks, too."""
    language = current_language()
    same = (item.legal_basis[language] for item in purpose.items if item.legal_basis_id == OFFLINE_BASIS)
    return ItemView(
        claim=claim,
        name=item_name(claim),
        value=_("Đến khi bạn rút lại"),
        masked=None,
        held=True,
        required=False,
        basis="consent",
        legal_basis=next(same, _("Sự đồng ý của bạn")),
        why=_("Để cổng cập nhật thông tin và hồ sơ cho bạn sau khi bạn rời trang."),
    )


def content_of(*, decision: Decision, known: Known, purpose: Purpose, details: tuple[DetailView, ...] = ()) -> Content:
    """Return what a page asks for, in its language: the purpose, new and known items, and matters."""
    new, kept = _data(decision.new_items), _data(decision.known_items)
    found = values(known=known, names=[*new, *kept])
    language = current_language()

    def views(claims: list[str]) -> tuple[ItemView, ...]:
        return tuple(_item_view(claim=claim, purpose=purpose, value=found.get(claim)) for claim in claims)

    asked = views(new)
    bases = {item.legal_basis for item in asked}
    return Content(
        purpose_name=purpose.name[language],
        purpose_text=purpose.purpose[language],
        new_items=asked,
        known_items=views(kept),
        legal_basis=bases.pop() if len(bases) == 1 else None,
        details=details,
    )


def _data(items: Iterable[Asked | ConsentItem]) -> list[str]:
    """Return the claims of the items that are no matter of one request."""
    return [item.claim for item in items if not item.claim.startswith(ITEM_PREFIX)]


def end_of(decision: Decision) -> datetime:
    """Return until when the new record will hold: no longer than what it builds upon."""
    end = clock.now() + decision.demand.lifetime
    if decision.carried and decision.standing is not None:
        return min(end, decision.standing.consent.expires_at)
    return end


def wording_of(*, client: RelyingParty, content: Content) -> Wording:
    """Return the exact text of the page without a person's values, for the record."""
    language = current_language()
    lines = [
        client.text(client.name, language),
        client.text(client.owner, language),
        _("Bạn có đồng ý chia sẻ thông tin này?"),
        content.purpose_name,
        content.purpose_text,
    ]
    if content.legal_basis:
        lines.append(_("Căn cứ pháp lý:") + " " + content.legal_basis)
    for detail in content.details:
        lines += detail.lines
    for item in content.new_items:
        words = [item.name, _choice(item), item.why]
        lines.append(" · ".join(words if content.legal_basis else [*words, item.legal_basis]))
    lines += [f"{item.name} · " + _("Bạn đã đồng ý trước đây") for item in content.known_items]
    lines += [
        _("Chỉ những mục trên được gửi đi, chỉ cho mục đích này."),
        _("Nếu bạn không đồng ý, không có thông tin nào được gửi và bạn quay lại cổng."),
        _("Bạn có thể rút lại bất cứ lúc nào. Việc đã làm trước đó vẫn hợp lệ."),
    ]
    return Wording(language=language, version=WORDING_VERSION, text="\n".join(lines))


def _choice(item: ItemView) -> str:
    """Return what the page leaves to the citizen about an item."""
    if item.required:
        return _("Bắt buộc")
    return _("Tùy bạn chọn") if item.held else _not_held()
