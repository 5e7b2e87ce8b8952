"""Which projections are folded together when several processes share the work: groups of about the same weight."""

from collections.abc import Iterable

from domain.catalogue import TOPICS
from projections.catalogue import HISTORIES
from projections.entity import AnyProjection, History, Projection

_WEIGHTS = {
    "push_validation_history": 23.8,
    "work_orders_history": 19.8,
    "connectors_history": 11.0,
    "connector_records": 10.7,
    "push_records": 10.5,
    "inventory_history": 6.7,
    "served_certificates_history": 3.6,
    "certificate_records": 3.1,
    "watched_connectors_history": 4.0,
    "watched_endpoints": 1.6,
}
"""What a projection costs, about: microseconds of CPU per event of the whole ledger, with nothing else to fold. Those
that are not listed cost next to nothing.
"""
_LEAST = 0.2


def groups(count: int) -> tuple[tuple[AnyProjection, ...], ...]:
    """At most that many groups, none of them empty; the same ones for the same count."""
    names: list[set[str]] = [set() for _ in range(min(max(count, 1), len(HISTORIES)))]
    weights = [0.0] * len(names)
    for projection in sorted(HISTORIES, key=_weight, reverse=True):
        lightest = weights.index(min(weights))
        weights[lightest] += _weight(projection)
        names[lightest].add(projection.name)
    return tuple(tuple(p for p in HISTORIES if p.name in group) for group in names)


def topics(projections: Iterable[AnyProjection]) -> frozenset[str]:
    """Of the events that they take; an index takes none by its topic."""
    taken = {event for projection in projections for event in _events(projection)}
    return frozenset(topic for topic, event in TOPICS.items() if event in taken)


def _events(projection: AnyProjection) -> frozenset[type]:
    of = projection.of if isinstance(projection, History) else projection
    return of.events if isinstance(of, Projection) else frozenset()


def _weight(projection: AnyProjection) -> float:
    return _WEIGHTS.get(projection.name, _LEAST)
