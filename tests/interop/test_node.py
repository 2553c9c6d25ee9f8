"""npm openid-client 6 and oauth4webapi 3: programs as the developer of a relying party writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.interop.programs import HERE, run

if TYPE_CHECKING:
    from tests.interop.citizen import Citizen
    from tests.interop.programs import Provider

PROGRAMS = {
    "fapi2.mjs": ("fapi2",),
    "fapi2_low_level.mjs": ("fapi2-resource",),
    "fapi2_signing.mjs": ("fapi2-signing",),
    "mutual_tls.mjs": ("portal-mtls", "portal-self-signed"),
    "web.mjs": ("web-basic", "web-post"),
    "encrypted.mjs": ("encrypted-rsa", "encrypted-ec"),
    "device.mjs": ("device",),
    "ciba.mjs": ("ciba",),
    "ciba_ping.mjs": ("ciba-ping",),
    "rotation.mjs": ("app",),
    "machine.mjs": ("machine-basic", "machine-post", "machine-key", "machine-mtls", "machine-self-signed"),
    "introspection.mjs": ("records", "registers"),
    "token_exchange.mjs": ("exchanging",),
    "rich_authorization.mjs": ("fapi2",),
    "registration.mjs": ("web-basic",),
}
RUNS = [(program, client) for program, clients in PROGRAMS.items() for client in clients]


@pytest.mark.parametrize(("program", "client"), RUNS)
def test_a_program_gets_along_with_sen(program: str, client: str, provider: Provider, citizen: Citizen) -> None:
    environ = provider.environ(client, PERSONAL_NUMBER=citizen.number())
    run(["node", str(HERE / "node" / program)], environ=environ, citizen=citizen)


def test_no_program_is_left_out() -> None:
    found = {file.name for file in (HERE / "node").glob("*.mjs")}
    assert found - set(PROGRAMS) == {"express.mjs", "login.mjs", "setting.mjs"}  # test_servers.py, and shared parts
