"""Which projections are folded together when several processes share the work: groups of about the same weight, in
which as many as possible take the same events, because each group reads and decodes what it takes for itself.
"""

from collections.abc import Iterable

from domain.catalogue import TOPICS
from projections.catalogue import HISTORIES
from projections.entity import AnyProjection, History, Projection

_WEIGHTS = {
    "push_records": 10.5,
    "work_orders_history": 19.8,
    "inventory_history": 6.7,
    "certificate_records": 3.1,
    "served_certificates_history": 3.6,
    "watched_endpoints": 1.6,
    "watched_connectors_history": 4.0,
    "push_validation_history": 23.8,
    "connectors_history": 11.0,
    "connector_records": 10.7,
}
"""What a projection costs, about: microseconds of CPU per event of the whole ledger, with nothing else to fold. Those
that are not listed cost next to nothing. Neighbours take the same events.
"""
_LEAST = 0.2
_READ_TWICE = 1.05
"""What reading the same events in several groups costs, about."""
_PLACES = {name: place for place, name in enumerate(_WEIGHTS)}

Groups = list[list[AnyProjection]]


def groups(count: int) -> tuple[tuple[AnyProjection, ...], ...]:
    """At most that many groups, none of them empty; the same ones for the same count."""
    many = min(max(count, 1), len(HISTORIES))
    cut, dealt = _cut(many), _dealt(many)
    chosen = cut if _heaviest(cut) <= _READ_TWICE * _heaviest(dealt) else dealt
    return tuple(tuple(p for p in HISTORIES if p in group) for group in chosen if group)


def _cut(many: int) -> Groups:
    """Neighbours stay together: a row of all of them, cut into pieces."""
    found: Groups = [[] for _ in range(many)]
    whole, before = sum(map(_weight, HISTORIES)), 0.0
    for projection in sorted(HISTORIES, key=_place):
        middle = before + _weight(projection) / 2
        found[int(many * middle / whole)].append(projection)
        before += _weight(projection)
    return found


def _dealt(many: int) -> Groups:
    """The heaviest first, each to the lightest group: evenly, whoever the neighbours are."""
    found: Groups = [[] for _ in range(many)]
    for projection in sorted(HISTORIES, key=_weight, reverse=True):
        min(found, key=_weights).append(projection)
    return found


def _heaviest(found: Groups) -> float:
    return max(map(_weights, found))


def _weights(group: Iterable[AnyProjection]) -> float:
    return sum(map(_weight, group))


def topics(projections: Iterable[AnyProjection]) -> frozenset[str]:
    """Of the events that they take; an index takes none by its topic."""
    taken = {event for projection in projections for event in _events(projection)}
    return frozenset(topic for topic, event in TOPICS.items() if event in taken)


def _events(projection: AnyProjection) -> frozenset[type]:
    of = projection.of if isinstance(projection, History) else projection
    return of.events if isinstance(of, Projection) else frozenset()


def _weight(projection: AnyProjection) -> float:
    return _WEIGHTS.get(projection.name, _LEAST)


def _place(projection: AnyProjection) -> int:
    return _PLACES.get(projection.name, -1)
