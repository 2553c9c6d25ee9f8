"""What a system asks for while a gate is being shut: refused by the statement itself, and written down as nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from idp.audit.events import MachineAuthorized, TokenExchanged
from idp.protocol.grants import alive
from idp.storage.sql.tables import audit_event
from tests.support.foreign.systems import Line, asks_for_token, exchanges
from tests.support.house import members
from tests.support.signed_in import ends_portal

if TYPE_CHECKING:
    from typing import Any

    import pytest

    from tests.support.house import House


def written(house: House, kind: type, client_id: str) -> int:
    """Count the events of one kind about a relying party."""
    events = select(func.count()).where(audit_event.c.type == kind.__name__, audit_event.c.client_id == client_id)
    return int(house.office.database.consult(lambda connection: connection.execute(events).scalar_one()))


def test_an_exchange_that_finds_its_parent_ended_leaves_no_event(
    any_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line(any_house)
    assert exchanges(line.server, line.tokens.access, resource=line.second).status_code == 200
    found = alive.find

    def ends_just_after(**arguments: Any) -> Any:
        token = found(**arguments)
        assert line.portal.revokes(line.tokens.access).status_code == 200
        return token

    monkeypatch.setattr(alive, "find", ends_just_after)
    answer = exchanges(line.server, line.tokens.access, resource=line.second)
    assert (answer.status_code, members(answer)["error"]) == (400, "invalid_grant")
    assert written(any_house, TokenExchanged, line.server.client_id) == 1


def test_a_token_of_its_own_that_comes_too_late_leaves_no_event(
    any_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line(any_house)
    assert asks_for_token(line.server, resource=line.second).status_code == 200
    store = any_house.services.provider.machine_authorizations
    create = store.create

    def ends_just_before(*given: Any, **named: Any) -> bool:
        ends_portal(line.server)
        return create(*given, **named)

    monkeypatch.setattr(type(store), "create", lambda _self, *given, **named: ends_just_before(*given, **named))
    answer = asks_for_token(line.server, resource=line.second)
    assert (answer.status_code, members(answer)["error"]) == (400, "invalid_grant")
    assert written(any_house, MachineAuthorized, line.server.client_id) == 1
