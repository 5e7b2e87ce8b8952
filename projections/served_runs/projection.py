"""One row per run of observations; it is written again when it ends. The state of an endpoint is what its next event
needs.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec

from domain import ids
from domain.connector_events import TargetSystemAssociated, ValidationChanged
from projections.columns import Column, Type
from projections.entity import Emitted, Key, Projection, Stored, Table
from projections.served_runs.steps import Endpoint, evolve

RUNS = Table(
    name="served_runs",
    columns=(
        Column("from_position", Type.BIGINT),
        Column("kind", Type.TEXT),
        Column("from_at", Type.INSTANT),
        Column("until_position", Type.BIGINT),
        Column("until_at", Type.INSTANT),
        Column("served", Type.TEXT),
        Column("doc", Type.BYTES),
    ),
    key=2,
    indexes=("(until_at)",),
)


@lru_cache(maxsize=20_000)
def endpoint_key(endpoint: str) -> Key:
    """The row of an endpoint (`10.0.0.1:443`)."""
    return ids.derive("endpoint", endpoint).bytes


def _keys(stored: Stored) -> tuple[Key, ...]:
    event: Any = stored.event
    if isinstance(event, TargetSystemAssociated):
        return tuple(endpoint_key(endpoint) for endpoint in dict.fromkeys(event.endpoints))
    return (endpoint_key(event.endpoint),)


def _emit(_: Key, state: Endpoint, __: Stored) -> Iterator[Emitted]:
    for run in state.changed:
        values = (run.from_position, run.kind, run.from_at, run.until_position, run.until_at)
        yield Emitted(RUNS.name, (*values, run.served_fingerprint_sha256, msgspec.json.encode(run)))


SERVED_RUNS: Projection[Endpoint] = Projection(
    name="watched_endpoints",
    version=2,
    state_type=Endpoint,
    events=frozenset({TargetSystemAssociated, ValidationChanged}),
    keys=_keys,
    evolve=evolve,
    further=(RUNS,),
    emit=_emit,
)
