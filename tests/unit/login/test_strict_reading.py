"""The gates in front of every decoder: base64url, JSON and CBOR."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from idp.login.authenticator_data import check_cbor, read_authenticator_data
from idp.login.client_data import decode_base64url, encode_base64url, read_json_object
from idp.login.passkey_refusal import CheckFailed

SIMPLE = st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats() | st.binary() | st.text()
NESTED = st.recursive(SIMPLE, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=32)


@given(st.binary())
def test_base64url_has_one_spelling_for_every_value(value: bytes) -> None:
    assert decode_base64url(encode_base64url(value), name="x") == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("YQ==", "x is not base64url"),
        ("Y", "x is not base64url"),
        ("YR", "x is not canonical base64url"),
        ("Y+", "x is not base64url"),
        ("Y/", "x is not base64url"),
        ("YQ\n", "x is not base64url"),
        (" YQ", "x is not base64url"),
        ("ÝQ", "x is not base64url"),
        (b"YQ", "x is not base64url"),
        (None, "x is not base64url"),
    ],
)
def test_another_spelling_of_base64url_is_refused(text: object, reason: str) -> None:
    assert decode_base64url("YQ", name="x") == b"a"

    with pytest.raises(CheckFailed, match=f"^{reason}$"):
        decode_base64url(text, name="x")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_as_json_or_refused(value: bytes) -> None:
    try:
        found = read_json_object(value, limit=100, name="x")
    except CheckFailed:
        return
    assert isinstance(found, dict)


@given(NESTED)
@example([[[[]]]])
@example([[[[[]]]]])
def test_plain_cbor_passes_the_gate_unless_it_is_too_deep(value: object) -> None:
    encoded = cbor2.dumps(value)
    if depth(value) <= 4:
        check_cbor(encoded)
    else:
        with pytest.raises(CheckFailed, match="nested too deeply"):
            check_cbor(encoded)


def depth(value: object) -> int:
    """Count containers around the deepest item."""
    if isinstance(value, dict):
        return 1 + max((depth(item) for item in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth(item) for item in value), default=0)
    return 0


@given(st.binary(max_size=300))
def test_any_bytes_pass_the_gate_or_are_refused(value: bytes) -> None:
    try:
        check_cbor(value)
    except CheckFailed:
        return
    assert value[0] >> 5 != 6  # what passed is no tag


@pytest.mark.spec("WR-07")
@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        ("", "CBOR is cut short"),
        ("19 01", "CBOR is cut short"),
        ("1b 00 00", "CBOR is cut short"),
        ("62 61", "a CBOR string is cut short"),
        ("82 01", "a CBOR container is cut short"),
        ("a1 01", "a CBOR container is cut short"),
        ("01 01", "bytes follow the CBOR item"),
        ("81 81 81 81 81 01", "CBOR nested too deeply"),
        ("9f 01 ff", "CBOR of indefinite length or reserved form"),
        ("5f 41 00 ff", "CBOR of indefinite length or reserved form"),
        ("1d", "CBOR of indefinite length or reserved form"),
        ("c1 00", "CBOR tags have no place here"),
    ],
)
def test_cbor_that_is_not_plain_is_refused(encoded: str, reason: str) -> None:
    check_cbor(bytes.fromhex("81 81 81 81 01"))

    with pytest.raises(CheckFailed, match=f"^{reason}$"):
        check_cbor(bytes.fromhex(encoded))


@pytest.mark.spec("WR-07", "WV-05")
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x00" * 36, "authenticator data of 36 bytes"),
        (b"\x00" * 4097, "authenticator data of 4097 bytes"),
        (b"\x00" * 37 + b"\xa0", "bytes follow the authenticator data"),
        (b"\x00" * 32 + b"\x80" + b"\x00" * 4, "CBOR is cut short"),
        (b"\x00" * 32 + b"\x80" + b"\x00" * 4 + b"\xa0\xa0", "bytes follow the authenticator data"),
        (b"\x00" * 32 + b"\x40" + b"\x00" * 100, "attested credential data"),
    ],
)
def test_authenticator_data_of_the_wrong_length_is_refused(data: bytes, reason: str) -> None:
    assert read_authenticator_data(b"\x00" * 36 + b"\x07", at_registration=False).sign_count == 7

    with pytest.raises(CheckFailed, match=reason):
        read_authenticator_data(data, at_registration=False)
