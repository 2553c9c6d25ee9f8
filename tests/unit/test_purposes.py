"""The catalogue of purposes: what it must hold, and what is refused in it."""

from __future__ import annotations

import json
import unicodedata
from datetime import timedelta
from pathlib import Path

import pytest

from idp.errors import NotKnown, SettingsError
from idp.relying_parties.purposes import PurposeCatalogue

FILE = Path(__file__).parents[2] / "config" / "purposes.toml"
CATALOGUE = PurposeCatalogue.load(FILE)
CLAIMS = {
    "name",
    "birthdate",
    "gender",
    "personal_number",
    "former_number",
    "nationality",
    "address",
    "phone_number",
    "email",
    "account_level",
}


def test_the_catalogue_holds_login_and_the_services_of_the_portal() -> None:
    assert CATALOGUE.ids == {
        "login",
        "driving-licence",
        "promotion-notice",
        "health-insurance-card",
        "electricity-connection",
        "certificate-of-origin",
        "household-business",
        "e-tax",
        "traffic-fine",
        "birth-registration",
        "secured-transaction",
        "customs",
        "labour",
        "health",
    }


def test_no_consent_lasts_longer_than_the_settings_allow() -> None:
    shorter = PurposeCatalogue.load(FILE, longest_days=30)
    assert {purpose.lifetime for purpose in shorter.purposes.values()} == {timedelta(days=30)}
    assert CATALOGUE.get("login").lifetime == timedelta(days=365)


def test_a_service_above_level_2_shows_the_step_up() -> None:
    assert [p.id for p in CATALOGUE.purposes.values() if p.authentication_level > 2] == ["secured-transaction"]


@pytest.mark.parametrize("purpose_id", list(CATALOGUE.purposes))
def test_every_purpose_asks_for_known_claims_only_and_says_why_in_both_languages(purpose_id: str) -> None:
    found = CATALOGUE.get(purpose_id)
    assert found.claims <= CLAIMS
    for item in found.items:
        assert item.why["vi"].endswith(".")
        assert item.why["en"].endswith(".")
        assert "91/2025/QH15" in item.legal_basis["vi"]
        assert "91/2025/QH15" in item.legal_basis["en"]
    assert timedelta(days=1) <= found.lifetime <= timedelta(days=365)


def test_texts_are_in_one_unicode_form() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert unicodedata.normalize("NFC", text) == text


def test_a_number_or_an_address_is_never_needed_to_log_in() -> None:
    assert CATALOGUE.get("login").claims == {"name", "account_level", "email"}


def test_a_purpose_has_a_scope_value_that_discovery_tells() -> None:
    assert CATALOGUE.get("e-tax").scope == "service:e-tax"
    assert CATALOGUE.get("e-tax").scope in CATALOGUE.scopes


def test_a_purpose_that_is_not_there_is_not_known() -> None:
    with pytest.raises(NotKnown):
        CATALOGUE.get("unheard-of")


def changed(tmp_path: Path, *swaps: tuple[str, str]) -> Path:
    """Return a copy of the file in which each left text has become the right one, once."""
    text = FILE.read_text(encoding="utf-8")
    for old, new in swaps:
        assert old in text
        text = text.replace(old, new, 1)
    copy = tmp_path / "purposes.toml"
    copy.write_text(text, encoding="utf-8")
    return copy


@pytest.mark.parametrize(
    ("swap", "complaint"),
    [
        (('id = "login"', 'id = "login"\ncolour = "red"'), "purpose login: colour: unknown key"),
        (('id = "login"\n', ""), "id: missing"),
        (('id = "login"', 'id = "Log in"'), "small letters"),
        (('id = "login"', 'id = "e-tax"'), "e-tax: listed twice"),
        (("version = 1", "version = 0"), "counts from 1"),
        (("version = 1", "version = true"), "version: must be of type int"),
        (('name.en = "Log in"\n', ""), "name: must have a text"),
        (('name.en = "Log in"', 'name.en = " "'), "name: must have a text"),
        (("authentication_level = 2", "authentication_level = 5"), "must be 1 to 4"),
        (('account_level = "01"', 'account_level = "1"'), "must be 01 or 02"),
        (("days = 365", "days = 366"), "must be 1 to 365"),
        (('claim = "name"', 'claim = "Full name"'), "not a claim's name"),
        (('claim = "email"', 'claim = "name"'), "name: asked for twice"),
        (("required = true", 'required = "yes"'), "required: must be of type bool"),
        (
            ('required = false, legal_basis = "consent"', 'required = false, legal_basis = "statutory-task"'),
            "never optional",
        ),
        (('legal_basis = "consent"', 'legal_basis = "custom"'), "custom is not in the table"),
        (('basis = "law"', 'basis = "habit"'), "must be consent or law"),
        (("\n[[purposes]]", "\n[[purposess]]"), "purposess: unknown key"),
        (("\n[[purposes]]", "\n[[purposes"), "line"),
    ],
)
def test_a_broken_catalogue_stops_the_start(tmp_path: Path, swap: tuple[str, str], complaint: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        PurposeCatalogue.load(changed(tmp_path, swap))
    assert complaint in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "purposes = 1",
        "legal_bases = 1\npurposes = [1]",
        "[legal_bases]\nconsent = 1\n[[purposes]]\nitems = [1]",
    ],
)
def test_a_file_of_another_shape_is_refused_and_nothing_else(tmp_path: Path, text: str) -> None:
    (tmp_path / "purposes.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError):
        PurposeCatalogue.load(tmp_path / "purposes.toml")


def test_a_legal_basis_of_another_shape_is_refused_where_it_stands_and_where_it_is_cited(tmp_path: Path) -> None:
    start, _, rest = FILE.read_text(encoding="utf-8").partition("[legal_bases.statutory-task]")
    broken = tmp_path / "purposes.toml"
    broken.write_text(
        f"legal_bases.statutory-task = 1\n{start}[[purposes]]{rest.partition('[[purposes]]')[2]}", encoding="utf-8"
    )
    with pytest.raises(SettingsError) as refusal:
        PurposeCatalogue.load(broken)
    assert "legal_bases.statutory-task: must be a table" in str(refusal.value)
    assert "statutory-task is not in the table" in str(refusal.value)


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    broken = changed(
        tmp_path, ("days = 365", "days = 0"), ("version = 1", "version = 0"), ('claim = "name"', 'claim = "N"')
    )
    with pytest.raises(SettingsError) as refusal:
        PurposeCatalogue.load(broken)
    assert len(refusal.value.reasons) == 3


def test_the_demo_portal_is_registered_for_every_purpose() -> None:
    metadata = json.loads((FILE.parents[1] / "examples" / "portal" / "client.json").read_text(encoding="utf-8"))
    assert set(metadata["purposes"]) == CATALOGUE.ids
