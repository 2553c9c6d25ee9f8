"""Texts of `sen demo`: Vietnamese first, English second, both complete."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path  # noqa: TC003  dataclass fields are read at run time
from typing import TYPE_CHECKING

from idp.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idp.cli.demo_people import TestCitizen

VIETNAMESE = """\
Sen đang chạy.

  1. Mở {portal} trong trình duyệt và bấm “Đăng nhập”.
  2. Chọn kích hoạt tài khoản, rồi nhập số định danh cá nhân và mã kích hoạt của một công dân thử nghiệm:

{people}

  3. Tạo khóa truy cập (passkey), xem cổng xin những thông tin gì và vì sao, rồi đồng ý.

  Trang đăng nhập:   {issuer}
  Dữ liệu:           {folder}
  Nhật ký:           {folder}/sen.log
  Dừng:              Ctrl-C
{papers}
Đây là những người không có thật. Chế độ này chỉ để dùng thử trên máy của bạn, không dùng để vận hành.
"""

ENGLISH = """\
Sen is running.

  1. Open {portal} in a browser and click “Log in”.
  2. Choose to activate an account, and enter the personal number and activation code of a test citizen:

{people}

  3. Create a passkey, read what the portal asks for and why, and agree.

  Login page:   {issuer}
  Data:         {folder}
  Log:          {folder}/sen.log
  Stop:         Ctrl-C
{papers}
These people do not exist. This mode is for trying Sen on your own machine, not for service.
"""

PAPERS = {
    "vi": """
  Chứng thư gốc để trình duyệt và bên sử dụng tin cậy (chỉ trên máy này): {authority}
  Ví dụ một yêu cầu có chứng thư của bên gọi:
       {request}
""",
    "en": """
  Root certificate for browsers and relying parties to trust (on this machine only): {authority}
  Example of a request with a client certificate:
       {request}
""",
}

ALREADY = {"vi": "đã kích hoạt", "en": "already activated"}


def in_the_way(*, vi: str, en: str) -> SettingsError:
    """Return what stops the start, as one line in both languages."""
    return SettingsError((f"{vi} · {en}",))


@dataclass(frozen=True, slots=True)
class Example:
    """Over TLS: the authority to believe, and a request to try."""

    authority: Path
    request: str


def welcome(
    *, people: Sequence[TestCitizen], issuer: str, portal_url: str, folder: Path, papers: Example | None = None
) -> str:
    """Return what a person reads first: where to click, with whom, and where the data lies."""
    texts = {"vi": VIETNAMESE, "en": ENGLISH}
    return "\n".join(
        text.format(
            portal=portal_url,
            issuer=issuer,
            folder=folder,
            people=_table(people, language=language),
            papers="" if papers is None else PAPERS[language].format(**asdict(papers)),
        )
        for language, text in texts.items()
    )


def _table(people: Sequence[TestCitizen], *, language: str) -> str:
    widest = max(len(one.name) for one in people)
    return "\n".join(f"       {one.number}   {one.name:<{widest}}   {one.code or ALREADY[language]}" for one in people)
