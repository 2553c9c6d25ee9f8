"""NOTICES: what a citizen is told of elsewhere than on our own pages, in which words, and as which security event.

A new way into an account, one that was taken away, one that may have been copied: who did not do it has to hear of it
where the other one does not look. None of them can be caused by a stranger, so nobody can have a citizen flooded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from idp.audit.log import correlation
from idp.outbox import NOTICE, Delivery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.audit.events import Event

TARGET = "gateway"
"""Who receives them all: the gateway of [notices], which is no relying party."""

CREDENTIAL_CHANGE = "https://schemas.openid.net/secevent/caep/event-type/credential-change"
CREDENTIAL_COMPROMISE = "https://schemas.openid.net/secevent/risc/event-type/credential-compromise"
INITIATORS = {"citizen": "user", "operator": "admin"}
"""Who did it, by the first word of an event's actor; everybody else is the system (CAEP 1.0 section 2)."""


@dataclass(frozen=True, slots=True)
class Notice:
    """The event, its members beside the credential's type, and one sentence in each language."""

    event: str
    vi: str
    en: str
    members: Mapping[str, str] = field(default_factory=dict)


NOTICES: dict[str, Notice] = {
    "CitizenActivated": Notice(
        CREDENTIAL_CHANGE,
        "Tài khoản của bạn đã được mở bằng mã kích hoạt.",
        "Your account was opened with an activation code.",
        {"change_type": "create"},
    ),
    "PasskeyAdded": Notice(
        CREDENTIAL_CHANGE,
        "Tài khoản của bạn có thêm một khóa truy cập mới.",
        "Your account has a new passkey.",
        {"change_type": "create"},
    ),
    "PasskeyEnded": Notice(
        CREDENTIAL_CHANGE,
        "Một khóa truy cập đã bị xóa khỏi tài khoản của bạn.",
        "A passkey was removed from your account.",
        {"change_type": "revoke"},
    ),
    "PasskeyCounterWentBack": Notice(
        CREDENTIAL_COMPROMISE,
        "Một lần đăng nhập đã bị từ chối: khóa truy cập có dấu hiệu bị sao chép.",
        "A login was refused: the passkey may have been copied.",
    ),
}
"""By the type of the audit event. Of one change citizens are told once, of what stands first here."""

ADVICE_VI = "Nếu không phải bạn, hãy mang thẻ căn cước đến Trung tâm Phục vụ hành chính công gần nhất."
ADVICE_EN = "If this was not you, take your ID card to the nearest public service centre."


def deliveries(*events: Event) -> tuple[Delivery, ...]:
    """Return what is to be delivered because of one change: nothing, or one notice. No personal data is in it."""
    by_type = {type(event).__name__: event for event in events}
    told = next((name for name in NOTICES if name in by_type), None)
    if told is None:
        return ()
    event = by_type[told]
    payload = {
        "citizen_id": str(event.citizen_id),
        "type": told,
        "initiator": INITIATORS.get(event.actor.partition(":")[0], "system"),
        "correlation": correlation.get(),
    }
    return (Delivery(kind=NOTICE, target=TARGET, payload=payload),)
