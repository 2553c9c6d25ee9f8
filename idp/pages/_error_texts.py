"""ERROR_TEXTS: what every error page says, by the reason of the error: what happened and what can be done.

Texts are Vietnamese message ids; `_page.py` translates them. A `LoginError` is found by its `reason`, a `ProtocolError`
by its wire code, an HTTP error by its status. Nothing here tells whether a person is known. A script is told `what`
and `to_script`: where only scripts ask, `what` says what can be done as well.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorText:
    """One error in a citizen's words: the heading, one sentence, and what can be done, most useful first.

    `to_script` is a whole sentence: what can be done on the page whose script met the error, where `what` says nothing.
    """

    title: str
    what: str
    can_do: tuple[str, ...]
    to_script: str | None = None


def _(message: str) -> str:
    """Mark a text for the catalogue; it is translated when it is shown."""
    return message


_BACK = _("quay lại dịch vụ bạn đang dùng và bắt đầu lại")
_TRY_AGAIN = _("thử lại sau vài phút")
_TELL = _("mang mã sự việc bên dưới đến Trung tâm Phục vụ hành chính công gần nhất")
_TELL_PORTAL = _("báo cho đơn vị quản lý dịch vụ và đọc mã sự việc bên dưới")
_COUNTER = _("mang thẻ căn cước đến Trung tâm Phục vụ hành chính công gần nhất")

_PORTAL_FAULT = ErrorText(
    title=_("Dịch vụ gửi yêu cầu chưa đúng"),
    what=_("Dịch vụ bạn vừa dùng gửi cho chúng tôi một yêu cầu đăng nhập chưa đúng. Bạn không làm gì sai."),
    can_do=(_BACK, _TELL_PORTAL),
)
_REQUEST_GONE = ErrorText(
    title=_("Yêu cầu đăng nhập không còn hiệu lực"),
    what=_("Yêu cầu đã được dùng, hoặc đã quá lâu. Từ đây không có thông tin nào được gửi đi nữa."),
    can_do=(_BACK,),
)
_BROKEN = ErrorText(
    title=_("Có lỗi ở phía chúng tôi"),
    what=_("Việc bạn vừa làm chưa xong. Lỗi đã được ghi lại để chúng tôi sửa."),
    can_do=(_TRY_AGAIN, _TELL),
    to_script=_("Hãy thử lại sau vài phút."),
)
_TOO_MANY = ErrorText(
    title=_("Hãy đợi một lát"),
    what=_("Có quá nhiều yêu cầu từ nơi bạn đang kết nối. Tài khoản của bạn không bị khóa."),
    can_do=(_("thử lại sau"),),
)
_NO_PAGE = ErrorText(
    title=_("Không có trang này"),
    what=_("Địa chỉ có thể bị gõ nhầm, hoặc trang đã được chuyển đi."),
    can_do=(_("về trang chủ của Sen"), _("quay lại dịch vụ bạn đang dùng")),
)
_FORM = ErrorText(
    title=_("Trang này đã mở quá lâu"),
    what=_("Để giữ an toàn cho bạn, biểu mẫu vừa gửi không được nhận. Chưa có gì thay đổi."),
    can_do=(_("mở lại trang và làm lại một lần nữa"), _BACK),
    to_script=_("Hãy tải lại trang này rồi làm lại."),
)

ERROR_TEXTS: dict[str, ErrorText] = {
    "assertion_refused": ErrorText(
        title=_("Chưa đăng nhập được"),
        what=_("Khóa truy cập này chưa dùng được ở đây. Hãy thử lại, hoặc dùng khóa truy cập khác."),
        can_do=(_COUNTER,),
    ),
    "registration_refused": ErrorText(
        title=_("Chưa tạo được khóa truy cập"),
        what=_("Chưa tạo được khóa truy cập. Hãy thử lại, hoặc dùng thiết bị khác."),
        can_do=(_COUNTER,),
    ),
    "code_refused": ErrorText(
        title=_("Chưa kích hoạt được"),
        what=_("Bước trước đã hết hiệu lực. Hãy nhập lại số định danh và mã kích hoạt."),
        can_do=(_COUNTER,),
    ),
    "too_many_attempts": _TOO_MANY,
    "transaction_lost": ErrorText(
        title=_("Lần đăng nhập này đã kết thúc"),
        what=_(
            "Lần đăng nhập đã xong, đã quá lâu, hoặc bắt đầu ở trình duyệt khác. Hãy quay lại dịch vụ bạn đang dùng."
        ),
        can_do=(
            _("nếu dịch vụ chưa nhận ra bạn, bắt đầu lại từ dịch vụ đó"),
            _("xem tài khoản của bạn từ trang chủ của Sen"),
        ),
    ),
    "unreadable_text": ErrorText(
        title=_("Nội dung gửi lên không đọc được"),
        what=_("Nội dung gửi lên có ký tự không phải là chữ, nên không được nhận. Chưa có gì thay đổi."),
        can_do=(_("quay lại và tự gõ lại, không dán từ nơi khác"), _BACK),
    ),
    "form_expired": _FORM,
    "foreign_form": ErrorText(
        title=_("Biểu mẫu không đến từ Sen"),
        what=_("Một trang khác đã gửi biểu mẫu thay cho bạn, nên chúng tôi không nhận. Chưa có gì thay đổi."),
        can_do=(_("mở Sen bằng cách tự gõ địa chỉ"), _TELL),
    ),
    "invalid_request": _PORTAL_FAULT,
    "invalid_client": _PORTAL_FAULT,
    "unauthorized_client": ErrorText(
        title=_("Dịch vụ này chưa được phép dùng Sen"),
        what=_("Dịch vụ chưa được duyệt, hoặc đang bị tạm dừng. Chưa có thông tin nào được gửi đi."),
        can_do=(_("chỉ tiếp tục khi bạn tự mở dịch vụ đó"), _TELL_PORTAL),
    ),
    "invalid_request_uri": _REQUEST_GONE,
    "access_denied": ErrorText(
        title=_("Bạn không thể làm việc này"),
        what=_("Trang này dành cho người khác, hoặc cần đăng nhập lại."),
        can_do=(_("đăng nhập lại"), _BACK),
    ),
    "slow_down": _TOO_MANY,
    "server_error": _BROKEN,
    "temporarily_unavailable": ErrorText(
        title=_("Hệ thống tạm thời chưa trả lời"),
        what=_("Một phần của hệ thống chưa trả lời. Bạn có thể thử lại mà không mất gì."),
        can_do=(_TRY_AGAIN, _TELL),
    ),
    "404": _NO_PAGE,
    "405": _NO_PAGE,
    "413": ErrorText(
        title=_("Nội dung gửi lên quá lớn"),
        what=_("Trang này chỉ nhận vài dòng chữ. Chưa có gì thay đổi."),
        can_do=(_("quay lại và gửi ít hơn"),),
    ),
}
"""Literal; a reason that is not here is shown as a fault of the portal (4xx) or of ours (5xx)."""


def error_text(reason: str, *, status: int) -> ErrorText:
    """Return the text for a reason, else the one for what the status means."""
    first_server_error = 500
    fallback = _BROKEN if status >= first_server_error else _PORTAL_FAULT
    return ERROR_TEXTS.get(reason, ERROR_TEXTS.get(str(status), fallback))
