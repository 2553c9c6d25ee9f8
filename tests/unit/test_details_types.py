"""The registry of types: what it must hold, what is refused in it, and which words it makes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from idp.errors import InvalidAuthorizationDetails, SettingsError
from idp.relying_parties import authorization_details, metadata_rules, metadata_systems
from idp.relying_parties.details_types import DetailsTypes
from idp.relying_parties.metadata_reader import Deployment
from idp.relying_parties.store import StoredClient

FILE = Path(__file__).parents[2] / "config" / "details_types.toml"
TYPES = DetailsTypes.load(FILE)
MEMBER = '[[types.members]]\nmember = "a"\nkind = "code"\nrequired = true\nlongest = 9\nlabel = {vi = "A", en = "A"}\n'
GOOD = (
    '[[types]]\nid = "x"\nversion = 1\nname = {vi = "T", en = "T"}\nsentence = {vi = "S {a}", en = "S {a}"}\n' + MEMBER
)
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
API = "https://api.example"


def in_words(detail: dict[str, Any], *, language: str) -> str:
    """Return a request in words."""
    pieces = TYPES.types[detail["type"]].pieces(detail, language=language)
    return "".join(text for text, _ in pieces)


def test_the_registry_says_every_type_in_both_languages() -> None:
    assert TYPES.ids == {"vn_document_share", "vn_signing_request"}
    detail = {"type": "vn_document_share", "documents": ["birth_certificate"], "recipient": "tax", "case_number": "H1"}
    kind = TYPES.types["vn_document_share"]
    assert in_words(detail, language="en") == ("Hand your birth certificate to the tax authority, to decide case H1.")
    assert in_words(detail, language="vi").startswith("Chuyển giấy khai sinh của bạn cho cơ quan thuế")
    assert kind.beside(detail, language="en") == ()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('id = "x"', 'id = "X!"', "id"),
        ("version = 1", "version = 0", "version"),
        ("version = 1", "version = 1\nmore = 2", "unknown key"),
        ('{vi = "T", en = "T"}', '{vi = "T"}', "vi and en"),
        ('{vi = "S {a}"', '{vi = "S {b}"', "b is no required member"),
        ('{vi = "S {a}"', '{vi = "S {a"', "sentence.vi"),
        ("required = true", "required = false", "a is no required member"),
        ('kind = "code"', 'kind = "free"', "kind"),
        ("longest = 9", "longest = 900", "longest"),
        ("longest = 9\n", "", "longest: missing"),
        ('member = "a"', 'member = "type"', "member"),
        (MEMBER, MEMBER + MEMBER, "listed twice"),
        (GOOD, GOOD + GOOD, "listed twice"),
        (MEMBER, "members = [5]\n", "must be a table"),
        ('kind = "code"\nrequired = true\nlongest = 9', 'kind = "choice"\nrequired = true\nvalues = {}', "values"),
        ('kind = "code"\nrequired = true\nlongest = 9', 'kind = "choice"\nrequired = true\nvalues.q.vi = "Q"', "q"),
        ("[[types]]", "[[types", "details"),
    ],
)  # fmt: skip
def test_a_broken_registry_stops_the_start(tmp_path: Path, old: str, new: str, problem: str) -> None:
    file = tmp_path / "details.toml"
    file.write_text(GOOD, encoding="utf-8")
    assert DetailsTypes.load(file).ids == {"x"}
    assert old in GOOD
    file.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(SettingsError, match=problem):
        DetailsTypes.load(file)


JSON: Any = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
SHARE: Any = some.fixed_dictionaries(
    {"type": some.just("vn_document_share")},
    optional={
        "documents": JSON | some.just(["birth_certificate"]),
        "recipient": JSON | some.just("tax"),
        "case_number": JSON | some.just("H1"),
        "more": JSON,
    },
)


@given(JSON | some.lists(SHARE | JSON, max_size=6))
@pytest.mark.spec("RFC 9396 5")
def test_whatever_is_sent_is_taken_whole_or_refused_in_one_way(sent: Any) -> None:
    try:
        text = authorization_details.check(json.dumps(sent), types=TYPES, allowed=sorted(TYPES.ids))
    except InvalidAuthorizationDetails:
        return
    assert json.loads(text) == sent
    assert authorization_details.check(text, types=TYPES, allowed=sorted(TYPES.ids)) == text
    assert json.loads(authorization_details.narrowed(text, granted=text)) == sent
    for detail in sent:
        assert all("<" not in in_words(detail, language=language) for language in ("vi", "en"))


def test_the_order_of_members_makes_no_other_matter() -> None:
    one = {"type": "vn_document_share", "documents": ["birth_certificate"], "recipient": "tax", "case_number": "H1"}
    other = dict(reversed(one.items()))
    assert authorization_details.item_of(one, types=TYPES) == authorization_details.item_of(other, types=TYPES)
    changed = authorization_details.item_of({**one, "case_number": "H2"}, types=TYPES)
    assert changed != authorization_details.item_of(one, types=TYPES)


def stored(**metadata: Any) -> StoredClient:
    """Return a machine's registration."""
    complete = {
        "client_name": "Máy",
        "owner": {"name": "Cơ quan"},
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["client_credentials"],
        "resources": [API],
        **metadata,
    }
    return StoredClient(
        complete.get("client_id", "machine"), "machine", complete, b"0" * 32, "approved", datetime.now(UTC), None
    )


def checked(**metadata: Any) -> Any:
    """Check a machine's registration."""
    return metadata_rules.check(stored(**metadata), deployment=Deployment(frozenset()))


POLICY = {"resources": [API], "scopes": ["records.read"]}


@pytest.mark.parametrize(
    "metadata",
    [
        {"resources": ["api.example"]}, {"resources": ["https://api.example/#a"]}, {"resources": ["https:///a"]},
        {"resources": ["https://a b"]}, {"resources": "https://api.example"}, {"resources_served": ["x"]},
        {"resources": ["https://me@api.example"]}, {"resources": ["https://[::1"]},
        {"exchange": POLICY},
        {"grant_types": [EXCHANGE]},
        {"grant_types": [EXCHANGE], "exchange": {**POLICY, "more": 1}},
        {"grant_types": [EXCHANGE], "exchange": {**POLICY, "scopes": []}},
        {"grant_types": [EXCHANGE], "exchange": {**POLICY, "resources": ["x"]}},
        {"grant_types": [EXCHANGE], "exchange": [API]},
        {"grant_types": ["authorization_code"]},
        {"scope": "records.Read"}, {"scope": 'records"read'}, {"scope": "r" * 101}, {"scope": ".records"},
    ],
)  # fmt: skip
@pytest.mark.spec("RFC 8707 2")
def test_a_registration_between_systems_is_held_to_its_rules(metadata: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        checked(**metadata)
    good = checked(grant_types=["client_credentials", EXCHANGE], exchange=POLICY, resources=[API, "urn:vn:records"])
    assert good.exchange.scopes == {"records.read"}


def test_a_resource_has_one_server_and_a_type_stands_in_the_registry() -> None:
    server = checked(resources_served=[API], authorization_details_types=["vn_document_share"])
    other = stored(client_id="other", resources_served=[API])
    metadata_systems.check_among(server, others=[stored(resources_served=[API])], known_types=TYPES.ids)
    for others, known in (([other], TYPES.ids), ([], frozenset[str]())):
        with pytest.raises(SettingsError):
            metadata_systems.check_among(server, others=others, known_types=known)
