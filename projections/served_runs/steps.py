"""What each observation makes of the runs at one endpoint."""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID
from zlib import crc32

import msgspec

from domain.connector_events import TargetSystemAssociated, ValidationChanged
from projections.entity import Key, Stored
from projections.served_runs.view import ANOTHER_CERTIFICATE, ASSOCIATED_AGAIN, WRONG, Run, RunKind, Watch

_replace = msgspec.structs.replace
_PARTS = 256
_K = TypeVar("_K")
_V = TypeVar("_V")


class Watcher(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A connector that has this endpoint, the name that it asks for there, and the position of its association."""

    server_name: str | None = None
    since: int
    target_system_id: UUID


class Endpoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the next event at an endpoint needs: who looks at it, the runs that last, by server name ("" for none), and
    those that the last event changed. Runs of kind `served` are one per name, those of kind `wrong` one per connector.

    A web server may have thousands of names at one endpoint: both are kept in parts (`_PARTS`), of which an event
    replaces one.
    """

    watchers: dict[int, dict[UUID, Watcher]] = {}
    runs: dict[int, dict[str, tuple[Run, ...]]] = {}
    changed: tuple[Run, ...] = ()


def evolve(_: Key, state: Endpoint | None, stored: Stored) -> Endpoint:
    """The state of an endpoint after an event. Raises ValueError for a result of a connector that is not known."""
    event: Any = stored.event
    before = state or Endpoint()
    watcher = before.watchers.get(_part_of(stored.stream), {}).get(stored.stream_id)
    if isinstance(event, TargetSystemAssociated):
        return _watched(before, watcher, event, stored)
    if watcher is None:
        raise ValueError("a result of a connector that was never associated with this endpoint")
    return _observed(before, watcher, event, stored)


def _watched(state: Endpoint, before: Watcher | None, event: TargetSystemAssociated, stored: Stored) -> Endpoint:
    """A connector that comes again has been away: what it saw before has no end that anybody saw."""
    runs = _runs_of(state, before.server_name) if before else ()
    mine = tuple(run for run in runs if run.kind is RunKind.WRONG and run.connector_id == stored.stream_id)
    watcher = Watcher(server_name=event.server_name, since=stored.position, target_system_id=event.target_system_id)
    return Endpoint(
        watchers=_with(state.watchers, _part_of(stored.stream), stored.stream_id, watcher),
        runs=_lasting(state, before.server_name, [run for run in runs if run not in mine]) if before else state.runs,
        changed=tuple(_end(run, ASSOCIATED_AGAIN, stored) for run in mine),
    )


def _observed(state: Endpoint, watcher: Watcher, event: ValidationChanged, stored: Stored) -> Endpoint:
    served = event.evidence.served_fingerprint_sha256
    lasting: list[Run] = []
    changed: list[Run] = []
    wanted = {RunKind.SERVED} if served is not None else set[RunKind]()
    wanted |= {RunKind.WRONG} if served is not None and event.state in WRONG else set()
    for run in _runs_of(state, watcher.server_name):
        after = _after(run, watcher, event, stored)
        if after is not run:
            changed.append(after)
        if after.until_position is None:
            lasting.append(after)
            if _mine(run, stored):
                wanted.discard(run.kind)
    begun = [_begin(kind, watcher, event, served or "", stored) for kind in sorted(wanted)]
    runs = _lasting(state, watcher.server_name, [*lasting, *begun])
    return Endpoint(watchers=state.watchers, runs=runs, changed=(*changed, *begun))


def _mine(run: Run, stored: Stored) -> bool:
    return run.kind is RunKind.SERVED or run.connector_id == stored.stream_id


def _after(run: Run, watcher: Watcher, event: ValidationChanged, stored: Stored) -> Run:
    """A run after one more observation of its place: itself where that says nothing about it."""
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


def _runs_of(state: Endpoint, server_name: str | None) -> tuple[Run, ...]:
    part, name = _place_of(server_name)
    return state.runs.get(part, {}).get(name, ())


def _lasting(state: Endpoint, server_name: str | None, runs: Sequence[Run]) -> dict[int, dict[str, tuple[Run, ...]]]:
    part, name = _place_of(server_name)
    if runs or name in state.runs.get(part, {}):
        return _with(state.runs, part, name, tuple(runs))
    return state.runs


def _place_of(server_name: str | None) -> tuple[int, str]:
    name = server_name or ""
    return _part_of(name.encode()), name


def _part_of(key: bytes) -> int:
    return crc32(key) % _PARTS


def _with(parts: dict[int, dict[_K, _V]], number: int, key: _K, value: _V) -> dict[int, dict[_K, _V]]:
    return {**parts, number: {**parts.get(number, {}), key: value}}
