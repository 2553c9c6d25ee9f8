"""Every page as it could be seen: its template and a context as a view would give it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from idp.pages._error_texts import ERROR_TEXTS
from tests.unit.pages.consent_samples import CONTENT, NEW, PORTAL, SANDBOX, UNVERIFIED

SESSION = {"session_idle_seconds": 900, "stay_url": "/session/stay"}
CEREMONY = {"options_url": "/options", "verify_url": "/verify", "tx": "transaction"}
LOGIN = CEREMONY | {
    "portal": PORTAL,
    "reason": "first",
    "errors": {},
    "number": "",
    "number_url": "/login/number",
    "back_url": "/login/back",
    "activate_url": "/activate?tx=transaction",
}


CONSENT: dict[str, Any] = SESSION | {
    "content": CONTENT,
    "until": "22/11/2027",
    "consent_url": "/consent",
    "shown": "fingerprint",
    "tx": "transaction",
}
LEVEL = {"level": "mức độ xác thực 3", "needs": "khóa bảo mật chỉ mở bằng vân tay."}
ANSWERS = ("approved", "refused", "level")
WAITS = {"portal": PORTAL, "until": "10:07"}
NOTHING_WAITS = {
    "approval": None,
    "state_url": "/account/approvals/state",
}
CONFIRM: dict[str, Any] = SESSION | {
    "portal": PORTAL,
    "tx": "transaction",
    "choices": ("BCDF-GHJK", "LMNP-QRST", "VWXZ-BCDF"),
    "message": "BCDF-GHJK",
    "purpose_name": "Đổi giấy phép lái xe",
    "purpose_text": "Để cơ quan cấp giấy phép xử lý hồ sơ của bạn.",
    "item_names": ["Họ và tên", "Ngày sinh"],
    "details": [
        {"name": "Nộp hồ sơ", "pieces": (("Nộp hồ sơ ", False), ("12", True)), "beside": (("Nơi nhận", "Xã", False),)}
    ],
    "confirm_url": "/confirm",
    "blocked_hours": 24,
}
PASSKEYS = [
    {
        "id": "1",
        "name": "Điện thoại của An",
        "created": "22/11/2026",
        "last_used": "22/11/2026 10:04",
        "this_session": True,
    },
    {"id": "2", "name": "<b>Khóa</b> bảo mật", "created": "01/02/2026", "last_used": None, "this_session": False},
]
SERVICE = {
    "id": "1",
    "portal": "Cổng Dịch vụ công quốc gia",
    "purpose": "Đổi giấy phép lái xe",
    "items": ("Họ và tên", "Ngày sinh"),
    "since": "22/11/2026",
    "until": "22/11/2027",
    "open_url": "/login/initiate?iss=https%3A%2F%2Fsen.example.vn",
}
PAST = {"id": "2", "portal": "Cổng hai", "purpose": "Nộp thuế", "ended": "20/11/2026"}
WORDING = {"language": "vi", "text": "Bạn có đồng ý?\nHọ và tên"}
RECEIPT = {"title": "Biên nhận", "text": "Cổng một", "wording": WORDING, "file_url": "/file", "back_url": "/back"}
SERVICE_URLS = {"withdraw_url": "/withdraw", "receipt_url": "/receipt"}
SESSIONS = [
    {"id": "1", "since": "22/11/2026 10:04", "level": "Mức độ 2", "passkey": "Điện thoại của An", "current": True},
    {"id": "2", "since": "20/11/2026 08:30", "level": "Mức độ 3", "passkey": "", "current": False},
]
LINES = [
    {
        "time": "10:04",
        "sentence": "Đã đăng nhập",
        "portal": "Cổng Dịch vụ công",
        "service": "Đổi giấy phép lái xe",
        "level": "Mức độ 2",
        "code": "H7K-2Q9-4M",
    },
    {
        "time": "10:02",
        "sentence": "Đã tạo khóa truy cập mới",
        "portal": None,
        "service": None,
        "level": None,
        "code": "H7K-2Q8-3P",
    },
]
ERROR = {"incident": "H7K-2Q9-4M", "at": datetime(2026, 11, 22, 3, 4, tzinfo=UTC), "wait_minutes": None}
WAY_BACK = {"way_back": "http://localhost:8001/", "portal": "Cổng Dịch vụ công"}
NO_WAY_BACK = {"way_back": None, "portal": None}


@dataclass(frozen=True, slots=True)
class Sample:
    """A page: a name for the report, its template, and what a view gives it."""

    name: str
    template: str
    context: MappingProxyType[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def sample(name: str, template: str, *contexts: dict[str, Any]) -> Sample:
    """Return a sample of the merged contexts."""
    merged: dict[str, Any] = {}
    for context in contexts:
        merged |= context
    return Sample(name, template, MappingProxyType(merged))


REGISTER = {
    "portal": None,
    "tx": "transaction",
    "again_url": "/activate",
    "register": "Cơ sở dữ liệu quốc gia về dân cư",
}
START: dict[str, Any] = {
    "portal": None,
    "tx": "transaction",
    "errors": {},
    "number": "",
    "activate_url": "/activate",
    "login_url": "/login",
}
WRONG = {"number": "Số định danh cá nhân có 12 chữ số.", "code": "Mã kích hoạt có 14 ký tự."}
LOGOUT = {"confirm_url": "/logout/confirm", "stay_url_after": "/account", "asked": "sealed"}
PORTALS = [{"id": "1", "name": "Cổng một"}, {"id": "2", "name": "<i>Cổng hai</i>"}]
NO_FRAMES: dict[str, Any] = {"frames": (), "goes_on_after": None}
FRAMES: dict[str, Any] = {"frames": ("about:blank",), "goes_on_after": None}

SAMPLES = (
    sample("home", "home.html", {"logged_in": False}),
    sample("home-inside", "home.html", SESSION, {"logged_in": True}),
    sample("help", "help.html", {"login_url": "/login", "activate_url": "/activate"}),
    sample("login", "login/passkey.html", LOGIN),
    sample("login-account", "login/passkey.html", LOGIN, {"portal": None, "reason": "fresh"}),
    sample("login-wrong", "login/passkey.html", LOGIN, {"portal": UNVERIFIED, "errors": WRONG, "number": "12<3"}),
    sample("login-level", "login/passkey.html", LOGIN, {"reason": "level", **LEVEL, "portal": SANDBOX}),
    sample(
        "login-number",
        "login/number.html",
        LOGIN,
        {"masked_number": "099•••••••17", "sealed_number": "x", "other_number_url": "/login"},
    ),
    sample("activate", "activate/start.html", START),
    sample("activate-wrong", "activate/start.html", START, {"errors": WRONG, "number": "123", "portal": PORTAL}),
    sample("register-unavailable", "activate/register.html", REGISTER, {"answer": "unavailable"}),
    sample("register-no-match", "activate/register.html", REGISTER, {"answer": "does_not_match"}),
    sample("register-not-found", "activate/register.html", REGISTER, {"answer": "not_found", "portal": PORTAL}),
    *(
        sample(f"account-{answer}", "activate/account.html", REGISTER, {"answer": answer, "login_url": "/login"})
        for answer in ("level", "suspended", "ended", "person", "number")
    ),
    sample("activate-passkey", "activate/passkey.html", CEREMONY, {"portal": None, "suggested_name": "Điện thoại"}),
    sample(
        "activate-second",
        "activate/second.html",
        CEREMONY,
        SESSION,
        {"portal": PORTAL, "suggested_name": "Khóa thứ hai", "next_url": "/continue"},
    ),
    sample("consent", "consent.html", CONSENT),
    sample(
        "consent-one-basis",
        "consent.html",
        CONSENT,
        {"content": CONTENT | {"legal_basis": "Căn cứ pháp lý: Sự đồng ý của bạn."}},
    ),
    sample("consent-new", "consent.html", CONSENT, {"content": CONTENT | NEW}),
    sample(
        "account",
        "account/index.html",
        SESSION,
        {"name": "Nguyễn Thị An", "level": "Mức độ 2", "account_level": "Mức độ 02", "passkey_count": 1, "news": []},
        NOTHING_WAITS,
    ),
    sample(
        "account-news",
        "account/index.html",
        SESSION,
        {"name": "Nguyễn Thị An", "level": "Mức độ 2", "account_level": "Mức độ 02", "passkey_count": 2},
        {"news": ["22/11/2026 10:04: Đã tạo khóa truy cập mới"]},
        NOTHING_WAITS,
    ),
    sample(
        "account-request-waits",
        "account/index.html",
        SESSION,
        {"name": "Nguyễn Thị An", "level": "Mức độ 2", "account_level": "Mức độ 02", "passkey_count": 2, "news": []},
        NOTHING_WAITS | {"approval": WAITS},
    ),
    sample("device-code", "device/code.html", {"code": "", "errors": {}, "device_url": "/device"}),
    sample(
        "device-code-wrong", "device/code.html", {"code": "abc", "errors": {"code": "Sai."}, "device_url": "/device"}
    ),
    sample("device-confirm", "device/confirm.html", CONFIRM),
    *(sample(f"device-{answer}", "device/done.html", {"answer": answer}) for answer in ANSWERS),
    sample(
        "approvals", "approvals/list.html", SESSION, {"approval": WAITS, "open_url": "/open", "state_url": "/state"}
    ),
    sample(
        "approvals-none", "approvals/list.html", SESSION, {"approval": None, "open_url": "/open", "state_url": "/state"}
    ),
    sample("approvals-confirm", "approvals/confirm.html", CONFIRM, {"message": "47", "choices": ("12", "47", "93")}),
    sample("approvals-confirm-message", "approvals/confirm.html", CONFIRM, {"choices": (), "message": "Hồ sơ 12"}),
    sample("approvals-confirm-silent", "approvals/confirm.html", CONFIRM, {"choices": (), "message": None}),
    *(sample(f"approvals-{answer}", "approvals/done.html", {"answer": answer}) for answer in ANSWERS),
    sample(
        "passkeys",
        "account/passkeys.html",
        CEREMONY,
        SESSION,
        {"passkeys": PASSKEYS, "rename_url": "/rename", "remove_url": "/remove", "suggested_name": "Điện thoại"},
        {"done": "removed"},
    ),
    sample(
        "passkey-remove",
        "account/passkey_remove.html",
        SESSION,
        {"passkey": PASSKEYS[0], "others": PASSKEYS[1:], "remove_url": "/remove", "back_url": "/back"},
    ),
    sample(
        "passkey-last",
        "account/passkey_remove.html",
        SESSION,
        {"passkey": PASSKEYS[0], "others": [], "remove_url": "/remove", "back_url": "/back"},
    ),
    sample(
        "services",
        "account/services.html",
        SESSION,
        {"services": [SERVICE], "past": [PAST], **SERVICE_URLS, "done": "withdrawn"},
    ),
    sample("services-none", "account/services.html", SESSION, {"services": [], "past": [], **SERVICE_URLS}),
    sample("receipt", "account/receipt.html", SESSION, RECEIPT),
    sample(
        "withdraw",
        "account/withdraw.html",
        SESSION,
        {"service": SERVICE, "withdraw_url": "/withdraw", "back_url": "/back"},
    ),
    sample("sessions", "account/sessions.html", SESSION, {"sessions": SESSIONS, "end_url": "/end", "done": "ended"}),
    sample(
        "activity", "account/activity.html", SESSION, {"days": [{"day": "22/11/2026", "lines": LINES}], "most": 100}
    ),
    sample("activity-none", "account/activity.html", SESSION, {"days": [], "most": 100}),
    sample(
        "logout",
        "logout/confirm.html",
        LOGOUT,
        {"portals": PORTALS, "portal": "Cổng một"},
    ),
    sample("logout-alone", "logout/confirm.html", LOGOUT, {"portals": [], "portal": None}),
    sample("logged-out", "logout/done.html", WAY_BACK, NO_FRAMES),
    sample("logged-out-told", "logout/done.html", WAY_BACK, FRAMES),
    sample("logged-out-alone", "logout/done.html", NO_WAY_BACK, NO_FRAMES),
    sample("left", "logout/left.html", WAY_BACK, FRAMES, {"again_url": "/logout?asked=sealed"}),
    sample("left-alone", "logout/left.html", WAY_BACK, NO_FRAMES, {"way_back": None, "again_url": "/logout?asked=x"}),
    *(
        sample(
            f"error-{reason}", "errors/error.html", ERROR, {"text": text}, WAY_BACK if len(reason) % 2 else NO_WAY_BACK
        )
        for reason, text in ERROR_TEXTS.items()
    ),
    sample(
        "error-wait",
        "errors/error.html",
        ERROR,
        NO_WAY_BACK,
        {"text": ERROR_TEXTS["too_many_attempts"], "wait_minutes": 15},
    ),
)
