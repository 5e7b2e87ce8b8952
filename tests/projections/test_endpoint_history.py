"""The history of endpoints, compared with a look at every event."""

from typing import Any, NamedTuple
from uuid import UUID

from domain.connector_events import (
    DeploymentSucceeded,
    TargetSystemAssociated,
    TargetSystemDissociated,
    ValidationChanged,
    ValidationState,
)
from projections.catalogue import Views, views_as_of
from projections.endpoint_history.view import EndpointHistoryFilter, EndpointState
from projections.reading.postgres import Reader, reading_pool
from tests.projections.conftest import Town
from tests.projections.paging import walk


class Expected(NamedTuple):
    """A state as this test knows it."""

    connector_id: UUID
    endpoint: str
    server_name: str | None
    state: ValidationState
    begin: tuple[int, str]
    end: tuple[int, str] | None
    evidence: Any


def _expected(town: Town, until: int) -> list[Expected]:
    """Every state up to a position, what began last first."""
    lasting: dict[tuple[UUID, str], Expected] = {}
    over: list[Expected] = []
    where: dict[UUID, TargetSystemAssociated] = {}
    for position, stream_id, event in town.events[:until]:
        if isinstance(event, TargetSystemAssociated):
            where[stream_id] = event
        for endpoint, state in _says(event, where.get(stream_id)):
            place, at = (stream_id, endpoint), (position, event.topic)
            if before := lasting.pop(place, None):
                over.append(before._replace(end=at))
            if state is not None:
                name = where[stream_id].server_name
                lasting[place] = Expected(*place, name, state, at, None, getattr(event, "evidence", None))
    return sorted([*over, *lasting.values()], key=lambda e: (e.begin[0], e.endpoint), reverse=True)


def _says(event: Any, where: TargetSystemAssociated | None) -> list[tuple[str, ValidationState | None]]:
    if isinstance(event, ValidationChanged):
        return [(event.endpoint, event.state)]
    states: dict[Any, ValidationState | None] = {
        TargetSystemAssociated: ValidationState.UNVALIDATED,
        DeploymentSucceeded: ValidationState.AWAITING_GRACE,
        TargetSystemDissociated: None,
    }
    return [(endpoint, states[type(event)]) for endpoint in where.endpoints] if where and type(event) in states else []


def _found(item: EndpointState) -> Expected:
    began = item.began
    end = (item.to_position, item.ended_by) if item.to_position is not None and item.ended_by is not None else None
    begin = (began.from_position, began.began_by)
    return Expected(began.connector_id, began.endpoint, began.server_name, began.state, begin, end, began.evidence)


async def test_every_state_with_its_beginning_and_its_end(town: Town, ask: Views) -> None:
    """What was seen, from the event that said so to the connector's next one about the endpoint; page by page."""
    expected = _expected(town, len(town.events))
    found = await walk(lambda cursor: ask.endpoint_history.list(limit=7, cursor=cursor))
    assert expected == [_found(item) for item in found]
    assert {"certificate.target_system.dissociated", "connector.validation.changed"} <= {
        item.ended_by for item in found if item.ended_by
    }
    for item in found:
        event: Any = town.events[item.began.from_position - 1][2]
        assert (event.meta.at, getattr(event, "run_id", None)) == (item.began.since, item.began.run_id)
        if item.to_position is not None:
            assert town.events[item.to_position - 1][2].meta.at == item.until


async def test_narrowed_to_a_place_a_connector_a_state(town: Town, ask: Views) -> None:
    """Endpoint and server name together are a place; an empty server name means none."""
    expected = _expected(town, len(town.events))
    one = next(item for item in expected if item.server_name is not None)
    for narrow, holds in (
        (
            EndpointHistoryFilter(endpoint=(one.endpoint,), server_name=one.server_name),
            lambda e: (e.endpoint, e.server_name) == (one.endpoint, one.server_name),
        ),
        (EndpointHistoryFilter(server_name=""), lambda e: e.server_name is None),
        (EndpointHistoryFilter(connector_id=(one.connector_id,)), lambda e: e.connector_id == one.connector_id),
        (
            EndpointHistoryFilter(state=(ValidationState.MATCHED, ValidationState.UNREACHABLE)),
            lambda e: e.state in (ValidationState.MATCHED, ValidationState.UNREACHABLE),
        ),
    ):
        found = [_found(item) for item in (await ask.endpoint_history.list(narrow, limit=10_000)).items]
        assert [item for item in expected if holds(item)] == found != expected
        assert found


async def test_as_of_a_position_it_is_the_history_of_then(town: Town) -> None:
    """A state that ended later lasted then; what began later was not there."""
    changes = [position for position, _, event in town.events if isinstance(event, ValidationChanged)]
    async with reading_pool(town.pg.app_dsn) as pool:
        for position in (0, changes[3], changes[len(changes) // 2], changes[-1] - 1, len(town.events)):
            then = views_as_of(Reader(pool), position).endpoint_history
            found = await walk(lambda cursor, then=then: then.list(limit=200, cursor=cursor))  # type: ignore[misc]
            assert _expected(town, position) == [_found(item) for item in found], position
