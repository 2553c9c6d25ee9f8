"""PyPI idpyoidc, in an environment of its own: what it needs is not what Sen needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.interop.programs import HERE, run
from tests.support.demo import ROOT

if TYPE_CHECKING:
    from tests.interop.citizen import Citizen
    from tests.interop.programs import Provider

PYTHON = ROOT / ".venv" / "interop" / "bin" / "python"


def test_idpyoidc_logs_in_with_a_pushed_request_and_a_bound_token(provider: Provider, citizen: Citizen) -> None:
    run([str(PYTHON), str(HERE / "python" / "portal.py")], environ=provider.environ("idpyoidc"), citizen=citizen)
