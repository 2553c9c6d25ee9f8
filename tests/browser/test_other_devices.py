"""Both journeys for another device in a browser: by hand, by a link, by keyboard, without JavaScript, and refused."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.other_devices import OtherDevice, picks
from tests.browser.relying_party import RelyingParty
from tests.support.login.elsewhere import DEVICE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.browser import Someone
    from tests.support.running import Running

TELEVISION = Path(__file__).parents[2] / "examples" / "television" / "television.py"


@pytest.mark.spec("DC-03")
def test_a_television_is_logged_in_by_one_who_has_to_log_in_first(someone: Someone, running: Running) -> None:
    papers = running.citizen()
    device = OtherDevice.shows_a_code(running)
    someone.opens("/device")
    someone.fills("Mã trên thiết bị", device.code.lower().replace("-", " "))
    someone.page.keyboard.press("Enter")
    someone.activates(papers)
    someone.sees_heading("Thiết bị đó có ở trước mặt bạn không?")
    assert device.polls()["error"] == "authorization_pending"
    button = someone.page.get_by_role("button", name=device.code, exact=True)
    button.focus()
    someone.page.keyboard.press("Enter")
    someone.agrees()
    someone.sees_heading("Xong. Hãy quay lại thiết bị kia")
    assert device.polls()["token_type"] == "Bearer"


@pytest.mark.spec("DC-03")
def test_a_link_waits_for_the_citizen_and_a_warning_can_be_heeded(someone: Someone, running: Running) -> None:
    someone.has_an_account(running.citizen())
    device = OtherDevice.shows_a_code(running)
    someone.opens(device.told["verification_uri_complete"])
    expect(someone.page.get_by_label(someone.word("Mã trên thiết bị"), exact=True)).to_have_value(device.code)
    assert device.polls()["error"] == "authorization_pending"
    someone.presses("Tiếp tục")
    fraud = "Có người gọi điện, nhắn tin hoặc gửi đường liên kết bảo bạn làm việc này? Đó là lừa đảo."
    someone.sees(f"{fraud} Hãy bấm “Không phải tôi”.")
    someone.presses("Không phải tôi")
    someone.sees_heading("Thiết bị kia không được đăng nhập")
    assert device.polls()["error"] == "access_denied"


def test_the_account_page_speaks_up_and_an_old_login_is_renewed_before_a_portal_is_answered(
    someone: Someone, running: Running
) -> None:
    papers = running.citizen()
    someone.has_an_account(papers)
    request = OtherDevice.names(running, papers)
    someone.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as when the tab is looked at again
    expect(someone.page.get_by_role("status")).to_contain_text(someone.word("Một cổng đang chờ bạn xác nhận."))
    someone.follows("Xem yêu cầu")
    running.ages_sessions(seconds=400)
    someone.presses("Xem yêu cầu")
    someone.signs_in()
    someone.sees_heading("Bạn có đang làm việc này không?")
    picks(someone, "47")
    someone.agrees()
    someone.sees_heading("Xong. Hãy quay lại cổng")
    assert request.polls()["token_type"] == "Bearer"


def test_both_journeys_need_no_javascript_but_for_the_passkey(people: Callable[..., Someone], running: Running) -> None:
    papers, first = running.citizen(), people()
    first.has_an_account(papers)
    plain = people(java_script_enabled=False, device=False, storage_state=first.context.storage_state())
    device, request = OtherDevice.shows_a_code(running), OtherDevice.names(running, papers)
    plain.opens("/device")
    plain.fills("Mã trên thiết bị", device.code)
    plain.presses("Tiếp tục")
    picks(plain, device.code)
    plain.agrees()
    plain.sees_heading("Xong. Hãy quay lại thiết bị kia")
    plain.opens("/account")
    plain.follows("Xem yêu cầu")
    plain.presses("Xem yêu cầu")
    expect(plain.page).to_have_url(re.compile("/approvals/confirm"))
    picks(plain, "47")
    plain.agrees()
    plain.sees_heading("Xong. Hãy quay lại cổng")
    assert device.polls()["token_type"] == request.polls()["token_type"] == "Bearer"


def test_the_example_television_shows_a_code_and_a_picture_and_knows_who_is_there(
    someone: Someone, running: Running
) -> None:
    example = runpy.run_path(str(TELEVISION))
    party = RelyingParty.registered(running, grant_types=["authorization_code", DEVICE])
    television = example["Television"].switched_on(running.issuer, client_id=party.client_id, secret=party.secret)
    told = television.begins()
    screen = example["screen"](told)
    assert f"{running.issuer}/device" in screen
    assert told["user_code"] in screen
    picture = example["picture"]
    assert picture(told["verification_uri_complete"]) in screen
    assert picture(told["verification_uri"]) not in screen
    assert television.asks(told["device_code"]) == (None, 0)
    assert television.asks(told["device_code"]) == (None, 5)
    someone.has_an_account(running.citizen())
    someone.opens(told["verification_uri_complete"])
    someone.presses("Tiếp tục")
    picks(someone, told["user_code"])
    someone.agrees()
    someone.sees_heading("Xong. Hãy quay lại thiết bị kia")
    tokens, _ = television.asks(told["device_code"])
    assert len(television.reads(tokens["id_token"])["sub"]) == 43
    with pytest.raises(example["Refused"]):
        television.asks(told["device_code"])
