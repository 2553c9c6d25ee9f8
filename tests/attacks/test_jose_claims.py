"""What strangers write into a token: other dates, other names, another kind. Each beside its honest twin."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from keys import JoseRefused, sign_jwt
from tests.unit.keys.forge import (
    HEADER,
    RULES,
    SECONDS,
    TYP,
    a_signer,
    an_honest_token,
    forged,
    headed,
    honest_claims,
    is_refused,
    read,
)


@pytest.mark.spec("JW-08")
@pytest.mark.parametrize(
    "typ",
    ["at+jwt", "dpop+jwt", "logout+jwt", "oauth-authz-req+jwt", "JWT", "", "application/at+jwt", None, 1, [TYP]],
)
def test_a_token_of_another_kind_is_refused(typ: object) -> None:
    is_refused(headed(typ=typ), "typ is not one of the expected")


@pytest.mark.spec("JW-08")
@pytest.mark.parametrize("typ", [TYP, TYP.upper(), f"application/{TYP}"])
def test_the_expected_kind_is_read_in_each_spelling_of_the_media_type(typ: str) -> None:
    assert read(headed(typ=typ)).header["typ"] == typ


@pytest.mark.spec("JW-08")
def test_a_token_without_typ_is_read_only_where_the_rules_say_so() -> None:
    assert "typ" not in read(headed(typ=...)).header
    is_refused(headed(typ=...), "typ is missing", rules=replace(RULES, typ=frozenset((TYP,))))


@pytest.mark.spec("JW-08")
@pytest.mark.parametrize("typs", [(), (f"application/{TYP}",), (TYP, TYP.upper())])
def test_rules_that_no_token_could_keep_are_none(typs: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="bare form"):
        replace(RULES, typ=frozenset(typs))


@pytest.mark.spec("JW-17")
def test_no_kind_of_our_own_tokens_passes_for_another() -> None:
    kinds = ("JWT", "at+jwt", "logout+jwt", "oauth-authz-req+jwt", "dpop+jwt")
    for made in kinds:
        token = sign_jwt(claims=honest_claims(), key=a_signer().signing, typ=made)
        for wanted in kinds:
            rules = replace(RULES, typ=frozenset((wanted.lower(),)))
            if made == wanted:
                assert read(token, rules=rules).header["typ"] == made
            else:
                is_refused(token, "typ is not one of the expected", rules=rules)


@pytest.mark.spec("JW-09")
@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize(
    "written",
    [b'"9999999999"', b"true", b"false", b"1e3", b"1788336060.5", b"-1", b"100000000000000000000", b"[1]", b"null"],
)
def test_a_date_that_is_no_whole_number_of_seconds_is_refused(claim: str, written: bytes) -> None:
    others = json.dumps(honest_claims(**{claim: ...}))[:-1].encode()
    token = forged(header=HEADER, claims=others + b', "' + claim.encode() + b'": ' + written + b"}")
    with pytest.raises(JoseRefused, match=claim):
        read(token)
    honest = forged(header=HEADER, claims=others + f', "{claim}": {SECONDS + 5}}}'.encode())
    assert read(honest).claims[claim] == SECONDS + 5


@pytest.mark.spec("JW-09")
@pytest.mark.parametrize("written", [b"1e400", b"-1e400", b"NaN", b"Infinity", b"1" * 5000])
def test_a_date_beyond_all_numbers_is_refused(written: bytes) -> None:
    others = json.dumps(honest_claims(exp=...))[:-1].encode()
    with pytest.raises(JoseRefused):
        read(forged(header=HEADER, claims=others + b', "exp": ' + written + b"}"))


@pytest.mark.spec("JW-09")
@pytest.mark.parametrize("claim", ["iss", "sub", "jti", "nonce", "client_id"])
@pytest.mark.parametrize("value", [7, True, ["https://rp.example"], {"a": 1}])
def test_a_name_that_is_no_string_is_refused(claim: str, value: object) -> None:
    is_refused(an_honest_token(**{claim: value}), f"{claim} is no string")


@pytest.mark.spec("CA-05")
@pytest.mark.parametrize("claim", ["iss", "sub", "aud", "exp", "jti"])
@pytest.mark.parametrize("value", [..., None, ""])
def test_a_token_without_a_required_claim_is_refused(claim: str, value: object) -> None:
    is_refused(an_honest_token(**{claim: value}), f"{claim} is missing or empty")


@pytest.mark.spec("CA-05")
@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_another_clock_may_be_ahead_by_the_leeway_and_no_further(claim: str) -> None:
    assert read(an_honest_token(**{claim: SECONDS + 10})).claims[claim] == SECONDS + 10
    is_refused(an_honest_token(**{claim: SECONDS + 11}), "from the future")


@pytest.mark.spec("CA-05")
def test_a_token_ends_in_the_very_second_that_it_names() -> None:
    assert read(an_honest_token(exp=SECONDS + 1)).claims["exp"] == SECONDS + 1
    is_refused(an_honest_token(exp=SECONDS), "expired")
    is_refused(an_honest_token(exp=SECONDS - 3600), "expired")


def test_a_hint_is_read_for_a_while_after_its_end() -> None:
    hints = replace(RULES, expired_up_to=3600)
    assert read(an_honest_token(exp=SECONDS - 3599), rules=hints).claims["exp"] == SECONDS - 3599
    is_refused(an_honest_token(exp=SECONDS - 3600), "expired", rules=hints)


@pytest.mark.spec("JW-10", "CA-05")
def test_a_token_that_lives_longer_than_its_kind_may_is_refused() -> None:
    assert read(an_honest_token(exp=SECONDS + 300)).claims["exp"] == SECONDS + 300
    is_refused(an_honest_token(exp=SECONDS + 311), "longer than its kind may be")
    is_refused(an_honest_token(exp=253_402_300_799), "longer than its kind may be")


@pytest.mark.spec("JW-10")
def test_a_token_without_an_end_ends_its_lifetime_after_it_was_made() -> None:
    proofs = replace(RULES, required=("jti", "iat"))
    assert read(an_honest_token(exp=..., iat=SECONDS - 299), rules=proofs).claims["iat"] == SECONDS - 299
    is_refused(an_honest_token(exp=..., iat=SECONDS - 300), "expired", rules=proofs)
    timeless = replace(RULES, required=("jti",))
    is_refused(an_honest_token(exp=..., iat=...), "neither exp nor iat", rules=timeless)


@pytest.mark.spec("CA-02")
@pytest.mark.parametrize(
    "aud",
    [
        "https://other.example",
        "https://sen.example/",
        "https://sen.example/token",
        "HTTPS://SEN.EXAMPLE",
        ["https://sen.example"],
        ["https://sen.example", "https://other.example"],
        {"https://sen.example": 1},
        7,
    ],
)
def test_a_token_for_another_audience_is_refused(aud: object) -> None:
    is_refused(an_honest_token(aud=aud), "aud")
    assert read(an_honest_token(aud="https://sen.example")).claims["aud"] == "https://sen.example"


def test_an_audience_among_others_is_read_where_the_rules_say_so() -> None:
    listed = replace(RULES, audience_may_be_array=True)
    assert read(an_honest_token(aud=["https://rs.example", "https://sen.example"]), rules=listed)
    assert read(an_honest_token(aud="https://sen.example"), rules=listed)
    is_refused(an_honest_token(aud=["https://rs.example"]), "another audience", rules=listed)
    is_refused(an_honest_token(aud=["https://sen.example", 7]), "no string", rules=listed)


@pytest.mark.parametrize("aud", [..., "https://rs.example", ["https://rs.example"]])
@pytest.mark.parametrize("iss", [..., "https://other.example"])
def test_issuer_and_audience_are_the_callers_matter_where_the_rules_name_none(iss: object, aud: object) -> None:
    rules = replace(RULES, expected_issuer=None, expected_audience=None, audience_may_be_array=True, required=("exp",))
    claims = read(an_honest_token(iss=iss, aud=aud), rules=rules).claims
    assert (claims.get("iss", ...), claims.get("aud", ...)) == (iss, aud)


@pytest.mark.spec("CA-03")
@pytest.mark.parametrize("iss", ["https://evil.example", "https://rp.example/", "HTTPS://rp.example"])
def test_a_token_of_another_issuer_is_refused(iss: str) -> None:
    is_refused(an_honest_token(iss=iss), "another issuer")
