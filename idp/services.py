"""The bag of long-lived things that a view may use, typed; made once per process by `idp/wiring.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from idp.audit.store import AuditStore
    from idp.citizens.register import Register
    from idp.citizens.store import ActivationCodeStore, CitizenStore, PasskeyStore, SessionStore
    from idp.consents import Consents
    from idp.journal import Journal
    from idp.login.journey import Journey
    from idp.login.transaction import Transactions
    from idp.metrics import Metrics
    from idp.protocol.provider import Provider
    from idp.relying_parties.registration import Registrar
    from idp.sessions import Sessions


@dataclass(frozen=True, slots=True)
class People:
    """The stores of the citizens' room."""

    citizens: CitizenStore
    passkeys: PasskeyStore
    sessions: SessionStore
    codes: ActivationCodeStore
    register: Register


@dataclass(frozen=True, slots=True)
class Services:
    """What views work with. `checks` are run by /health/ready, each raising when its part does not answer."""

    provider: Provider
    people: People
    sessions: Sessions
    transactions: Transactions
    journey: Journey
    registrar: Registrar
    consents: Consents
    audit: AuditStore
    metrics: Metrics
    journal: Journal
    checks: Mapping[str, Callable[[], object]]
    close: Callable[[], None]
