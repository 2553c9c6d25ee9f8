"""TOURS: ways that lead past every page, of Sen and of the portal; each stop is yielded with who stands there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from idp.citizens.national_id import PersonalNumber
from tests.browser.other_devices import for_other_devices
from tests.support.browser import Someone
from tests.support.office import a_person

if TYPE_CHECKING:
    from tests.support.running import Running

Tour = Callable[[Someone, Someone, "Running"], Iterator[tuple[str, Someone]]]
"""Two people, and what runs; the second one is there where a page needs somebody else."""


def as_a_guest(someone: Someone, _other: Someone, running: Running) -> Iterator[tuple[str, Someone]]:
    """Walk past what anybody sees."""
    for path in ("/", "/help", "/login", "/activate"):
        someone.opens(path)
        yield path.strip("/") or "home", someone
    someone.chooses("driving-licence")
    yield "login for a portal", someone
    someone.fills("Số định danh cá nhân", "12345")
    someone.presses("Tiếp tục")
    yield "login with a wrong number", someone
    someone.fills("Số định danh cá nhân", running.citizen().number)
    someone.presses("Tiếp tục")
    yield "login with a number", someone
    someone.follows("Kích hoạt tài khoản lần đầu")
    yield "activate for a portal", someone
    someone.types_code(replace(running.citizen(), code="BCFG-2345-HJKM-67"))
    yield "activate with a wrong code", someone


def through_activation(someone: Someone, other: Someone, running: Running) -> Iterator[tuple[str, Someone]]:
    """Walk through activation and consent, and to what the register may say."""
    changed, gone, papers = running.citizen(), running.citizen(), running.citizen()
    running.office.registers(number=PersonalNumber(changed.number), person=a_person(birth_date="1942"))
    someone.opens("/activate")
    someone.types_code(changed)
    yield "register does not match", someone
    other.opens("/activate")
    other.types_code(gone)
    other.sees_heading("Tạo khóa truy cập (passkey)")
    running.forgets(gone)
    other.presses("Tạo khóa truy cập")
    other.sees_heading("Chưa tìm thấy dữ liệu của bạn")
    yield "register does not know any more", other
    someone.chooses("driving-licence")
    someone.enters_code(papers)
    yield "first passkey", someone
    someone.presses("Tạo khóa truy cập")
    someone.sees_heading("Thêm một khóa dự phòng?")
    yield "second passkey", someone
    someone.follows("Để sau")
    yield "consent", someone
    someone.agrees()
    someone.is_at_the_portal()
    yield "portal signed in", someone
    someone.chooses("secured-transaction")
    yield "login for a higher level", someone
    someone.signs_in()
    yield "portal level too low", someone


def around_the_account(someone: Someone, other: Someone, running: Running) -> Iterator[tuple[str, Someone]]:
    """Walk past the citizen's own pages, with little and with much on them."""
    papers = running.citizen()
    someone.has_an_account(papers)
    for path in ("/account", "/account/services", "/account/sessions"):
        someone.opens(path)
        yield f"{path.strip('/').replace('/', ' ')} at first", someone
    someone.opens("/account/passkeys")
    someone.page.locator("a.stop").click()
    yield "account passkeys remove the only one", someone
    someone.adds_a_passkey_on(someone.takes_a_device(transport="usb"))
    other.borrows(someone.devices[1])
    other.opens("/login")
    other.signs_in()
    someone.chooses("driving-licence")
    someone.agrees()
    someone.is_at_the_portal()
    for path in ("/", "/account", "/account/passkeys", "/account/sessions", "/account/activity", "/account/services"):
        someone.opens(path)
        yield f"{path.strip('/').replace('/', ' ') or 'home'} later", someone
    someone.follows("Xem biên nhận đồng ý", exact=False)
    yield "account receipt", someone
    someone.opens("/account/services")
    someone.follows("Rút lại", exact=False)
    yield "account withdraw", someone
    someone.presses("Rút lại")
    yield "account services withdrawn", someone
    someone.opens("/account/passkeys")
    someone.page.locator("a.stop").first.click()
    yield "account passkeys remove", someone
    someone.chooses("driving-licence")
    yield "consent again", someone
    someone.opens("/logout")
    yield "logout", someone
    someone.presses("Đăng xuất")
    yield "logout done", someone


def past_errors(someone: Someone, other: Someone, running: Running) -> Iterator[tuple[str, Someone]]:
    """Walk past what goes wrong."""
    someone.chooses("login")
    other.opens(f"/login?tx={someone.transaction()}")
    yield "error transaction lost", other
    for name, path in (
        ("no page", "/nowhere"),
        ("wrong method", "/login/number"),
        ("portal unknown", "/authorize?client_id=nobody"),
        ("request gone", "/authorize?client_id=nobody&request_uri=urn:ietf:params:oauth:request_uri:gone"),
    ):
        someone.opens(path)
        yield f"error {name}", someone
    someone.opens("/activate")
    someone.page.locator('main input[name="csrf_token"]').evaluate("field => field.remove()")
    someone.types_code(running.citizen())
    yield "error form", someone


def at_the_portal(someone: Someone, _other: Someone, running: Running) -> Iterator[tuple[str, Someone]]:
    """Walk past the portal's pages."""
    for name, path in (("home", "/"), ("no page", "/nowhere"), ("problem", "/problem/access_denied/login")):
        someone.opens(f"{running.portal}{path}?lang={someone.language}")
        yield f"portal {name}", someone
    someone.chooses("login")
    someone.activates(running.citizen())
    someone.agrees()
    someone.is_at_the_portal()
    someone.page.get_by_role("button", name=someone.portal_word("sign_out")).click()
    yield "logout for a portal", someone
    someone.presses("Đăng xuất")
    someone.page.wait_for_url(f"{running.portal}/")
    yield "portal signed out", someone


TOURS: Final[dict[str, Tour]] = {
    "as a guest": as_a_guest,
    "through activation": through_activation,
    "around the account": around_the_account,
    "past errors": past_errors,
    "at the portal": at_the_portal,
    "for other devices": for_other_devices,
}

PASSED: Final[dict[str, frozenset[str]]] = {
    "as a guest": frozenset({"/", "/help", "/login", "/activate"}),
    "through activation": frozenset({"/activate/passkey", "/activate/second", "/consent"}),
    "around the account": frozenset(
        {
            "/account",
            "/account/activity",
            "/account/passkeys",
            "/account/passkeys/remove",
            "/account/receipt",
            "/account/services",
            "/account/sessions",
            "/account/withdraw",
            "/logout",
        }
    ),
    "for other devices": frozenset(
        {"/account/approvals", "/approvals/confirm", "/approvals/done", "/device", "/device/confirm", "/device/done"}
    ),
}
"""The pages that a tour is there for: nobody else has to lead past them."""
