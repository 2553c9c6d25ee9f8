"""The citizen's copy of one consent: a text to read or print, and a signed token that proves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal

from consent.record import ConsentItem, Standing  # noqa: TC001  annotations of public functions are read at run time

Language = Literal["vi", "en"]
Sign = Callable[[Mapping[str, object]], str]

VIETNAM_TIME = timezone(timedelta(hours=7))

WORDS: Mapping[Language, Mapping[str, str]] = {
    "vi": {
        "title": "Biên nhận đồng ý chia sẻ thông tin",
        "explained": "Giấy này ghi lại điều bạn đã đồng ý. Bạn có thể lưu, in hoặc đưa cho người cần kiểm tra.",
        "id": "Mã biên nhận",
        "recipient": "Bên nhận thông tin",
        "purpose": "Mục đích xử lý",
        "given_at": "Đồng ý lúc",
        "expires_at": "Có hiệu lực đến",
        "acr": "Mức độ xác thực khi đồng ý",
        "withdrawn_at": "Đã rút lại lúc",
        "granted": "Thông tin bạn đồng ý chia sẻ",
        "law": "Thông tin được chia sẻ theo quy định của pháp luật",
        "refused": "Thông tin bạn không đồng ý chia sẻ",
        "required": "bắt buộc",
        "optional": "tùy chọn",
        "legal_basis": "Căn cứ pháp lý",
        "none": "không có",
        "wording": "Nội dung đã hiển thị cho bạn",
        "signature": "Chữ ký số của nơi cấp biên nhận (JWS), dành cho người cần kiểm tra",
        "rights": "Bạn có thể rút lại sự đồng ý bất cứ lúc nào. Việc chia sẻ trước đó vẫn hợp pháp.",
        "time": "%d/%m/%Y %H:%M (giờ Việt Nam)",
    },
    "en": {
        "title": "Receipt for your consent to share information",
        "explained": "This records what you agreed to. You may keep it, print it, or show it to whoever must check it.",
        "id": "Receipt number",
        "recipient": "Who receives the information",
        "purpose": "Purpose of processing",
        "given_at": "Agreed at",
        "expires_at": "Valid until",
        "acr": "Authentication level when you agreed",
        "withdrawn_at": "Withdrawn at",
        "granted": "Information you agreed to share",
        "law": "Information shared because the law says so",
        "refused": "Information you did not agree to share",
        "required": "required",
        "optional": "optional",
        "legal_basis": "Legal basis",
        "none": "none",
        "wording": "What was shown to you",
        "signature": "Digital signature of the issuer (JWS), for whoever must check this receipt",
        "rights": "You may withdraw your consent at any time. Sharing before that remains lawful.",
        "time": "%Y-%m-%d %H:%M (Vietnam time)",
    },
}


@dataclass(frozen=True, slots=True)
class Names:
    """What the things in a consent are called in one language; a claim or basis without a name keeps its own."""

    language: Language
    recipient: str
    purpose: str
    claims: Mapping[str, str]
    bases: Mapping[str, str]
    acr: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the citizen takes home: `text` to read in one language, `token` to prove it."""

    language: Language
    text: str
    token: str

    @property
    def document(self) -> str:
        """Both halves in one text, to keep as a file."""
        return f"{self.text}\n\n{WORDS[self.language]['signature']}:\n{self.token}\n"


def receipt(*, standing: Standing, issuer: str, names: Names, sign: Sign) -> Receipt:
    """Build both halves of the citizen's copy; `sign` turns claims into a compact JWS."""
    return Receipt(
        language=names.language,
        text=readable(standing=standing, names=names),
        token=sign(receipt_claims(standing=standing, issuer=issuer)),
    )


def receipt_claims(*, standing: Standing, issuer: str) -> dict[str, object]:
    """Return what is signed: instants in seconds since 1970, no value of any claim, and no name of the citizen.

    `jti` is the consent's id, by which the ledger proves whose it is: our own id of a citizen would let two
    recipients compare. `valid_until` is not `exp`, because a receipt proves the past and must verify for years.
    """
    consent = standing.consent
    claims: dict[str, object] = {
        "iss": issuer,
        "jti": consent.id,
        "iat": _seconds(consent.given_at),
        "recipient": consent.recipient,
        "purpose": consent.purpose,
        "purpose_version": consent.purpose_version,
        "items": [_signed_item(item) for item in consent.items],
        "wording": {
            "language": consent.wording.language,
            "version": consent.wording.version,
            "sha256": consent.wording.sha256,
        },
        "acr": consent.acr,
        "valid_until": _seconds(consent.expires_at),
    }
    if consent.supersedes is not None:
        claims["supersedes"] = consent.supersedes
    if standing.withdrawal is not None:
        claims["withdrawn_at"] = _seconds(standing.withdrawal.at)
    return claims


def readable(*, standing: Standing, names: Names) -> str:
    """Return the receipt as plain text in one language, ending with the wording exactly as it was shown.

    A legal basis that all items share is told once.
    """
    words, consent = WORDS[names.language], standing.consent
    bases = {item.legal_basis for item in consent.items}
    facts = {
        "id": consent.id,
        "recipient": names.recipient,
        "purpose": names.purpose,
        "given_at": _local(consent.given_at, words),
        "expires_at": _local(consent.expires_at, words),
        "acr": names.acr,
    }
    if standing.withdrawal is not None:
        facts["withdrawn_at"] = _local(standing.withdrawal.at, words)
    if len(bases) == 1:
        facts["legal_basis"] = _basis(*bases, names=names)
    sections = {
        "granted": [item for item in consent.items if item.granted and item.basis == "consent"],
        "law": [item for item in consent.items if item.granted and item.basis == "law"],
        "refused": [item for item in consent.items if not item.granted],
    }
    lines = [words["title"], "", words["explained"], ""]
    lines += [f"{words[fact]}: {value}" for fact, value in facts.items()]
    for section, items in sections.items():
        if items or section != "law":
            lines += ["", f"{words[section]}:"]
            lines += [_line(item, names=names, alone=len(bases) == 1) for item in items] or [f"- {words['none']}"]
    lines += ["", words["rights"], "", f"{words['wording']}:", consent.wording.text]
    return "\n".join(lines)


def _line(item: ConsentItem, *, names: Names, alone: bool) -> str:
    """Write one item as a line; with its legal basis, unless there is one basis alone for all."""
    words = WORDS[names.language]
    need = words["required" if item.required else "optional"]
    name = names.claims.get(item.claim, item.claim)
    basis = "" if alone else f"; {words['legal_basis'].lower()}: {_basis(item.legal_basis, names=names)}"
    return f"- {name} ({need}{basis})"


def _basis(legal_basis: str, *, names: Names) -> str:
    """Return what a legal basis is called, without the full stop of a sentence."""
    return names.bases.get(legal_basis, legal_basis).removesuffix(".")


def _signed_item(item: ConsentItem) -> dict[str, object]:
    """Write one item as JSON."""
    return {
        "claim": item.claim,
        "required": item.required,
        "granted": item.granted,
        "basis": item.basis,
        "legal_basis": item.legal_basis,
    }


def _seconds(instant: datetime) -> int:
    """Return whole seconds since 1970 (`NumericDate`, RFC 7519 section 2)."""
    return int(instant.timestamp())


def _local(instant: datetime, words: Mapping[str, str]) -> str:
    """Write an instant as a citizen reads it: Vietnam has one offset and no summer time."""
    return instant.astimezone(VIETNAM_TIME).strftime(words["time"])
