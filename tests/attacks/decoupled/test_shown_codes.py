"""What a device shows to be typed elsewhere: it leads to tokens on that device alone, once, and for some minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.house import House, later, members
from tests.support.login.elsewhere import DEVICE, Phone, begins, device_portal

if TYPE_CHECKING:
    from tests.support.portal import Portal
    from tests.support.signed_in import SignedIn


@pytest.fixture
def portal(house: House) -> Portal:
    return device_portal(house)


@pytest.mark.spec("LG-12", "DC-01")
def test_tokens_go_to_the_device_that_shows_the_code_and_neither_to_the_phone_nor_to_who_has_seen_it(
    portal: Portal, citizen: SignedIn
) -> None:
    device, beside, phone = begins(portal), begins(portal), Phone.of(citizen)
    consents = phone.says(phone.types(str(device.shown)), code=str(device.shown))
    done = phone.consents(consents)
    assert done.headers["Location"] == "/device/done?answer=approved"
    assert "Set-Cookie" not in done.headers
    seen = portal.post("/token", grant_type=DEVICE, device_code=str(device.shown))
    assert (seen.status_code, members(seen)["error"]) == (400, "invalid_grant")
    assert beside.error() == "authorization_pending"
    assert device.tokens()["access_token"]


@pytest.mark.spec("LG-12", "DC-02")
@pytest.mark.parametrize("end", ["approved", "taken", "refused", "over"])
def test_a_code_that_was_answered_or_is_over_is_typed_in_vain_and_the_next_one_is_another(
    portal: Portal, citizen: SignedIn, end: str
) -> None:
    device, phone = begins(portal), Phone.of(citizen)
    if end == "refused":
        phone.says(phone.types(str(device.shown)), answer="not-me")
    elif end != "over":
        phone.approves(device)
    if end == "taken":
        device.tokens()
    with later(portal.house.settings.device.code_seconds + 1 if end == "over" else 0):
        assert phone.types(str(device.shown)).status_code == 400
        again = begins(portal)
        assert again.shown != device.shown
        assert phone.types(str(again.shown)).status_code == 303


@pytest.mark.spec("LG-12", "DC-03")
def test_who_approves_reads_for_which_portal_and_that_the_device_is_elsewhere(
    portal: Portal, citizen: SignedIn
) -> None:
    device = begins(portal)
    begun = Phone.of(citizen).types(str(device.shown))
    html = citizen.browser.get(begun.headers["Location"] + "&lang=en").text
    for words in ("Test portal", "Test authority", "on another device", "Is that device in front of you?"):
        assert words in html
    assert device.error() == "authorization_pending"
