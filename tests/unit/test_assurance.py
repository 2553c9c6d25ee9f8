"""From evidence to a level: the table of config/assurance.toml, and what is refused in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.assurance import CONDITIONS, FACTORS, Assurance, Evidence
from idp.errors import NotKnown, SettingsError

TABLE = Path(__file__).parents[2] / "config" / "assurance.toml"
ASSURANCE = Assurance.load(TABLE)
ACR_2 = "urn:sen:authentication-level:2"


def evidence(*factors: str, flags: str = "") -> Evidence:
    """Return a proof of these factors; `flags` are words of CONDITIONS."""
    words = flags.split()
    return Evidence(
        method="test",
        amr=(),
        factors=frozenset(factors),
        phishing_resistant="phishing_resistant" in words,
        hardware_bound="hardware_bound" in words,
        attested="attested" in words,
    )


PASSWORD = evidence("knowledge")
SECURITY_KEY_TOUCHED = evidence("possession", flags="phishing_resistant hardware_bound")
PASSKEY = evidence("possession", "local", flags="phishing_resistant hardware_bound")
SYNCED_PASSKEY = evidence("possession", "local", flags="phishing_resistant")
ATTESTED_PASSKEY = evidence("possession", "local", flags="phishing_resistant hardware_bound attested")
FINGERPRINT_PASSKEY = evidence("possession", "biometric", flags="phishing_resistant hardware_bound attested")
CLAIMED_FINGERPRINT = evidence("possession", "biometric", flags="phishing_resistant hardware_bound")
SYNCED_FINGERPRINT = evidence("possession", "biometric", flags="phishing_resistant attested")


@pytest.mark.spec("AL-01", "AL-02")
@pytest.mark.parametrize(
    ("proofs", "level"),
    [
        pytest.param([], 0, id="nothing proves nothing"),
        pytest.param([PASSWORD], 1, id="a password is one factor"),
        pytest.param([SECURITY_KEY_TOUCHED], 1, id="a touched key is one factor"),
        pytest.param([evidence("biometric", flags="attested")], 1, id="a biometric alone is one factor"),
        pytest.param([SECURITY_KEY_TOUCHED, SECURITY_KEY_TOUCHED], 1, id="the same factor twice is one factor"),
        pytest.param([evidence("local")], 1, id="an unlocked device alone is one factor"),
        pytest.param([evidence("local"), PASSWORD], 1, id="an unlock may have been the same code again"),
        pytest.param([PASSKEY], 2, id="a passkey with user verification"),
        pytest.param([ATTESTED_PASSKEY], 2, id="an attested passkey whose unlock may have been a code"),
        pytest.param([PASSWORD, SECURITY_KEY_TOUCHED], 2, id="two proofs of one login combine"),
        pytest.param([PASSKEY, PASSWORD], 2, id="a passkey and a password hold no sure biometric"),
        pytest.param([CLAIMED_FINGERPRINT], 2, id="a biometric that nobody vouches for"),
        pytest.param([FINGERPRINT_PASSKEY], 3, id="a passkey with an attested biometric"),
        pytest.param([FINGERPRINT_PASSKEY, PASSWORD], 4, id="all three factors, attested and in hardware"),
        pytest.param([CLAIMED_FINGERPRINT, PASSWORD], 2, id="three factors of which nobody vouches for one"),
    ],
)
def test_evidence_gives_the_level_that_the_decree_gives(proofs: list[Evidence], level: int) -> None:
    assert ASSURANCE.level_of(proofs) == level


@pytest.mark.spec("WR-10")
@pytest.mark.parametrize("passkey", [SYNCED_PASSKEY, SYNCED_FINGERPRINT])
@pytest.mark.parametrize("beside", [[], [PASSWORD], [SECURITY_KEY_TOUCHED]])
def test_a_synced_passkey_never_goes_above_level_2(passkey: Evidence, beside: list[Evidence]) -> None:
    assert ASSURANCE.level_of([passkey, *beside]) == 2


@pytest.mark.spec("WR-10")
def test_a_bound_passkey_goes_above_level_2_whatever_stands_beside_it() -> None:
    assert ASSURANCE.level_of([FINGERPRINT_PASSKEY, SYNCED_PASSKEY]) == 3


PROOFS = st.lists(
    st.builds(
        evidence,
        st.sampled_from([*sorted(FACTORS), "local", "unheard-of"]),
        st.sampled_from([*sorted(FACTORS), "local", "unheard-of"]),
        flags=st.sets(st.sampled_from(sorted(CONDITIONS))).map(" ".join),
    ),
    max_size=4,
)


@pytest.mark.spec("AL-01")
@given(proofs=PROOFS)
def test_no_evidence_gets_more_levels_than_it_has_factors_or_a_high_level_without_a_biometric(
    proofs: list[Evidence],
) -> None:
    level = ASSURANCE.level_of(proofs)
    kinds = frozenset[str]().union(*(proof.factors for proof in proofs)) - {"unheard-of"}
    assert level <= max(len(kinds) + 1, 1) * bool(kinds)
    if level >= 3:
        assert any("biometric" in proof.factors and proof.attested for proof in proofs)
    if level == 4:
        assert any("possession" in proof.factors and proof.hardware_bound for proof in proofs)


@pytest.mark.spec("AL-01")
@given(proofs=PROOFS, more=PROOFS)
def test_one_more_proof_never_lowers_the_level(proofs: list[Evidence], more: list[Evidence]) -> None:
    assert ASSURANCE.level_of([*proofs, *more]) >= ASSURANCE.level_of(proofs)


@pytest.mark.parametrize("name", ["LoA2", ACR_2])
def test_an_alias_and_the_canonical_name_stand_for_the_same_level(name: str) -> None:
    assert ASSURANCE.level_for(name) == 2


@pytest.mark.parametrize("name", ["2", "loa2", "LoA5", "", "02"])
def test_other_names_stand_for_no_level(name: str) -> None:
    assert ASSURANCE.level_for(name) is None


@pytest.mark.spec("AZ-22")
@pytest.mark.parametrize(
    ("level", "asked", "met"),
    [
        (2, [], True),
        (2, ["LoA2"], True),
        (3, ["LoA2"], True),
        (1, ["LoA2"], False),
        (2, ["LoA3", "LoA2"], True),
        (1, ["LoA3", "LoA2"], False),
        (4, ["unheard-of"], False),
        (2, ["unheard-of", "LoA1"], True),
    ],
)
def test_a_level_meets_the_names_that_ask_for_no_more(level: int, asked: list[str], met: object) -> None:
    assert ASSURANCE.meets(level, asked) is met


@pytest.mark.spec("AL-01", "AZ-22")
@pytest.mark.parametrize(
    ("level", "asked", "stated"),
    [
        (2, [], ACR_2),
        (2, ["LoA2"], "LoA2"),
        (3, ["LoA2", "LoA3"], "LoA2"),
        (2, ["LoA3", "LoA1"], "LoA1"),
        (2, ["LoA4"], ACR_2),
        (2, ["unheard-of"], ACR_2),
    ],
)
def test_a_token_states_the_first_asked_name_that_is_true(level: int, asked: list[str], stated: str) -> None:
    assert ASSURANCE.name_for_token(level, asked) == stated


def test_the_least_level_is_the_lowest_of_the_known_names() -> None:
    assert ASSURANCE.least_level(["LoA3", "unheard-of", "LoA2"]) == 2
    assert ASSURANCE.least_level(["unheard-of"]) is None


@pytest.mark.parametrize("level", [0, 5])
def test_a_level_that_is_not_in_the_table_has_no_name(level: int) -> None:
    with pytest.raises(NotKnown):
        ASSURANCE.acr_of(level)


@pytest.mark.spec("ID-10")
def test_every_name_in_discovery_can_be_asked_for() -> None:
    names = ASSURANCE.supported_acr_values()
    assert len(names) == 8
    assert [ASSURANCE.level_for(name) for name in names] == [1, 1, 2, 2, 3, 3, 4, 4]


def test_both_scales_have_names_in_both_languages() -> None:
    assert ASSURANCE.account_level_name("02", language="vi") == "Tài khoản mức độ 02"
    assert ASSURANCE.account_level_name("01", language="en") == "Account level 01"
    assert ASSURANCE.level_name(2, language="vi") == "Mức độ xác thực 2"
    assert "fingerprint" in ASSURANCE.level_description(3, language="en")
    with pytest.raises(NotKnown):
        ASSURANCE.account_level_name("2", language="vi")


def test_account_levels_are_ordered() -> None:
    assert ASSURANCE.account_meets("02", least="01")
    assert ASSURANCE.account_meets("01", least="01")
    assert not ASSURANCE.account_meets("01", least="02")


def changed(tmp_path: Path, *swaps: tuple[str, str]) -> Path:
    """Return a copy of the table in which each left text has become the right one."""
    text = TABLE.read_text(encoding="utf-8")
    for old, new in swaps:
        assert old in text
        text = text.replace(old, new, 1)
    copy = tmp_path / "assurance.toml"
    copy.write_text(text, encoding="utf-8")
    return copy


@pytest.mark.parametrize(
    ("swap", "complaint"),
    [
        (('aliases = ["LoA2"]', 'aliases = ["LoA2"]\ncolour = "red"'), "colour: unknown key"),
        (('name.vi = "Mức độ xác thực 2"\n', ""), "name: must have a text"),
        (('acr = "urn:sen:authentication-level:2"\n', ""), "acr: missing"),
        (("level = 2", 'level = "2"'), "level: must be of type int"),
        (("level = 2", "level = true"), "level: must be of type int"),
        (("level = 3", "level = 5"), "levels must be 1, 2, 3"),
        (('"LoA3"', '"LoA2"'), "LoA2: stands for two levels"),
        (('"LoA3"', '"LoA 3"'), "a name has no spaces"),
        (('["biometric"]', '["iris"]'), "factors that do not exist"),
        (("different_factors = 3", "different_factors = 1"), "takes less than level 3"),
        (('aliases = ["LoA2"]', "aliases = [2]"), "aliases: must hold words"),
        (('aliases = ["LoA2"]', 'aliases = [""]'), "aliases: must hold words"),
        (('["biometric"]', '[["biometric"]]'), "required_factors: must hold words"),
        (("different_factors = 1", "different_factors = 0"), "factors that do not exist"),
        (("different_factors = 3", "different_factors = 4"), "factors that do not exist"),
        (('["biometric", "possession", "knowledge"]', '["possession", "knowledge"]'), "takes less than level 3"),
        (('["hardware_bound", "attested", "phishing_resistant"]', '["attested"]'), "takes less than level 3"),
        (('conditions.possession = ["hardware_bound", "attested", "phishing_resistant"]\n', ""), "less than level 3"),
        (('["hardware_bound", "attested"]', '["fine"]'), "conditions.biometric"),
        (('["hardware_bound", "attested"]', '""'), "conditions.biometric"),
        (('["hardware_bound", "attested"]', "{ attested = true }"), "conditions.biometric"),
        (('["hardware_bound", "attested"]', "7"), "conditions.biometric"),
        (("conditions.biometric", "conditions.iris"), "conditions.iris: not a factor"),
        (('level = "02"', 'level = "01"'), "01: listed twice"),
        (("\n[[account]]", "\n[[accounts]]"), "accounts: unknown key"),
        (("\n[[authentication]]", "\n[[authentication"), "line"),
    ],
)
def test_a_broken_table_stops_the_start(tmp_path: Path, swap: tuple[str, str], complaint: str) -> None:
    with pytest.raises(SettingsError, match=r"assurance\.toml") as refusal:
        Assurance.load(changed(tmp_path, swap))
    assert complaint in str(refusal.value)


@pytest.mark.parametrize("scale", ["authentication", "account"])
def test_a_scale_without_a_level_stops_the_start(tmp_path: Path, scale: str) -> None:
    _, *rows = re.split(r"^(?=\[\[)", TABLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    others = [row for row in rows if not row.startswith(f"[[{scale}]]")]
    path = tmp_path / "assurance.toml"
    path.write_text(f"{scale} = []\n{''.join(others)}", encoding="utf-8")
    with pytest.raises(SettingsError) as refusal:
        Assurance.load(path)
    assert refusal.value.reasons == (f"assurance.toml: {scale}: at least one [[{scale}]] is needed",)


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    broken = changed(tmp_path, ("level = 2", 'level = "2"'), ('aliases = ["LoA3"]\n', ""))
    with pytest.raises(SettingsError) as refusal:
        Assurance.load(broken)
    assert len(refusal.value.reasons) == 2


def test_a_table_that_is_not_there_is_one_clear_reason(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refusal:
        Assurance.load(tmp_path / "assurance.toml")
    assert len(refusal.value.reasons) == 1
