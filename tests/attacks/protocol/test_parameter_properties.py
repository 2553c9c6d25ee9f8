"""Properties: parameters are read as one browser writes them, and addresses are compared letter by letter."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from idp import clock
from idp.endpoints._http import MOST_FIELDS, read_cookies, read_parameters
from idp.errors import InvalidRequest
from idp.protocol.authorization_response import location
from idp.relying_parties import metadata_rules
from idp.relying_parties.metadata_reader import Deployment
from idp.relying_parties.store import StoredClient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.relying_parties.client import RelyingParty

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
FIELDS = st.dictionaries(TEXTS, TEXTS, max_size=10)
LETTERS = st.sampled_from(["/", ":", "@", "\\", "#", "?", "%2f", "%", ".", "..", "\t", " ", "a", "A", "0", "*", "ạ"])
WEB, NATIVE = "https://portal.example/callback", "http://127.0.0.1/cb"


def a_client(profile: str, *redirect_uris: str) -> RelyingParty:
    """Return a relying party that has these addresses; the rest does not matter here."""
    metadata = {
        "client_name": "Cổng thử nghiệm",
        "owner": {"name": "Cơ quan thử nghiệm"},
        "redirect_uris": list(redirect_uris),
        "token_endpoint_auth_method": "none" if profile == "native" else "client_secret_basic",
        "purposes": ["login"],
    }
    stored = StoredClient("portal", profile, metadata, b"secret", "approved", clock.now(), None)
    return metadata_rules.check(stored, deployment=Deployment(frozenset({"login"}), allow_loopback=True))


@given(FIELDS)
def test_what_a_browser_writes_is_read_back_and_what_is_empty_is_absent(fields: Mapping[str, str]) -> None:
    assert read_parameters(urlencode(fields)) == {name: value for name, value in fields.items() if value}


@given(FIELDS.filter(bool), st.data())
@pytest.mark.spec("AZ-08")
def test_a_name_that_stands_twice_is_always_seen(fields: dict[str, str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(fields)))
    value = data.draw(TEXTS)
    pairs = [*fields.items(), (name, value)]
    shuffled = data.draw(st.permutations(pairs))
    with pytest.raises(InvalidRequest):
        read_parameters(urlencode(shuffled))


@given(st.text(st.sampled_from("ab=&+%;0f\xff\u1ecf"), max_size=40))
@example("&".join(["a=1"] * (MOST_FIELDS + 1)))
@example("a=%ff")
@example("%00=%00")
@settings(max_examples=300)
def test_any_text_is_read_or_refused_and_what_is_read_stood_there_once(text: str) -> None:
    try:
        found = read_parameters(text)
    except InvalidRequest:
        return
    pairs = parse_qsl(text, keep_blank_values=True)
    assert len({name for name, _ in pairs}) == len(pairs)
    assert found == {name: value for name, value in pairs if value}
    assert "\x00" not in "".join(found.values())


@given(st.text(max_size=60))
def test_any_cookie_header_is_read(header: str) -> None:
    assert all(isinstance(value, str) for value in read_cookies(header).values())


@given(st.text(max_size=40), st.integers(0, len(WEB)), LETTERS)
@pytest.mark.spec("AZ-01", "AZ-05")
@settings(max_examples=300)
def test_only_the_registered_address_itself_is_accepted(other: str, place: int, letter: str) -> None:
    client = a_client("web", WEB)
    for candidate in (other, WEB + other, WEB[:place] + letter + WEB[place:], WEB[:place] + letter + WEB[place + 1 :]):
        assert client.accepts_redirect(candidate) == (candidate == WEB)
    assert not client.accepts_redirect(NATIVE)


@given(st.integers(1, 65535), st.text(max_size=20), st.integers(0, len(NATIVE)), LETTERS)
@pytest.mark.spec("AZ-02")
@settings(max_examples=300)
def test_of_a_native_address_nothing_but_the_port_may_differ(port: int, other: str, place: int, letter: str) -> None:
    client = a_client("native", NATIVE)
    with_port = f"http://127.0.0.1:{port}/cb"
    assert client.accepts_redirect(with_port)
    assert not a_client("web", NATIVE).accepts_redirect(with_port)
    for candidate in (with_port + other, NATIVE[:place] + letter + NATIVE[place:]):
        assert not client.accepts_redirect(candidate) or is_only_another_port(candidate)


def is_only_another_port(candidate: str) -> bool:
    """Tell whether a text is the native address with at most a port of digits put in."""
    host, tail = "http://127.0.0.1", "/cb"
    middle = candidate.removeprefix(host).removesuffix(tail)
    return candidate == host + middle + tail and (not middle or (middle[0] == ":" and middle[1:].isdigit()))


@given(TEXTS)
@pytest.mark.spec("AZ-13")
def test_a_state_survives_the_way_back_and_brings_nothing_along(state: str) -> None:
    for address in (WEB, WEB + "?tenant=1"):
        back = location(redirect_uri=address, parameters={"code": "c", "state": state, "iss": None})
        assert back.isascii()
        assert back.isprintable()
        query = dict(parse_qsl(back.partition("?")[2], keep_blank_values=True, errors="strict"))
        assert query.pop("tenant", "1") == "1"
        assert query == {"code": "c", "state": state}
        assert back.startswith(address)
        assert "#" not in back
