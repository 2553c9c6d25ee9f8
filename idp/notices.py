"""NOTICES: what a citizen is told of elsewhere than on our own pages, in which words, and as which security event.

A new way into an account, one that was taken away, one that may have been copied: who did not do it has to hear of it
where the other one does not look. None of them can be caused by a stranger, so nobody can have a citizen flooded.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from idp.audit.log import correlation
from idp.outbox import FORMER_CONTACT_NOTICE, NOTICE, Delivery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.audit.events import Event
    from keys import Sealer

TARGET = "gateway"
"""Who receives them all: the gateway of [notices], which is no relying party."""

CREDENTIAL_CHANGE = "https://schemas.openid.net/secevent/caep/event-type/credential-change"
CREDENTIAL_COMPROMISE = "https://schemas.openid.net/secevent/risc/event-type/credential-compromise"
RECOVERY_ACTIVATED = "https://schemas.openid.net/secevent/risc/event-type/recovery-activated"
IDENTIFIER_CHANGED = "https://schemas.openid.net/secevent/risc/event-type/identifier-changed"
FORMER_CONTACT = "FormerContact"
"""What goes to a telephone number or an address that the register names no more; no audit event is called so."""
FORMER_PURPOSE = "notice.former_contact"
INITIATORS = {"citizen": "user", "operator": "admin"}
"""Who did it, by the first word of an event's actor; everybody else is the system (CAEP 1.0 section 2)."""


@dataclass(frozen=True, slots=True)
class Notice:
    """The event, its members, and what to say in each language."""

    event: str
    vi: str
    en: str
    members: Mapping[str, str] = field(default_factory=dict)


NOTICES: dict[str, Notice] = {
    "CitizenActivated": Notice(
        CREDENTIAL_CHANGE,
        "Tài khoản của bạn đã được mở bằng mã kích hoạt.",
        "Your account was opened with an activation code.",
        {"credential_type": "passkey", "change_type": "create"},
    ),
    "PasskeyAdded": Notice(
        CREDENTIAL_CHANGE,
        "Tài khoản của bạn có thêm một khóa truy cập mới.",
        "Your account has a new passkey.",
        {"credential_type": "passkey", "change_type": "create"},
    ),
    "PasskeyEnded": Notice(
        CREDENTIAL_CHANGE,
        "Một khóa truy cập đã bị xóa khỏi tài khoản của bạn.",
        "A passkey was removed from your account.",
        {"credential_type": "passkey", "change_type": "revoke"},
    ),
    "PasskeyCounterWentBack": Notice(
        CREDENTIAL_COMPROMISE,
        "Một lần đăng nhập đã bị từ chối: khóa truy cập có dấu hiệu bị sao chép.",
        "A login was refused: the passkey may have been copied.",
        {"credential_type": "passkey"},
    ),
    "ActivationCodeIssued": Notice(
        RECOVERY_ACTIVATED,
        "Một mã kích hoạt đã được cấp cho tài khoản của bạn. Mã này mở được tài khoản trên thiết bị khác.",
        "An activation code was issued for your account. It opens the account on another device.",
    ),
    FORMER_CONTACT: Notice(
        IDENTIFIER_CHANGED,
        "Số điện thoại hoặc địa chỉ thư điện tử này đã bị xóa khỏi thông tin của bạn trong cơ sở dữ liệu dân cư."
        " Thông báo về tài khoản của bạn sẽ không được gửi đến đây nữa.",
        "This telephone number or e-mail address was removed from your record in the population register."
        " Messages about your account will not come here any more.",
    ),
}
"""By the type of the audit event, but for the last. Of one change citizens are told once, of what stands first here."""

ADVICE_VI = "Nếu không phải bạn, hãy mang thẻ căn cước đến Trung tâm Phục vụ hành chính công gần nhất."
ADVICE_EN = "If this was not you, take your ID card to the nearest public service centre."


MOST_AN_HOUR = 10
"""A citizen is not told more often: who holds a copied passkey could bury what matters, at the operator's cost."""


def deliveries(*events: Event) -> tuple[Delivery, ...]:
    """Return what is to be delivered because of one change: of each citizen one notice, or none.

    No personal data is in it.
    """
    told: dict[str, Event] = {}
    for name in reversed(NOTICES):
        told |= {event.citizen_id: event for event in events if type(event).__name__ == name and event.citizen_id}
    return tuple(_delivery(citizen_id, event) for citizen_id, event in told.items())


def _delivery(citizen_id: str, event: Event) -> Delivery:
    payload = {
        "citizen_id": citizen_id,
        "type": type(event).__name__,
        "initiator": INITIATORS.get(event.actor.partition(":")[0], "system"),
        "correlation": correlation.get(),
    }
    return Delivery(kind=NOTICE, target=TARGET, payload=payload)


def to_former_contacts(
    *, citizen_id: str, before: Mapping[str, str], after: Mapping[str, str], sealer: Sealer
) -> tuple[Delivery, ...]:
    """Return one delivery to each contact that a citizen had before a change and has no more, sealed to the citizen.

    Contacts are as in `Person.contacts`; an address in other capitals is no other one (RFC 5321 section 2.4 advises
    mailboxes against it). No limit holds here: the register alone can cause it, never a credential.
    """
    return tuple(
        _to_former(citizen_id, {"format": name, name: contact}, sealer=sealer)
        for name, contact in before.items()
        if after.get(name, "").lower() != contact.lower()
    )


def _to_former(citizen_id: str, subject: Mapping[str, str], *, sealer: Sealer) -> Delivery:
    sealed = sealer.seal(purpose=FORMER_PURPOSE, plaintext=orjson.dumps(subject), context=citizen_id.encode())
    payload = {
        "citizen_id": citizen_id,
        "type": FORMER_CONTACT,
        "initiator": "system",  # whoever imports a file or uses a code has not changed the register
        "correlation": correlation.get(),
        "former": b64encode(sealed).decode(),
    }
    return Delivery(kind=FORMER_CONTACT_NOTICE, target=TARGET, payload=payload)


def former_contact(*, payload: Mapping[str, str], sealer: Sealer) -> dict[str, str]:
    """Return the contact that a delivery goes to, as a subject identifier (RFC 9493).

    Raises:
        SealBroken: it was sealed to another citizen, or nothing here opens it.
    """
    sealed, citizen_id = b64decode(payload["former"]), payload["citizen_id"].encode()
    subject: dict[str, str] = orjson.loads(sealer.unseal(purpose=FORMER_PURPOSE, sealed=sealed, context=citizen_id))
    return subject
