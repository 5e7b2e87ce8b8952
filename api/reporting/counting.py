"""What the Push Validation Report counts: its window, what it is narrowed to, and the names of what it groups by."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, NamedTuple

import msgspec
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter

from api.asking import Reading
from api.instants import instant, instant_parameter
from api.reporting.scoping import windowed
from api.services import Views
from projections.push_validation.report import GroupBy, Only, Report, report
from projections.push_validation.view import PushFilter, PushOperation, PushOutcome
from projections.scope import Scope

_FROM, _TO = "Inclusive; default 30 days before `to`.", "Exclusive; default now."
_Key = Annotated[str, msgspec.Meta(max_length=200)]
_Keys = list[_Key] | None
Named = Mapping[str, str]
"""What target systems and bridges are called, by their ids."""


class Pushes(NamedTuple):
    """The operations of a scope, whose position is theirs."""

    scope: Scope
    operations: tuple[PushOperation, ...]
    only: Only

    def counted(self, group_by: GroupBy | None = None) -> Report:
        """Counted: work that takes a while where there are many (projections.reading.apart)."""
        scope = self.scope
        return report(
            self.operations,
            as_of_position=scope.position,
            since=scope.since,
            until=scope.until,
            group_by=group_by,
            only=self.only,
        )


def _narrowed(name: str) -> Any:
    return QueryParameter(description=f"Only these keys of `group_by={name}`; repeat it for OR.")


async def narrowing(
    outcome: Annotated[list[PushOutcome] | None, QueryParameter(description="Only these outcomes.")] = None,
    day: Annotated[list[date] | None, _narrowed("day")] = None,
    target: Annotated[_Keys, _narrowed("target")] = None,
    bridge: Annotated[_Keys, _narrowed("bridge")] = None,
    driver: Annotated[_Keys, _narrowed("driver")] = None,
    cause: Annotated[_Keys, _narrowed("cause")] = None,
) -> Only:
    """What the report is narrowed to."""
    return only_of(outcome=outcome, day=day, target=target, bridge=bridge, driver=driver, cause=cause)


async def pushes_of_window(
    reading: NamedDependency[Reading],
    only: NamedDependency[Only],
    since: Annotated[str | None, instant_parameter("from", _FROM)] = None,
    until: Annotated[str | None, instant_parameter("to", _TO)] = None,
) -> Pushes:
    """The push operations of a window, the last 30 days where none is named."""
    return await pushes(reading.views, windowed(now_of(reading), instant(since, "from"), instant(until, "to")), only)


COUNTED: dict[str, Any] = {"only": Provide(narrowing), "pushes": Provide(pushes_of_window)}


def only_of(**given: Any) -> Only:
    """The parameters that were given, as the report takes them."""
    return {name: sorted({str(value) for value in values}) for name, values in given.items() if values}


def now_of(reading: Reading) -> Scope:
    """The moment that is asked for, without a window; which position it stands at is told with the answer."""
    return Scope(since=None, until=None, position=0, now=reading.now)


async def pushes(views: Views, window: Scope, only: Only) -> Pushes:
    """One statement."""
    narrow = PushFilter(since=window.since, until=window.until)
    position, operations = await views.push_validation.operations_at(narrow)
    return Pushes(msgspec.structs.replace(window, position=position), tuple(operations), only)


async def names(views: Views, found: Pushes) -> Named:
    """Those of the operations."""
    targets = {operation.target_system_id for operation in found.operations}
    bridges = {operation.bridge_id for operation in found.operations if operation.bridge_id is not None}
    called = {str(k): row.state.name for k, row in (await views.bridges.get_many(sorted(bridges))).items()}
    there = await views.target_systems.get_many(sorted(targets))
    return called | {str(key): row.state.name for key, row in there.items()}
