"""The device grant, from the code that a device shows to the tokens that it gets (RFC 8628)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from idp.errors import TemporarilyUnavailable
from idp.storage.sql.authorizations import SqlAuthorizations
from tests.support.foreign.registrant import Registrant
from tests.support.house import ISSUER, TX, House, later, members
from tests.support.login.elsewhere import CIBA, DEVICE, OFFLINE, Phone, asks_for, begins, device_portal
from tests.support.portal import Portal

if TYPE_CHECKING:
    from tests.support.signed_in import SignedIn


@pytest.fixture
def portal(house: House) -> Portal:
    return device_portal(house)


def test_a_device_is_told_what_to_show(portal: Portal) -> None:
    told = begins(portal).told
    assert told["verification_uri"] == f"{ISSUER}/device"
    complete = urlsplit(told["verification_uri_complete"])
    assert parse_qs(complete.query) == {"user_code": [told["user_code"]]}
    assert (told["expires_in"], told["interval"]) == (600, 5)
    assert len(told["device_code"]) == 43


def test_a_device_gets_tokens_once_its_citizen_has_approved(portal: Portal, citizen: SignedIn) -> None:
    device = begins(portal, scope=OFFLINE)
    assert device.error() == "authorization_pending"
    Phone.of(citizen).approves(device, "offline_access")
    tokens = device.tokens()
    told = portal.reads_id_token(tokens["id_token"])
    assert told["at_hash"] == portal.half_hash(tokens["access_token"], algorithm="RS256")
    assert members(portal.asks_userinfo(tokens["access_token"]))["sub"] == told["sub"]
    assert portal.refreshes(tokens["refresh_token"]).status_code == 200


def test_one_who_is_not_logged_in_logs_in_on_the_way(house: House, portal: Portal) -> None:
    someone = house.registers_citizen()
    device = begins(portal)
    phone = Phone(someone.browser)
    login = phone.types(device.told["user_code"])
    assert login.headers["Location"].startswith("/login?")
    tx = TX.search(login.headers["Location"])
    assert tx
    someone.activates(tx[1])
    confirm = someone.browser.get(f"/continue?tx={tx[1]}")
    assert phone.consents(phone.says(confirm, code=str(device.shown))).headers["Location"].startswith("/device/done")
    assert device.tokens()["token_type"] == "Bearer"


def test_a_citizen_who_agreed_before_is_still_asked_about_the_device(portal: Portal, citizen: SignedIn) -> None:
    Phone.of(citizen).approves(begins(portal))
    again = begins(portal)
    begun = Phone.of(citizen).types(str(again.shown))
    assert begun.headers["Location"].startswith("/device/confirm?")
    assert again.error() == "authorization_pending"
    done = Phone.of(citizen).says(begun, code=str(again.shown))
    assert done.headers["Location"] == "/device/done?answer=approved"
    assert again.tokens()


@pytest.mark.parametrize("typed", ["{low}", "{bare}", "  {code} ", "{spread}", "{low_bare}"])
def test_a_code_is_typed_in_any_way(portal: Portal, citizen: SignedIn, typed: str) -> None:
    code = str(begins(portal).shown)
    forms = {"code": code, "low": code.lower(), "bare": code.replace("-", ""), "spread": " ".join(code)}
    text = typed.format(**forms, low_bare=forms["bare"].lower())
    assert Phone.of(citizen).types(text).headers["Location"].startswith("/device/confirm?")


def test_a_page_names_the_portal_its_owner_and_the_fraud(portal: Portal, citizen: SignedIn) -> None:
    begun = Phone.of(citizen).types(str(begins(portal).shown))
    html = citizen.browser.get(begun.headers["Location"]).text
    for words in ("Cổng thử nghiệm", "Cơ quan thử nghiệm", "lừa đảo", "Không phải tôi"):
        assert words in html


@pytest.mark.spec("DC-02")
def test_asking_too_fast_costs_five_seconds_more_each_time(portal: Portal) -> None:
    device = begins(portal)
    assert device.error() == "authorization_pending"
    assert device.error() == "slow_down"
    with later(6):
        assert device.error() == "slow_down"  # ten seconds now, and six have passed
    with later(22):
        assert device.error() == "authorization_pending"
        assert device.error() == "slow_down"


@pytest.mark.spec("DC-02")
def test_asking_at_the_interval_is_never_too_fast(portal: Portal) -> None:
    device = begins(portal)
    for turn in range(4):
        with later(turn * 5):
            assert device.error() == "authorization_pending"


@pytest.mark.spec("DC-02")
def test_what_nobody_answered_expires(portal: Portal, citizen: SignedIn) -> None:
    device = begins(portal)
    with later(601):
        assert device.error() == "expired_token"
        assert Phone.of(citizen).types(str(device.shown)).status_code == 400


@pytest.mark.parametrize("said", [{"answer": "not-me"}, {"answer": "refuse"}, {"code": "BCDF-GHJK"}])
@pytest.mark.spec("DC-02")
def test_who_says_no_or_picks_another_code_has_refused(portal: Portal, citizen: SignedIn, said: dict[str, str]) -> None:
    device = begins(portal)
    phone = Phone.of(citizen)
    done = phone.says(phone.types(str(device.shown)), **said)
    assert done.headers["Location"] == "/device/done?answer=refused"
    assert device.error() == "access_denied"
    assert device.error() == "access_denied"
    assert phone.types(str(device.shown)).status_code == 400


def test_who_does_not_consent_has_refused(portal: Portal, citizen: SignedIn) -> None:
    device = begins(portal)
    phone = Phone.of(citizen)
    asked = phone.says(phone.types(str(device.shown)), code=str(device.shown))
    assert phone.consents(asked, said="refuse").headers["Location"] == "/device/done?answer=refused"
    assert device.error() == "access_denied"


@pytest.mark.parametrize("page", ["/continue", "/device/confirm"])
def test_a_level_that_cannot_be_reached_is_told_to_both(portal: Portal, citizen: SignedIn, page: str) -> None:
    device = begins(portal, scope="openid service:secured-transaction")
    phone = Phone.of(citizen)
    begun = phone.types(str(device.shown))
    assert begun.headers["Location"].startswith("/login?")  # the page for a higher level
    citizen.logs_in_again()
    tx = TX.search(begun.headers["Location"])
    assert tx
    assert citizen.browser.get(f"{page}?tx={tx[1]}").headers["Location"] == "/device/done?answer=level"
    assert device.error() == "access_denied"


def test_an_account_that_is_not_enough_is_told_to_both_at_once(house: House, portal: Portal) -> None:
    device = begins(portal, scope="openid service:driving-licence")
    told = Phone.of(house.logs_in_directly(account_level=1)).types(str(device.shown))
    assert told.headers["Location"] == "/device/done?answer=level"
    assert device.error() == "access_denied"


def test_while_the_database_is_away_a_device_waits_on(
    portal: Portal, citizen: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise TemporarilyUnavailable("The database does not answer.", detail="away")

    device, phone = begins(portal), Phone.of(citizen)
    begun = phone.types(str(device.shown))
    with monkeypatch.context() as patch:
        patch.setattr(SqlAuthorizations, "gates", away)
        assert phone.types(str(device.shown)).status_code == 503
        assert citizen.browser.get(begun.headers["Location"]).status_code == 503
    assert device.error() == "authorization_pending"
    phone.approves(device)
    assert device.tokens()


def test_an_answer_without_a_question_leads_on_and_answers_nothing(portal: Portal, citizen: SignedIn) -> None:
    device, phone = begins(portal), Phone.of(citizen)
    begun = phone.types(str(device.shown)).headers["Location"]
    form = {"tx": begun.partition("tx=")[2], "code": str(device.shown)}
    plain = citizen.opens(portal.asks()).headers["Location"]
    other = phone.posts("/help", "/device/confirm", tx=plain.partition("tx=")[2], code=str(device.shown))
    assert (other.status_code, other.headers["Location"]) == (303, plain), "it is no device that asks there"
    citizen.browser.delete_cookie("sen_session")
    for answer in (citizen.browser.get(begun), phone.posts("/help", "/device/confirm", **form)):
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/login")
    assert device.error() == "authorization_pending"
    citizen.logs_in_again(former=False)
    consent = phone.posts("/help", "/device/confirm", **form).headers["Location"]
    assert consent.startswith("/consent?")
    assert citizen.browser.get(begun).headers["Location"] == consent, "it is asked once"


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": "openid service:nothing"}, "invalid_scope"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"claims": "{"}, "invalid_request"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"max_age": "soon"}, "invalid_request"),
    ],
)
def test_a_device_request_is_checked_like_any_other(portal: Portal, parameters: dict[str, str], error: str) -> None:
    answer = portal.post("/device_authorization", **{"scope": "openid", **parameters})
    assert (answer.status_code, members(answer)["error"]) == (400, error)
    assert begins(portal)


def test_only_who_is_registered_for_it_shows_codes(house: House) -> None:
    portal = house.registers_portal()
    answer = portal.post("/device_authorization", scope="openid")
    assert members(answer)["error"] == "unauthorized_client"
    answer = portal.post("/token", grant_type=DEVICE, device_code="x")
    assert members(answer)["error"] == "unauthorized_client"


def test_a_device_of_a_public_app_gets_tokens_bound_to_its_key(house: House, citizen: SignedIn) -> None:
    app = device_portal(
        house,
        profile="native",
        token_endpoint_auth_method="none",
        redirect_uris=["http://127.0.0.1/back"],
        sector_identifier="app.example",
    )
    device = begins(app, client_id=app.client_id)
    Phone.of(citizen).approves(device)
    tokens = device.tokens()
    assert tokens["token_type"] == "DPoP"
    assert app.asks_userinfo(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize("grant", [DEVICE, CIBA])
def test_one_that_only_waits_elsewhere_registers_itself_without_an_address(
    house: House, citizen: SignedIn, grant: str
) -> None:
    poll = {"backchannel_token_delivery_mode": "poll"} if grant == CIBA else {}
    registrant = Registrant(house)
    registrant.registered(
        redirect_uris=None,
        response_types=[],
        grant_types=[grant],
        profile="web",
        token_endpoint_auth_method="private_key_jwt",
        jwks=registrant.jwks,
        **poll,
    )
    portal = Portal(house, registrant.told["client_id"], registrant.key)
    request = begins(portal) if grant == DEVICE else asks_for(portal, citizen)
    Phone.of(citizen).approves(request)
    assert request.tokens()


def test_both_documents_name_the_endpoint_and_the_grant(house: House) -> None:
    browser = house.browser()
    for path in ("openid-configuration", "oauth-authorization-server"):
        told: dict[str, Any] = members(browser.get(f"/.well-known/{path}"))
        assert told["device_authorization_endpoint"] == f"{ISSUER}/device_authorization"
        assert DEVICE in told["grant_types_supported"]
