"""Leaving one portal and staying with the others; portals that are told of a logout in frames."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.support.foreign.registrant import REDIRECT, Registrant, is_refused
from tests.support.house import ISSUER, House, members
from tests.support.login.leaving import Leaving, frames_of, logs_out
from tests.support.login.own_pages import OwnPages

if TYPE_CHECKING:
    from tests.support.house import ACitizen

BYE = "https://portal.example/bye"


@pytest.mark.spec("LO-04")
def test_one_portal_can_be_left_and_the_others_stay(any_house: House) -> None:
    citizen, left, kept = any_house.activates_citizen(), any_house.registers_portal(), any_house.registers_portal()
    tokens = {}
    for portal in (left, kept):
        login = portal.asks()
        tokens[portal.client_id] = members(login.redeem(citizen.arrives(login)))["access_token"]
    leaving = Leaving.asks(citizen.browser)
    assert sorted(leaving.portals) == sorted([left.client_id, kept.client_id])
    done = leaving.presses(only=left.client_id)
    assert done.status_code == 200
    assert "Bạn vẫn đăng nhập tại Sen" in done.text
    statuses = [portal.asks_userinfo(tokens[portal.client_id]).status_code for portal in (left, kept)]
    assert statuses == [401, 200]
    assert OwnPages(citizen.browser).is_logged_in()
    again = Leaving.asks(citizen.browser)
    assert again.portals == [kept.client_id]
    for stranger in (left.client_id, "nobody", ""):
        assert again.presses(only=stranger).status_code == 200
        assert OwnPages(citizen.browser).is_logged_in(), "a portal that is not open is no reason to end anything"
    asked = {"id_token_hint": citizen.gets_id_token(left), "post_logout_redirect_uri": BYE}
    assert Leaving.asks(citizen.browser, **asked).presses(only=left.client_id).headers["Location"] == BYE
    assert OwnPages(citizen.browser).is_logged_in()


def test_nobody_can_make_another_citizen_leave(house: House, citizen: ACitizen) -> None:
    portal, stranger = house.registers_portal(), house.activates_citizen()
    login = portal.asks()
    token = members(login.redeem(citizen.arrives(login)))["access_token"]
    assert Leaving.asks(stranger.browser).presses(only=portal.client_id).status_code == 200
    assert logs_out(stranger.browser, id_token_hint=citizen.gets_id_token(portal)).status_code == 200
    assert portal.asks_userinfo(token).status_code == 200
    assert OwnPages(citizen.browser).is_logged_in()


def test_portals_are_told_in_frames_that_the_page_may_show_and_nothing_else(house: House, citizen: ACitizen) -> None:
    told = house.registers_portal(
        frontchannel_logout_uri="https://portal.example/out?a=1", frontchannel_logout_session_required=True
    )
    plain = house.registers_portal(frontchannel_logout_uri="https://portal.example/plain")
    silent = house.registers_portal()
    sids = {}
    for portal in (told, plain, silent):
        login = portal.asks()
        id_token = members(login.redeem(citizen.arrives(login)))["id_token"]
        sids[portal.client_id] = portal.reads_id_token(id_token)["sid"]
    leaving = Leaving.asks(citizen.browser, id_token_hint=id_token, post_logout_redirect_uri=BYE)
    assert frames_of(leaving.question) == []
    assert "frame-src 'none'" in leaving.question.headers["Content-Security-Policy"]
    done = leaving.presses()
    assert done.status_code == 200
    with_session = "https://portal.example/out?a=1&" + urlencode({"iss": ISSUER, "sid": sids[told.client_id]})
    assert sorted(frames_of(done)) == sorted([with_session, "https://portal.example/plain"])
    assert "frame-src https://portal.example; " in done.headers["Content-Security-Policy"]
    assert f'href="{BYE}" data-goes-on="2000"' in done.text
    assert sids[told.client_id] != sids[plain.client_id]


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/out",
        "https://portal.example:8443/out",
        "https://portal.example.elsewhere.example/out",
        "https://sub.portal.example/out",
    ],
)
@pytest.mark.spec("RG-02")
def test_a_frame_opens_only_where_its_portal_has_citizens_come_back_to(house: House, address: str) -> None:
    refused = Registrant(house).registers(frontchannel_logout_uri=address)
    assert is_refused(refused, status=400, code="invalid_client_metadata")
    assert "frontchannel_logout_uri: scheme, host and port" in members(refused)["error_description"]
    taken = Registrant(house).registers(frontchannel_logout_uri=REDIRECT.replace("/callback", "/out"))
    assert taken.status_code == 201
