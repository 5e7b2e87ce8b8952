"""The changes of one thing between two moments, from its events. Pure.

Applied to the facts at the start, the lines give the facts at the end (`applied`); between a moment and itself there
are none.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from domain.certificate import Certificate
from domain.connector import Connector
from domain.entity import TOPICS, Actor, AggregateType, Event
from domain.target_system import TargetSystem
from domain.work_order_state import WorkOrder
from projections.changes.facts import COVERED, PRESENT, Fact, Facts, facts
from projections.changes.view import Change, ChangeKind, Moment, Span

_KINDS = {
    "status": ChangeKind.STATUS_CHANGED,
    "source": ChangeKind.STATUS_CHANGED,
    "private_key": ChangeKind.STATUS_CHANGED,
    "deployment": ChangeKind.STATUS_CHANGED,
    "sync": ChangeKind.STATUS_CHANGED,
    "validation": ChangeKind.STATUS_CHANGED,
    "approval": ChangeKind.STATUS_CHANGED,
    "scheduled_at": ChangeKind.STATUS_CHANGED,
    "owner": ChangeKind.OWNER_CHANGED,
    "tags": ChangeKind.TAGS_CHANGED,
    "roles": ChangeKind.ROLES_CHANGED,
    "name": ChangeKind.RENAMED,
    "renewed_to": ChangeKind.RENEWED,
    "renewed_from": ChangeKind.RENEWED,
}
_NO_CLOCK = datetime.min.replace(tzinfo=UTC)


class Told(NamedTuple):
    """An event of the thing's stream, or why it cannot be read."""

    position: int
    topic: str
    event: Event | None
    error: str = ""


class Line(NamedTuple):
    """A change before the thing's name is known."""

    change: ChangeKind
    fact: Fact
    before: Any
    after: Any
    positions: tuple[int, ...]
    by: tuple[Actor, ...]
    clock: bool = False


class Thing(NamedTuple):
    """A thing at the end of the span, and what changed of it."""

    id: UUID
    kind: str
    state: Any
    created_position: int
    lines: tuple[Line, ...]


def thing_of(stream_id: UUID, told: Sequence[Told], span: Span) -> Thing | None:
    """From a stream's events up to the end of the span; None for what is not covered."""
    kinds = (TOPICS.get(each.topic) for each in told)
    aggregate = next((COVERED[kind] for kind in kinds if kind in COVERED), None)
    if aggregate is None:
        return None
    history = _History(aggregate, told, span)
    lines = tuple(history.lines())
    return Thing(stream_id, aggregate.name, history.state, told[0].position, lines)


class _History:
    """A stream folded to the start of the span, and on to its end."""

    def __init__(self, aggregate: AggregateType[Any], told: Sequence[Told], span: Span) -> None:
        self._aggregate = aggregate
        self._span = span
        self._unreadable: Told | None = None
        self.state: Any = None
        self._first = told[0].position
        self._before = [each for each in told if each.position <= span.start.position]
        self._within = [each for each in told if each.position > span.start.position]
        for each in self._before:
            self._evolve(each)
        self._start = self.state

    def lines(self) -> Iterator[Line]:
        clock = self._span.end.at
        begun = facts(self._start, self._span.start.at)
        now = facts(self._start, clock)  # the same state by the later clock: what differs is the clock's doing
        touched: dict[Fact, list[Told]] = {}
        for each in self._within:
            self._evolve(each)
            if self._unreadable:
                break
            following = facts(self.state, clock)
            if not begun and not now:
                yield _added(each, following)
                begun = following
            else:
                for fact in _differing(now, following):
                    touched.setdefault(fact, []).append(each)
            now = following
        yield from self._compared(begun, now, touched)
        if self._unreadable and self._unreadable.position > self._span.start.position:
            lost = self._unreadable
            yield Line(ChangeKind.UNREADABLE, Fact(PRESENT), None, lost.error, (lost.position,), ())

    def _compared(self, begun: Facts, ended: Facts, touched: dict[Fact, list[Told]]) -> Iterator[Line]:
        for fact in _differing(begun, ended):
            before, after, by = begun.get(fact), ended.get(fact), touched.get(fact, [])
            positions = tuple(each.position for each in by) or (self._first,)
            yield Line(_kind(fact, after), fact, before, after, positions, _actors(by), clock=not by)

    def _evolve(self, each: Told) -> None:
        """One event further; after one that cannot be read or folded the thing stands as it was."""
        if self._unreadable:
            return
        if each.event is None:
            self._unreadable = each
            return
        try:
            self.state = self._aggregate.evolve(self.state, each.event)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            self._unreadable = each._replace(error=f"{type(error).__name__}: {error}")


def applied(begun: Facts, lines: Iterable[Change | Line]) -> Facts:
    """What the lines make of the facts at the start: the facts at the end."""
    found = dict(begun)
    for line in lines:
        fact = line.fact if isinstance(line, Line) else Fact(line.field, line.detail)
        if line.change is ChangeKind.ADDED and isinstance(line.after, dict):
            found = {_fact(name): value for name, value in line.after.items()}
        elif line.change is ChangeKind.UNREADABLE:
            continue
        elif line.after is None:
            found.pop(fact, None)
        else:
            found[fact] = line.after
    return found


def neighbours(thing: Thing) -> set[UUID]:
    """Things whose names its own name needs."""
    if isinstance(thing.state, Connector | WorkOrder):
        return {thing.state.certificate_id, thing.state.target_system_id}
    return set()


def name_of(told: Sequence[Told]) -> str:
    """What people call a certificate or a target system, from its events; empty for anything else."""
    end = told[-1].position
    thing = thing_of(UUID(int=0), told, Span(Moment(end, _NO_CLOCK), Moment(end, _NO_CLOCK)))
    state = thing.state if thing else None
    if isinstance(state, Certificate):
        return state.facts.common_name
    return state.name if isinstance(state, TargetSystem) else ""


def changes_of(thing: Thing, names: Mapping[UUID, str]) -> tuple[Change, ...]:
    """A thing's lines with its name; `names` are those of its neighbours."""
    name = _called(thing, names)
    return tuple(
        Change(
            change=line.change,
            kind=thing.kind,
            id=thing.id,
            name=name,
            field=line.fact.field,
            detail=line.fact.detail,
            before=line.before,
            after=line.after,
            positions=line.positions,
            by=line.by,
            clock=line.clock,
        )
        for line in thing.lines
    )


def _called(thing: Thing, names: Mapping[UUID, str]) -> str:
    state = thing.state
    if isinstance(state, Certificate):
        return state.facts.common_name
    if not isinstance(state, Connector | WorkOrder):
        return state.name if state is not None else ""
    certificate, target = (names.get(key) or str(key) for key in (state.certificate_id, state.target_system_id))
    profile = f" ({state.profile})" if isinstance(state, Connector) and state.profile else ""
    number = f"WO-{thing.created_position}, " if isinstance(state, WorkOrder) else ""
    return f"{number}{certificate} on {target}{profile}"


def _added(by: Told, found: Facts) -> Line:
    after = {_name(fact): value for fact, value in found.items()}
    return Line(ChangeKind.ADDED, Fact(PRESENT), None, after, (by.position,), _actors([by]))


def _name(fact: Fact) -> str:
    return fact.field if fact.detail is None else f"{fact.field} {fact.detail}"


def _fact(name: str) -> Fact:
    field, _, detail = name.partition(" ")
    return Fact(field, detail or None)


def _differing(one: Facts, other: Facts) -> list[Fact]:
    return [fact for fact in dict.fromkeys((*one, *other)) if one.get(fact) != other.get(fact)]


def _kind(fact: Fact, after: Any) -> ChangeKind:
    if fact.field == PRESENT:
        return ChangeKind.REMOVED if after is None else ChangeKind.ADDED
    return _KINDS.get(fact.field, ChangeKind.RETARGETED)


def _actors(by: Iterable[Told]) -> tuple[Actor, ...]:
    return tuple(dict.fromkeys(each.event.meta.actor for each in by if each.event is not None))
