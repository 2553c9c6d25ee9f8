"""Forms that other sites send, odd languages, hostile names, pages in frames, and code that breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from idp.audit.log import correlation
from idp.pages import PAGES, UNPROTECTED
from tests.support.house import ISSUER, House, members
from tests.support.login.own_pages import OWN, OwnPages, begins_login

if TYPE_CHECKING:
    from tests.support.house import ACitizen

POSTS = sorted(path for path, methods in PAGES.items() if "POST" in methods and path not in UNPROTECTED)
FOREIGN: tuple[dict[str, str], ...] = (
    {"Origin": "https://evil.example"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": ISSUER, "Sec-Fetch-Site": "same-site"},
    {"Origin": "null"},
    {"Origin": "http://localhost:8000.evil.example"},
    {"Origin": "https://localhost:8000"},
    {},
)


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.spec("SS-07")
def test_a_form_without_our_token_or_from_another_site_is_refused(citizen: ACitizen, path: str) -> None:
    pages = OwnPages(citizen.browser)
    token = pages.token()
    assert citizen.browser.post(path, data={}, headers=OWN).status_code == 400, "no token"
    forged = {"csrf_token": token[::-1]}
    assert citizen.browser.post(path, data=forged, headers=OWN).status_code == 400, "a token of nobody"
    for headers in FOREIGN:
        answer = citizen.browser.post(path, data={"csrf_token": token}, headers=headers)
        assert answer.status_code == 403, headers
        assert "Location" not in answer.headers
    honest = citizen.browser.post(path, data={"csrf_token": token}, headers=OWN)
    assert honest.status_code in {200, 303, 400, 401}
    assert "foreign" not in honest.text


@pytest.mark.spec("SS-07")
def test_a_token_of_one_browser_is_none_in_another(house: House, citizen: ACitizen) -> None:
    stolen = OwnPages(house.browser()).token()
    refused = citizen.browser.post("/logout/confirm", data={"csrf_token": stolen}, headers=OWN)
    assert refused.status_code == 400
    assert OwnPages(citizen.browser).is_logged_in()
    assert OwnPages(citizen.browser).sends("/logout/confirm").status_code == 200
    assert not OwnPages(citizen.browser).is_logged_in()


@pytest.mark.spec("SS-07")
def test_nobody_is_logged_in_by_another_sites_form(house: House, citizen: ACitizen) -> None:
    victim = house.browser()
    tx = begins_login(victim)
    pages = OwnPages(victim)
    options = members(pages.calls("/login/passkey/options", tx=tx))
    attackers = citizen.authenticator.sign_in(options, origin=ISSUER)
    body = {"tx": tx, "credential": attackers}
    foreign = victim.post("/login/passkey/verify", json=body, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert not pages.is_logged_in()
    assert pages.calls("/login/passkey/verify", **body).status_code == 200


ODD_LANGUAGES = (
    "../../etc/passwd",
    "{{7*7}}",
    "x" * 10_000,
    "vi\r\nSet-Cookie: a=b",
    "en;q=1e400",
    "zz",
    "<script>",
)


@pytest.mark.parametrize("odd", ODD_LANGUAGES)
@pytest.mark.spec("HT-07")
def test_an_odd_language_is_vietnamese(house: House, odd: str) -> None:
    browser = house.browser()
    one_line = odd.replace("\r\n", " ")
    for answer in (
        browser.get("/help", query_string={"lang": odd}),
        browser.get("/help", headers={"Accept-Language": one_line}),
        browser.get("/help", headers={"Cookie": f"sen_lang={one_line}"}),
    ):
        assert answer.status_code == 200
        assert '<html lang="vi"' in answer.text
        assert "49" not in answer.text.partition("<title>")[2].partition("</title>")[0]
        assert "<script>" not in answer.text.partition("<body")[2]
        assert not [header for header in answer.headers.getlist("Set-Cookie") if header.startswith(("a=", "sen_lang"))]


@pytest.mark.parametrize("odd", [odd for odd in ODD_LANGUAGES if odd.isprintable()])
@pytest.mark.spec("HT-07")
def test_an_odd_ui_locales_is_vietnamese(house: House, odd: str) -> None:
    portal, browser = house.registers_portal(), house.browser()
    begun = browser.get(portal.asks(ui_locales=odd).url)
    page = browser.get(begun.headers["Location"])
    assert page.status_code == 200
    assert '<html lang="vi"' in page.text
    wished = browser.get(browser.get(portal.asks(ui_locales="fr en").url).headers["Location"])
    assert '<html lang="en"' in wished.text


HOSTILE = "<img src=x onerror=alert(1)>\"'{{7*7}}&amp;\u202egnp"


@pytest.mark.spec("RG-07", "CO-01")
def test_names_of_portals_and_passkeys_are_texts_and_nothing_else(house: House, citizen: ACitizen) -> None:
    portal = house.registers_portal(
        **{"client_name#vi": HOSTILE[:60], "client_name#en": HOSTILE[:60], "client_uri": "https://portal.example/"}
    )
    login = citizen.opens(portal.asks())
    pages = [citizen.browser.get(login.headers["Location"]).text]
    own = OwnPages(citizen.browser)
    own.adds_passkey(citizen.authenticator, name=HOSTILE[:60])
    pages += [citizen.browser.get(path).text for path in ("/account/passkeys", "/account/sessions")]
    assert citizen.arrives(portal.asks()).status_code == 303
    pages += [citizen.browser.get(path).text for path in ("/account/services", "/account/activity", "/logout")]
    for text in pages:
        assert "<img src=x" not in text
    assert any("&lt;img src=x" in text for text in pages)
    assert "49" not in pages[0].partition("<h1")[2].partition("</h1>")[0]


@pytest.mark.spec("CO-07", "AZ-17", "SS-11")
def test_no_page_can_be_framed_or_run_what_is_not_ours(house: House, citizen: ACitizen) -> None:
    portal = house.registers_portal()
    consent = citizen.opens(portal.asks()).headers["Location"]
    assert consent.startswith("/consent")
    nonces = set()
    for path in (consent, "/account/passkeys", f"/login?tx={begins_login(citizen.browser)}", "/nowhere"):
        page = citizen.browser.get(path)
        policy = {part.split()[0]: part.split()[1:] for part in page.headers["Content-Security-Policy"].split("; ")}
        assert policy["frame-ancestors"] == ["'none'"]
        assert policy["default-src"] == ["'none'"]
        assert page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "publickey-credentials-get=(self)" in page.headers["Permissions-Policy"]
        assert " on" + "click=" not in page.text
        nonces.add(tuple(policy["script-src"]))
    assert len(nonces) == 4, "a nonce is used once"


@pytest.mark.spec("HT-10", "AZ-29")
def test_code_that_breaks_gives_a_page_with_an_incident_and_the_process_lives(
    house: House, citizen: ACitizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "select * from citizen where number = 001199012345"
    store = type(house.services.audit)

    def breaks(_self: object, **_: Any) -> None:
        raise RuntimeError(secret)

    with monkeypatch.context() as patch:
        patch.setattr(store, "of_citizen", breaks)
        page = citizen.browser.get("/account/activity")
        script = OwnPages(citizen.browser)
        patch.setattr(type(house.services.people.passkeys), "of_citizen", breaks)
        answer = script.calls("/account/passkeys/options")
    assert page.status_code == answer.status_code == 500
    assert set(members(answer)) == {"message", "reason", "incident"}
    for text in (page.text, answer.text):
        assert secret not in text
        assert "RuntimeError" not in text
        assert "Traceback" not in text
    assert members(answer)["incident"] == correlation.get(), "what the log has beside the trace"
    assert citizen.browser.get("/account/activity").status_code == 200
