"""What a consent page says, as its view would give it, and the portals that ask."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

PORTAL = {
    "name": "Cổng Dịch vụ công quốc gia",
    "owner": "Trung tâm Dữ liệu quốc gia",
    "owner_words": "Đơn vị đã được xác minh: Trung tâm Dữ liệu quốc gia",
    "uri": "dichvucong.example.vn",
    "policy_uri": "https://dichvucong.example.vn/chinh-sach",
    "tos_uri": "https://dichvucong.example.vn/dieu-khoan",
    "verified": True,
    "sandbox": False,
    "warning": None,
}
SANDBOX = PORTAL | {
    "name": "Cổng thử",
    "sandbox": True,
    "warning": "Cổng thử nghiệm: chỉ dùng số liệu giả.",
    "uri": None,
}
UNVERIFIED = PORTAL | {"verified": False, "owner_words": "Đơn vị chưa được xác minh: Trung tâm Dữ liệu quốc gia"}


def item(claim: str, name: str, value: str, **more: Any) -> dict[str, Any]:
    """Return one line of a consent page."""
    reasons = ("Để ghi đúng trên hồ sơ.", "Căn cứ pháp lý: Sự đồng ý của bạn.")
    plain: dict[str, Any] = {"masked": None, "box": False, "labels": ("Bắt buộc",), "reasons": reasons}
    return {"claim": claim, "name": name, "value": value} | plain | more


NUMBER = item(
    "personal_number",
    "Số định danh cá nhân",
    "099305000017",
    masked="099•••••••17",
    labels=("Theo luật", "Bắt buộc"),
    reasons=("Để tìm đúng hồ sơ.", "Được gửi theo luật.", "Căn cứ pháp lý: Nhiệm vụ."),
)
CHOICE: dict[str, Any] = {"box": True, "labels": ()}
ADDRESS = "Số 1 phố Thử Nghiệm, phường Cửa Nam, Hà Nội"
NEEDED = {
    "heading": "Cần cho dịch vụ này",
    "note": None,
    "items": (item("name", "Họ và tên", "Nguyễn Thị An"), item("birthdate", "Ngày sinh", "14/02/2005"), NUMBER),
}
CHOSEN = {
    "heading": "Tùy bạn chọn",
    "note": "Dù không chọn mục nào, bạn vẫn dùng được dịch vụ.",
    "items": (
        item("phone_number", "Số điện thoại", "0900000482", masked="090•••••82", **CHOICE),
        item("address", "Địa chỉ thường trú", ADDRESS, **CHOICE),
        item("email", "Thư điện tử", "Chưa có trong cơ sở dữ liệu", labels=()),
    ),
}
KNOWN = {"heading": "Bạn đã đồng ý trước đây", "note": None, "items": (NUMBER | {"reasons": ()},)}
CONTENT: dict[str, Any] = {
    "portal": PORTAL,
    "heading": "Bạn có đồng ý chia sẻ thông tin này?",
    "question": "Bạn có đồng ý chia sẻ thông tin này?",
    "purpose": Markup("Để dùng: <strong>Đổi giấy phép lái xe</strong>. Để cơ quan cấp giấy phép xử lý hồ sơ của bạn."),
    "legal_basis": None,
    "details_heading": "Việc bạn được đề nghị đồng ý",
    "details": (),
    "sections": (NEEDED, CHOSEN),
    "duration_heading": "Trong bao lâu",
    "duration": Markup("Đến <strong>%(until)s</strong>, nhiều nhất là một năm. Sau đó chúng tôi hỏi lại bạn."),
    "limits": "Chỉ những mục trên được gửi đi, chỉ cho mục đích này.",
    "refusal": "Nếu bạn không đồng ý, không có thông tin nào được gửi và bạn quay lại cổng.",
    "withdrawal": "Bạn có thể rút lại bất cứ lúc nào. Việc đã làm trước đó vẫn hợp lệ.",
    "rights_heading": "Quyền của bạn với dữ liệu này",
    "rights": "Trung tâm Dữ liệu quốc gia là bên kiểm soát dữ liệu sau khi nhận. Bạn có quyền xem và khiếu nại.",
}
NEW = {"heading": "Dịch vụ cần thêm thông tin", "portal": SANDBOX, "sections": (CHOSEN, KNOWN)}
