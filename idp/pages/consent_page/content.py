"""Every sentence of the consent page, and the wording made of the same sentences that is recorded, without values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from markupsafe import Markup

from consent import Wording
from idp import clock
from idp.pages._words import current_language
from idp.pages._words import gettext as _
from idp.pages.consent_page.items import basis_line, item_view, offline_item
from idp.protocol.claims import values
from idp.protocol.interaction import OFFLINE, WORDING_VERSION
from idp.relying_parties.authorization_details import ITEM_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from consent import Asked, ConsentItem, Decision
    from idp.pages._portal import PortalView
    from idp.pages.consent_page.items import DetailView, ItemView
    from idp.protocol.claims import Known
    from idp.relying_parties.purposes import Purpose, PurposeItem


@dataclass(frozen=True, slots=True)
class Section:
    """Items under one heading, with a sentence about all of them or none."""

    heading: str
    note: str | None
    items: tuple[ItemView, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """Every sentence of one consent page, in the order of the page; the template adds none about the consent.

    `legal_basis` is that of all that is asked now, told once; None where they differ, and each tells its own.
    """

    portal: PortalView
    heading: str
    question: str
    purpose: Markup
    legal_basis: str | None
    details_heading: str
    details: tuple[DetailView, ...]
    sections: tuple[Section, ...]
    duration_heading: str
    duration: Markup
    limits: str
    refusal: str
    withdrawal: str
    rights_heading: str
    rights: str

    @property
    def offered(self) -> frozenset[str]:
        """The claims that have a box."""
        return frozenset(item.claim for section in self.sections for item in section.items if item.box)


def content_of(
    *, decision: Decision, portal: PortalView, known: Known, purpose: Purpose, details: tuple[DetailView, ...] = ()
) -> Content:
    """Return every sentence of the page, in its language."""
    language, question = current_language(), _("Bạn có đồng ý chia sẻ thông tin này?")
    listed = {OFFLINE: offline_item(purpose)} | {item.claim: item for item in purpose.items}
    bases = {basis_line(listed[claim]) for claim in _data(decision.new_items)}
    sections = _sections(decision=decision, listed=listed, known=known, tells_basis=len(bases) > 1)
    return Content(
        portal=portal,
        heading=_headings().get(decision.reason, question),
        question=question,
        purpose=_marked(_("Để dùng: <strong>%(name)s</strong>. %(text)s"))
        % {"name": purpose.name[language], "text": purpose.purpose[language]},
        legal_basis=next(iter(bases)) if len(bases) == 1 else None,
        details_heading=_("Việc bạn được đề nghị đồng ý"),
        details=details,
        sections=sections,
        duration_heading=_("Trong bao lâu"),
        duration=_marked(_("Đến <strong>%(until)s</strong>, nhiều nhất là một năm. Sau đó chúng tôi hỏi lại bạn.")),
        limits=_limits(sections),
        refusal=_("Nếu bạn không đồng ý, không có thông tin nào được gửi và bạn quay lại cổng."),
        withdrawal=_("Bạn có thể rút lại bất cứ lúc nào. Việc đã làm trước đó vẫn hợp lệ."),
        rights_heading=_("Quyền của bạn với dữ liệu này"),
        rights=_(
            "%(owner)s là bên kiểm soát dữ liệu sau khi nhận. Bạn có quyền xem, chỉnh sửa, xóa dữ liệu, hạn chế hoặc "
            "phản đối xử lý, và khiếu nại."
        )
        % {"owner": portal.owner},
    )


def _headings() -> dict[str | None, str]:
    """Return what stands above the question, by the reason for asking; nothing stands there the first time."""
    return {
        "new": _("Dịch vụ cần thêm thông tin"),
        "expired": _("Thời hạn bạn đồng ý đã hết"),
        "changed": _("Cách dùng thông tin của bạn đã thay đổi"),
        "withdrawn": _("Bạn đã rút lại sự đồng ý trước đây"),
    }


def _marked(text: str) -> Markup:
    """Return a text of our catalogue as what it is; what is filled into it is escaped."""
    return Markup(text)  # noqa: S704  a text of our catalogue


def _sections(
    *, decision: Decision, listed: Mapping[str, PurposeItem], known: Known, tells_basis: bool
) -> tuple[Section, ...]:
    """Return the items under their headings: what is needed, what may be chosen, what was agreed to before."""
    new, kept = _data(decision.new_items), _data(decision.known_items)
    found = {**values(known=known, names=[*new, *kept]), OFFLINE: True}

    def views(claims: list[str], *, choice: bool = False) -> tuple[ItemView, ...]:
        return tuple(
            item_view(listed[claim], value=found.get(claim), choice=choice, tells_basis=tells_basis) for claim in claims
        )

    sections = (
        Section(_("Cần cho dịch vụ này"), None, views([claim for claim in new if listed[claim].required])),
        Section(
            _("Tùy bạn chọn"),
            _("Dù không chọn mục nào, bạn vẫn dùng được dịch vụ."),
            views([claim for claim in new if not listed[claim].required], choice=True),
        ),
        Section(_("Bạn đã đồng ý trước đây"), None, tuple(replace(view, reasons=()) for view in views(kept))),
    )
    told = tuple(section for section in sections if section.items)
    return told or (Section(_("Cần cho dịch vụ này"), only_identifier(), ()),)


def only_identifier() -> str:
    """Return what a portal gets that asks for no data."""
    return _("Một mã riêng để dịch vụ này nhận ra bạn; không có tên, không có số định danh.")


def _limits(sections: tuple[Section, ...]) -> str:
    """Return what is sent of all that stands above: not what has a box that stays empty."""
    if any(item.box for section in sections for item in section.items):
        return _("Chỉ các mục bắt buộc và các mục bạn đã chọn được gửi đi, chỉ cho mục đích này.")
    return _("Chỉ những mục trên được gửi đi, chỉ cho mục đích này.")


def _data(items: Iterable[Asked | ConsentItem]) -> list[str]:
    """Return the claims of the items that are no matter of one request."""
    return [item.claim for item in items if not item.claim.startswith(ITEM_PREFIX)]


def end_of(decision: Decision) -> datetime:
    """Return until when the new record will hold: no longer than what it builds upon."""
    end = clock.now() + decision.demand.lifetime
    if decision.carried and decision.standing is not None:
        return min(end, decision.standing.consent.expires_at)
    return end


def wording_of(content: Content) -> Wording:
    """Return the exact text of the page without a person's values, for the record.

    The day until which it holds is left out: the record has it as a fact, and one wording is kept once for all.
    """
    portal, duration = content.portal, (content.duration % {"until": "…"}).striptags()
    question = content.question if content.question != content.heading else None
    parts: list[list[str | None]] = [
        [portal.name, portal.owner_words, portal.uri, portal.warning],
        [content.heading, question, content.purpose.striptags(), content.legal_basis],
        *([one.heading, one.note, *(item.line for item in one.items)] for one in content.sections),
        [content.duration_heading, duration, content.limits],
        [content.refusal, content.withdrawal],
        [content.rights_heading, content.rights],
    ]
    if content.details:
        parts.insert(2, [content.details_heading, *(line for detail in content.details for line in detail.lines)])
    text = "\n\n".join("\n".join(line for line in part if line) for part in parts)
    return Wording(language=current_language(), version=WORDING_VERSION, text=text)
