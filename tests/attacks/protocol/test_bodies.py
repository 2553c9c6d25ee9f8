"""Attacks by bodies: too long, too many fields, unreadable."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client

from tests.support.house import answered, members

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.house import House, Portal


def refused(response: TestResponse, error: str = "invalid_grant") -> bool:
    """Tell whether a token request was refused as expected."""
    assert members(response)["error"] == error
    return response.status_code == 400


@pytest.mark.spec("HT-05", "F23")
def test_a_body_is_measured_before_it_is_read(portal: Portal) -> None:
    class Unread:
        """A body that breaks whoever reads it."""

        def read(self, *_: object) -> bytes:
            raise AssertionError("the body was read")

    lengths = ["65537", "10000000", "00000000000065537", "0" * 40 + "9" * 10, "-1", "1e3", "٣", "x"]
    for length in lengths:
        overrides = {
            "REQUEST_METHOD": "POST",
            "CONTENT_LENGTH": length,
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "wsgi.input": Unread(),
        }
        response = portal.http.get("/token", environ_overrides=overrides)
        assert response.status_code == 413, length


@pytest.mark.spec("HT-05", "F23")
def test_a_form_has_at_most_a_hundred_fields(portal: Portal) -> None:
    fields = {f"f{number}": "x" for number in range(110)}
    assert refused(portal.post("/token", grant_type="refresh_token", **fields), "invalid_request")
    few = {f"f{number}": "x" for number in range(50)}
    assert refused(portal.post("/token", grant_type="refresh_token", refresh_token="sen_rt_x", **few))


@pytest.mark.parametrize(
    "body", [b"\xff\xfe=x", b"code=%ff", b"a=%00", b"a" * 60_000, gzip.compress(b"code=x", mtime=0)]
)
@pytest.mark.spec("HT-10", "F23")
def test_a_body_that_cannot_be_read_is_refused(portal: Portal, body: bytes) -> None:
    response = portal.http.post("/token", data=body, content_type="application/x-www-form-urlencoded")
    assert refused(response, "invalid_request")


@pytest.mark.spec("HT-05", "HT-10")
def test_json_that_lies_too_deep_is_refused_like_any_other_mistake(house: House) -> None:
    portal, deep = house.registers_portal(), "[" * 300 + "]" * 300
    for claims in (f'{{"userinfo":{{"name":{{"value":{deep}}}}}}}', f'{{"id_token":{{"x":{{"values":{deep}}}}}}}'):
        response = house.browser().get(portal.asks(claims=claims, prompt="none").url)
        assert answered(response)["error"] == "invalid_request"
    shallow = portal.asks(claims='{"userinfo":{"name":{"value":[["x"]]}}}', prompt="none")
    assert answered(house.browser().get(shallow.url))["error"] == "login_required"
    metadata = f'{{"redirect_uris":["https://portal.example/cb"],"client_name":"a","contacts#x":{deep}}}'
    assert refused(
        Client(house.app).post("/register", data=metadata, content_type="application/json"), "invalid_client_metadata"
    )
