"""The former hub's names: those that the guide for moving portals lists, and for each the value that the hub told."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest

from idp.protocol.claims import CLAIMS, Known
from idp.protocol.claims.released import LEGACY, LEGACY_SCOPE, released
from tests.support.house import settings_for
from tests.support.office import a_person

GUIDE = Path(__file__).parents[2] / "docs" / "relying-parties" / "from-the-hub.md"
ROW = re.compile(r"^\| `(\w+)` \| (?:`(\w+)`|–) \|", re.MULTILINE)
NUMBER = "001205000017"
PERSON = {
    "full_name": "Trần Văn Bình",
    "birth_date": "2005-02-14",
    "address": "12 phố Thử, Hà Nội",
    "phone_number": "0976381479",
    "email": "binh@example.vn",
    "former_number": "012345678",
}
TOLD = {
    "HoVaTen": "Trần Văn Bình",
    "SoDinhDanh": NUMBER,
    "SoCMND": "012345678",
    "NgayThangNamSinh": "20050214",
    "DiaChi": "12 phố Thử, Hà Nội",
    "SoDienThoai": "+84976381479",
    "ThuDienTu": "binh@example.vn",
    "LoaiTaiKhoan": "1",
}


def test_the_guide_lists_every_name_beside_the_claim_that_has_to_be_agreed() -> None:
    listed = {name: claim or None for name, claim in ROW.findall(GUIDE.read_text(encoding="utf-8"))}
    assert listed == {"TechID": "sub"} | {name: claim for name, (claim, _value) in LEGACY.items()}


@pytest.mark.parametrize(("gender", "said"), [("Nam", "Nam"), ("Nữ", "Nữ"), ("Khác", "Khác")])
def test_each_name_has_its_value_in_the_hubs_own_form_and_only_where_its_claim_was_agreed(
    tmp_path: Path, gender: str, said: str
) -> None:
    register = settings_for(folder=tmp_path, redis_url="unix:///nowhere").register
    known = Known(person=a_person(**PERSON, gender=gender), number=NUMBER, account_level=2)

    def tells(*words: str) -> dict[str, object]:
        told = released(known=known, words=words, scope=f"openid {LEGACY_SCOPE}", subject="s", register=register)
        assert uuid.UUID(str(told.pop("TechID")))
        return {name: value for name, value in told.items() if name not in CLAIMS}

    assert tells(*CLAIMS) == TOLD | {"GioiTinh": said}
    for name, (claim, _value) in LEGACY.items():
        if claim is not None:
            assert tells(claim).keys() == {name, "LoaiTaiKhoan"}
