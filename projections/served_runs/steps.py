"""What each observation makes of the runs at one endpoint."""

from typing import Any
from uuid import UUID

import msgspec

from domain.connector_events import TargetSystemAssociated, ValidationChanged
from projections.entity import Key, Stored
from projections.served_runs.view import ANOTHER_CERTIFICATE, ASSOCIATED_AGAIN, WRONG, Run, RunKind, Watch

_replace = msgspec.structs.replace


class Watcher(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A connector that has this endpoint, the name that it asks for there, and the position of its association."""

    server_name: str | None = None
    since: int
    target_system_id: UUID


class Endpoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the next event at an endpoint needs: who looks at it, the runs that last, those that the last event changed.

    Runs of kind `served` are one per server name, those of kind `wrong` one per connector.
    """

    watchers: dict[UUID, Watcher] = {}
    runs: tuple[Run, ...] = ()
    changed: tuple[Run, ...] = ()


def evolve(_: Key, state: Endpoint | None, stored: Stored) -> Endpoint:
    """The state of an endpoint after an event. Raises ValueError for a result of a connector that is not known."""
    event: Any = stored.event
    before = state or Endpoint()
    if isinstance(event, TargetSystemAssociated):
        return _watched(before, event, stored)
    watcher = before.watchers.get(stored.stream_id)
    if watcher is None:
        raise ValueError("a result of a connector that was never associated with this endpoint")
    return _observed(before, watcher, event, stored)


def _watched(state: Endpoint, event: TargetSystemAssociated, stored: Stored) -> Endpoint:
    """A connector that comes again has been away: what it saw before has no end that anybody saw."""
    name, target = event.server_name, event.target_system_id
    watcher = Watcher(server_name=name, since=stored.position, target_system_id=target)
    mine = [run for run in state.runs if run.kind is RunKind.WRONG and run.connector_id == stored.stream_id]
    return Endpoint(
        watchers={**state.watchers, stored.stream_id: watcher},
        runs=tuple(run for run in state.runs if run not in mine),
        changed=tuple(_end(run, ASSOCIATED_AGAIN, stored) for run in mine),
    )


def _observed(state: Endpoint, watcher: Watcher, event: ValidationChanged, stored: Stored) -> Endpoint:
    served = event.evidence.served_fingerprint_sha256
    lasting: list[Run] = []
    changed: list[Run] = []
    wanted = {RunKind.SERVED} if served is not None else set[RunKind]()
    wanted |= {RunKind.WRONG} if served is not None and event.state in WRONG else set()
    for run in state.runs:
        after = _after(run, watcher, event, stored)
        if after is not run:
            changed.append(after)
        if after.until_position is None:
            lasting.append(after)
            if run.server_name == watcher.server_name and _mine(run, stored):
                wanted.discard(run.kind)
    begun = [_begin(kind, watcher, event, served or "", stored) for kind in sorted(wanted)]
    return Endpoint(watchers=state.watchers, runs=(*lasting, *begun), changed=(*changed, *begun))


def _mine(run: Run, stored: Stored) -> bool:
    return run.kind is RunKind.SERVED or run.connector_id == stored.stream_id


def _after(run: Run, watcher: Watcher, event: ValidationChanged, stored: Stored) -> Run:
    """A run after one more observation at the endpoint: itself where that says nothing about it."""
    if run.server_name != watcher.server_name:
        return run
    served = event.evidence.served_fingerprint_sha256
    if not _mine(run, stored):  # somebody else's wrong certificate: gone when another one is seen
        return _end(run, ANOTHER_CERTIFICATE, stored) if served not in (None, run.served_fingerprint_sha256) else run
    if served is None:
        return _end(run, event.state.value, stored)
    if served != run.served_fingerprint_sha256:
        return _end(run, event.state.value if run.kind is RunKind.WRONG else ANOTHER_CERTIFICATE, stored)
    if run.kind is RunKind.WRONG and event.state not in WRONG:
        return _end(run, event.state.value, stored)
    if any(watch.connector_id == stored.stream_id and watch.position > watcher.since for watch in run.watches):
        return run
    return _replace(run, watches=(*run.watches, Watch(stored.position, stored.stream_id)))


def _begin(kind: RunKind, watcher: Watcher, event: ValidationChanged, served: str, stored: Stored) -> Run:
    return Run(
        kind=kind,
        endpoint=event.endpoint,
        server_name=watcher.server_name,
        connector_id=stored.stream_id,
        target_system_id=watcher.target_system_id,
        state=event.state,
        served_fingerprint_sha256=served,
        expected_fingerprint_sha256=event.expected_fingerprint_sha256,
        from_position=stored.position,
        from_at=event.meta.at,
        watches=(Watch(stored.position, stored.stream_id),),
    )


def _end(run: Run, ended_by: str, stored: Stored) -> Run:
    return _replace(run, until_position=stored.position, until_at=stored.event.meta.at, ended_by=ended_by)
