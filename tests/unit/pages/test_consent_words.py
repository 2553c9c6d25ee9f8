"""The consent page's sentences are pinned: whoever changes one has to say so to those who agreed to another."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final, get_args

import pytest

from consent import Asked, ConsentItem, Decision, Demand
from consent.policy import Reason
from idp import clock
from idp.citizens.citizen import Person
from idp.pages._portal import portal_of
from idp.pages.consent_page.content import content_of, wording_of
from idp.pages.consent_page.items import DetailView
from idp.protocol.claims import Known
from idp.protocol.interaction import OFFLINE, OFFLINE_BASIS, WORDING_VERSION
from idp.relying_parties import metadata_rules
from idp.relying_parties.client import UNVERIFIED_OWNER
from idp.relying_parties.metadata_reader import Deployment
from idp.relying_parties.purposes import Purpose, PurposeItem
from idp.relying_parties.store import StoredClient

if TYPE_CHECKING:
    from flask import Flask

    from idp.relying_parties.client import RelyingParty

PINNED: Final = {
    "vi": "2:528fdce22719a8dea1706782005949b0d14a676cb3faaf79cfacbf58e37a8b21",
    "en": "2:1aee439d6a37e151c184ffd93f411d02aae4583e324215fbe31d380ced6646ba",
}
CHANGED: Final = (
    "A sentence of the consent page has changed. Raise WORDING_VERSION (idp/protocol/interaction.py), so that who "
    "agreed to the old one is asked again, and pin the new hash here. Version and hash of now: "
)

CLAIMS = (
    "name", "birthdate", "gender", "personal_number", "former_number", "nationality", "address", "phone_number",
    "email", "account_level",
)  # fmt: skip
BY_LAW, NEEDED = {"personal_number"}, {"name", "account_level"}
TEXT = {"vi": "Lời của danh mục.", "en": "Words of the catalogue."}


def portal(owner: dict[str, str]) -> RelyingParty:
    """Return a portal of an owner."""
    metadata = {
        "client_name": "Cổng thử nghiệm",
        "owner": {f"name#{language}": name for language, name in owner.items()},
        "redirect_uris": ["https://portal.example/callback"],
        "token_endpoint_auth_method": "client_secret_basic",
        "purposes": ["login"],
        "sandbox": True,
    }
    stored = StoredClient("portal", "web", metadata, b"secret", "approved", clock.now(), None)
    return metadata_rules.check(stored, deployment=Deployment(frozenset({"login"}), allow_loopback=True))


PORTALS = [portal(UNVERIFIED_OWNER), portal({"vi": "Cơ quan thử nghiệm", "en": "Test authority"})]


def item(claim: str, *, told_apart: bool) -> PurposeItem:
    """Return one item, `told_apart` where what the law grants rests on another legal basis than the rest."""
    by_law = told_apart and claim in BY_LAW
    return PurposeItem(
        claim=claim,
        required=claim in BY_LAW | NEEDED,
        basis="law" if by_law else "consent",
        legal_basis_id="law" if by_law else "agreement" if told_apart else OFFLINE_BASIS,
        legal_basis={"vi": "Luật.", "en": "Law."} if by_law else TEXT,
        why=TEXT,
    )


def purpose(*, told_apart: bool) -> Purpose:
    """Return a purpose that asks for everything that there is, on one legal basis or on several."""
    items = tuple(item(claim, told_apart=told_apart) for claim in CLAIMS)
    return Purpose("login", 1, TEXT, TEXT, 2, "01", timedelta(days=365), items)


def decision(asked: Purpose, reason: Reason) -> Decision:
    """Return what is to be asked: everything; of what was agreed to before, the name."""
    items = tuple(Asked(item.claim, item.required, item.basis, item.legal_basis_id) for item in asked.items)
    offline = Asked(OFFLINE, required=False, basis="consent", legal_basis="consent")
    known = (ConsentItem("name", required=True, granted=True, basis="consent", legal_basis="consent"),)
    demand = Demand("portal", "login", 1, WORDING_VERSION, (*items, offline))
    kept = known if reason == "new" else ()
    return Decision(demand, None, reason, (*items[len(kept) :], offline), kept)


def wordings(app: Flask, language: str) -> list[str]:
    """Return every wording of the samples, which together hold every sentence."""
    details = (DetailView("Việc", (("Chuyển ", False), ("H19", True)), (("Mã", "0123", False),)),)
    person = Person.parse({"full_name": "Nguyễn Thị Hoa", "birth_date": "1941"})
    known = Known(person=person, number="099305000017", account_level=1)
    with app.test_request_context(f"/?lang={language}"):
        return [
            wording_of(
                content_of(
                    decision=decision(asked, reason),
                    portal=portal_of(client),
                    known=known,
                    purpose=asked,
                    details=details,
                )
            ).text
            for client in PORTALS
            for asked in (purpose(told_apart=False), purpose(told_apart=True))
            for reason in get_args(Reason)
        ]


@pytest.mark.spec("CO-06")
@pytest.mark.parametrize("language", PINNED)
def test_whoever_changes_a_sentence_raises_its_version(pages_app: Flask, language: str) -> None:
    text = "\n\n".join(wordings(pages_app, language))
    now = f"{WORDING_VERSION}:{hashlib.sha256(text.encode()).hexdigest()}"
    assert now == PINNED[language], CHANGED + now


def test_the_pinned_samples_name_nobody(pages_app: Flask) -> None:
    text = "\n".join(wordings(pages_app, "vi") + wordings(pages_app, "en"))
    assert "mục này được gửi theo luật" in text
    assert "Legal basis: Your consent" in text
    assert not [value for value in ("Hoa", "1941", "0993") if value in text]
