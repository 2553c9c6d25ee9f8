"""Settings: the manual is complete, and everything that is wrong is said at once."""

from __future__ import annotations

import base64
import re
import tomllib
from dataclasses import fields
from typing import TYPE_CHECKING, get_type_hints

import pytest

from idp.errors import SettingsError
from idp.settings import Settings, data_folder, load
from idp.settings.production_rules import PRODUCTION_RULES
from idp.settings.rules import RULES

if TYPE_CHECKING:
    from pathlib import Path

DEVELOPMENT = {"SEN_ENVIRONMENT": "development"}
PRODUCTION = {
    "SEN_ENVIRONMENT": "production",
    "SEN_SERVER__ISSUER": "https://login.example",
    "SEN_SECRETS__MASTER_KEY": base64.b64encode(b"thirty-two bytes of a test key!!").decode(),
}

BROKEN_RULES = {
    "[server] environment must be production or development": {"SEN_SERVER__ENVIRONMENT": "staging"},
    "[server] issuer must be an http(s) origin without path, query or slash at the end": {
        "SEN_SERVER__ISSUER": "https://login.example/"
    },
    "[server] port must be 1 to 65535": {"SEN_SERVER__PORT": "65536"},
    "[server] workers and threads must be at least 1": {"SEN_SERVER__THREADS": "0"},
    "[server] drain_seconds must be at least 1": {"SEN_SERVER__DRAIN_SECONDS": "0"},
    "[front] secret must have at least 32 printable characters, or none": {"SEN_FRONT__SECRET": "short"},
    "[front] mtls_base must be an https origin without path, and another than the issuer": {
        "SEN_FRONT__MTLS_BASE": "http://mtls.login.example"
    },
    "[front] mtls_base needs socket or secret, by which the front is known": {
        "SEN_FRONT__MTLS_BASE": "https://mtls.login.example"
    },
    "[storage] pool_size and timeout_seconds must be above 0": {"SEN_STORAGE__TIMEOUT_SECONDS": "0"},
    "[storage] redis_connect_seconds and redis_answer_seconds must be above 0": {
        "SEN_STORAGE__REDIS_ANSWER_SECONDS": "0"
    },
    "[secrets] master_key must be 32 bytes in base64": {"SEN_SECRETS__MASTER_KEY": "c2hvcnQ="},
    "[secrets] each of former_master_keys must be 32 bytes in base64": {
        "SEN_SECRETS__FORMER_MASTER_KEYS": "c2hvcnQ=,x"
    },
    "[tokens] code_seconds must be 1 to 60": {"SEN_TOKENS__CODE_SECONDS": "61"},
    "[tokens] pushed_request_seconds must be 1 to 599": {"SEN_TOKENS__PUSHED_REQUEST_SECONDS": "600"},
    "[tokens] id_token_seconds must be 1 to 300": {"SEN_TOKENS__ID_TOKEN_SECONDS": "301"},
    "[tokens] access_token_seconds must be 1 to 3600": {"SEN_TOKENS__ACCESS_TOKEN_SECONDS": "0"},
    "[tokens] refresh_token_days must be at least 1": {"SEN_TOKENS__REFRESH_TOKEN_DAYS": "0"},
    "[tokens] assertion_seconds must be 1 to 300": {"SEN_TOKENS__ASSERTION_SECONDS": "301"},
    "[keys] algorithms must begin with ES256 and go on with any of RS256, PS256, EdDSA": {
        "SEN_KEYS__ALGORITHMS": "ES256, HS256"
    },
    "[keys] custodian must be software": {"SEN_KEYS__CUSTODIAN": "hsm"},
    "[server] trusted_proxies must list IP addresses": {"SEN_SERVER__TRUSTED_PROXIES": "[10.0.0.1]"},
    "[keys] jwks_cache_seconds and active_days must be at least 1": {"SEN_KEYS__ACTIVE_DAYS": "0"},
    "[sessions] warning_seconds must be below idle_seconds, and that below absolute_seconds": {
        "SEN_SESSIONS__WARNING_SECONDS": "900"
    },
    "[sessions] absolute_seconds must be at most 12 hours": {"SEN_SESSIONS__ABSOLUTE_SECONDS": "43201"},
    "[passkeys] attestation must be none or direct": {"SEN_PASSKEYS__ATTESTATION": "indirect"},
    "[passkeys] rp_id must be the issuer's host or a parent of it": {"SEN_PASSKEYS__RP_ID": "ocalhost"},
    "[passkeys] challenge_seconds must be 1 to 300": {"SEN_PASSKEYS__CHALLENGE_SECONDS": "301"},
    "[notices] gateway must be an https address, or one of this machine": {
        "SEN_NOTICES__GATEWAY": "http://gateway.example/notices"
    },
    "[consent] longest_days must be 1 to 365": {"SEN_CONSENT__LONGEST_DAYS": "366"},
    "[outbound] connect_seconds must be above 0, and total_seconds at least as long and at most 10": {
        "SEN_OUTBOUND__TOTAL_SECONDS": "1"
    },
    "[outbound] largest_bytes must be 1024 to 1048576": {"SEN_OUTBOUND__LARGEST_BYTES": "1023"},
    "[registration] token_days must be 1 to 90": {"SEN_REGISTRATION__TOKEN_DAYS": "91"},
    "[log] level must be debug, info, warning or error": {"SEN_LOG__LEVEL": "loud"},
    "[device] code_seconds must be 300 to 600": {"SEN_DEVICE__CODE_SECONDS": "601"},
    "[device] interval_seconds must be at least 1": {"SEN_DEVICE__INTERVAL_SECONDS": "0"},
    "[ciba] request_seconds must be at least 1, and longest_request_seconds at least as long and at most 600": {
        "SEN_CIBA__LONGEST_REQUEST_SECONDS": "601"
    },
    "[ciba] interval_seconds, fresh_seconds, blocked_hours and requests_per_person must be at least 1": {
        "SEN_CIBA__BLOCKED_HOURS": "0"
    },
}

DEVELOPMENT_VALUES = {
    "production: [server] issuer must begin with https://": {"SEN_SERVER__ISSUER": "http://login.example"},
    "production: [server] debug must be off": {"SEN_SERVER__DEBUG": "true"},
    "production: [secrets] no master key may be the development key": {
        "SEN_SECRETS__FORMER_MASTER_KEYS": "ZGV2ZWxvcG1lbnQtb25seS1tYXN0ZXIta2V5LTAwMDE="
    },
    "production: [storage] redis_connect_seconds and redis_answer_seconds together must be below 1": {
        "SEN_STORAGE__REDIS_ANSWER_SECONDS": "0.8"
    },
    "production: [outbound] allow_loopback must be off": {"SEN_OUTBOUND__ALLOW_LOOPBACK": "true"},
    "production: [outbound] extra_ca must be empty": {"SEN_OUTBOUND__EXTRA_CA": "ca.pem"},
    "production: [registration] open must be off and open_loosened empty": {
        "SEN_REGISTRATION__OPEN_LOOSENED": "no_pkce"
    },
    "production: [log] level must not be debug": {"SEN_LOG__LEVEL": "debug"},
    "production: [server] trusted_proxies must name addresses, not *": {"SEN_SERVER__TRUSTED_PROXIES": "10.0.0.1, *"},
}


def reasons_of(environ: dict[str, str]) -> tuple[str, ...]:
    """Return everything that stops the start."""
    with pytest.raises(SettingsError) as refused:
        load(environ)
    return refused.value.reasons


def test_development_settings_are_whole() -> None:
    settings = load(DEVELOPMENT)
    assert settings.server.issuer == "http://localhost:8000"
    assert settings.rp_id == "localhost"


def test_production_needs_only_an_issuer_and_a_master_key() -> None:
    settings = load(PRODUCTION)
    assert settings.server.secure
    assert len(settings.secrets.master) == 32


@pytest.mark.parametrize("key", ["", "no base64!", "c2hvcnQ="])
def test_without_a_master_key_nothing_starts(key: str) -> None:
    said = ("[secrets] master_key must be 32 bytes in base64",)
    assert reasons_of({**PRODUCTION, "SEN_SECRETS__MASTER_KEY": key}) == said


def test_an_environment_that_is_none_of_two_is_named() -> None:
    assert "SEN_ENVIRONMENT: production or development" in reasons_of({"SEN_ENVIRONMENT": "prod"})


def test_the_manual_explains_every_setting_in_a_comment_and_no_other() -> None:
    lines = (data_folder("config") / "default.toml").read_text(encoding="utf-8").splitlines()
    explained = {line.split(" =")[0] for line in lines if re.match(r"[a-z_]+ = .+# \S", line)}
    manual = tomllib.loads("\n".join(lines))
    assert {key for section in manual.values() for key in section} == explained
    rooms = {room: {key.name for key in fields(kind)} for room, kind in get_type_hints(Settings).items()}
    assert {section: set(keys) for section, keys in manual.items()} == rooms


@pytest.mark.parametrize("text", BROKEN_RULES)
def test_a_broken_rule_is_named(text: str) -> None:
    assert text in reasons_of({**DEVELOPMENT, **BROKEN_RULES[text]})


def test_every_rule_has_its_breach_in_this_file() -> None:
    assert [rule.text for rule in RULES] == list(BROKEN_RULES)
    assert [rule.text for rule in PRODUCTION_RULES] == list(DEVELOPMENT_VALUES)


def test_every_rule_reads_settings_that_exist() -> None:
    known = {f"{room.name}.{key}" for room in fields(Settings) for key in tomllib_keys(room.name)}
    assert {key for rule in RULES + PRODUCTION_RULES for key in rule.reads} <= known


def tomllib_keys(section: str) -> list[str]:
    """Return the manual's keys of a section."""
    manual = tomllib.loads((data_folder("config") / "default.toml").read_text(encoding="utf-8"))
    return list(manual[section])


@pytest.mark.parametrize("text", DEVELOPMENT_VALUES)
def test_production_refuses_development_values(text: str) -> None:
    assert reasons_of({**PRODUCTION, **DEVELOPMENT_VALUES[text]}) == (text,)


def test_production_does_not_run_under_development_settings_by_mistake() -> None:
    found = reasons_of({**PRODUCTION, "SEN_SERVER__ENVIRONMENT": "development"})
    assert found == ("[server] environment says development, SEN_ENVIRONMENT says production",)


def test_everything_wrong_is_said_at_once() -> None:
    found = reasons_of(
        {
            **DEVELOPMENT,
            "SEN_SERVER__PORT": "eighty",
            "SEN_SERVER__DEBUG": "perhaps",
            "SEN_TOKENS__CODE_SECONDS": "700",
            "SEN_SESSIONS__IDLE_SECONDS": "soon",
            "SEN_LOG__LEVEL": "loud",
            "SEN_LOG__COLOUR": "red",
            "SEN_NOWHERE__AT_ALL": "1",
            "SEN_NOSECTION": "1",
        }
    )
    assert set(found) == {
        "[server] port: a whole number is needed",
        "[server] debug: true or false is needed",
        "[sessions] idle_seconds: a whole number is needed",
        "[tokens] code_seconds must be 1 to 60",
        "[log] level must be debug, info, warning or error",
        "[log] colour: no such setting",
        "[nowhere]: no such section",
        "SEN_NOSECTION: settings are named SEN_<SECTION>__<KEY>",
    }


def test_a_value_of_a_file_must_have_its_type(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(
        '[server]\nport = "8000"\nworkers = true\ntrusted_proxies = "10.0.0.1"\n[keys]\nactive_days = 1.5\n'
    )
    assert set(reasons_of({**DEVELOPMENT, "SEN_CONFIG": str(mine)})) == {
        "[server] port: a whole number is needed, not a text",
        "[server] workers: a whole number is needed, not true or false",
        "[server] trusted_proxies: a list is needed, not str",
        "[keys] active_days: a whole number is needed, not a number",
    }


def test_a_file_of_the_operator_lies_over_the_manual_and_variables_over_both(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(
        '[server]\nport = 9000\nthreads = 7\ntrusted_proxies = ["10.0.0.1"]\n[storage]\ntimeout_seconds = 1\n'
    )
    settings = load({**DEVELOPMENT, "SEN_CONFIG": str(mine), "SEN_SERVER__PORT": "9001"})
    assert (settings.server.port, settings.server.threads) == (9001, 7)
    assert settings.server.trusted_proxies == ("10.0.0.1",)
    assert settings.storage.timeout_seconds == 1.0


def test_a_file_that_is_not_there_or_not_toml_is_named(tmp_path: Path) -> None:
    absent = tmp_path / "absent.toml"
    assert f"{absent}: cannot be read" in reasons_of({**DEVELOPMENT, "SEN_CONFIG": str(absent)})
    broken = tmp_path / "broken.toml"
    broken.write_text("[server\n")
    assert any(line.startswith(f"{broken}: ") for line in reasons_of({**DEVELOPMENT, "SEN_CONFIG": str(broken)}))


def test_a_number_that_is_no_number_is_refused() -> None:
    for text in ("nan", "inf"):
        found = reasons_of({**DEVELOPMENT, "SEN_STORAGE__TIMEOUT_SECONDS": text})
        assert found == ("[storage] timeout_seconds: a number is needed",)


@pytest.mark.parametrize(
    "issuer",
    [
        "https://login.example:99999",
        "https://login.example/path",
        "https://login.example?x",
        "https://user@login.example",
        "ftp://login.example",
        "login.example",
        "https://login.exa\tmple",
        "https://",
    ],
)
def test_an_issuer_is_a_plain_origin(issuer: str) -> None:
    text = "[server] issuer must be an http(s) origin without path, query or slash at the end"
    assert text in reasons_of({**DEVELOPMENT, "SEN_SERVER__ISSUER": issuer})


def test_passkeys_may_belong_to_a_parent_of_the_issuers_host() -> None:
    environ = {**PRODUCTION, "SEN_SERVER__ISSUER": "https://login.gov.example", "SEN_PASSKEYS__RP_ID": "gov.example"}
    assert load(environ).rp_id == "gov.example"


def test_secrets_and_addresses_do_not_show_in_a_repr() -> None:
    shown = repr(load({**DEVELOPMENT, "SEN_STORAGE__DATABASE_URL": "postgresql+psycopg://sen:hunter2@db/sen"}))
    assert "hunter2" not in shown
    assert "ZGV2ZWxvcG1lbnQ" not in shown


def test_no_reason_repeats_a_secret() -> None:
    found = reasons_of(
        {**DEVELOPMENT, "SEN_SECRETS__MASTER_KEY": "my-secret-key", "SEN_SERVER__PORT": "my-secret-port"}
    )
    assert "my-secret" not in "\n".join(found)


@pytest.mark.parametrize(
    "gateway", ["https://gateway.example/notices?from=sen", "https://10.20.30.40:8443", "http://127.0.0.1:9/n"]
)
def test_a_gateway_is_an_address_that_will_be_called(gateway: str) -> None:
    assert load({**DEVELOPMENT, "SEN_NOTICES__GATEWAY": gateway}).notices.gateway == gateway


@pytest.mark.parametrize(
    "gateway",
    [
        "http://10.20.30.40/notices", "ftp://localhost/n", "https://user:word@gateway.example/n", "gateway.example",
        "https://gateway.example/n#part", "https://gateway.example:99999/n", "https://gate way.example/n",
        "https://[bad/n", "https://gateway.example/\\n",
    ],
)  # fmt: skip
def test_a_gateway_is_no_address_that_would_be_refused_when_it_is_called(gateway: str) -> None:
    refused = ("[notices] gateway must be an https address, or one of this machine",)
    assert reasons_of({**DEVELOPMENT, "SEN_NOTICES__GATEWAY": gateway}) == refused
