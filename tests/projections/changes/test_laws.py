"""Laws of the diff: applied to the facts at the start it gives the facts at the end, and nothing more is said."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from domain import association
from domain.catalogue import AGGREGATE_OF
from domain.entity import Event
from projections.changes.diff import Line, Told, applied, changes_of, thing_of
from projections.changes.facts import COVERED, Facts, facts
from projections.changes.view import ChangeKind, Moment, Span
from projections.changes.words import sentence
from tests.projections.histories import history
from tests.projections.world import T0, World
from tests.support.deciders import state_of
from tests.support.histories import CERTIFICATE_ID, CONNECTOR_ID, HOUR, MINUTE, OPERATOR, TARGET_ID, associated, by

histories = st.builds(history, st.integers(0, 2**32), st.integers(1, 200))
shares = st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)).map(sorted)
waits = st.tuples(*[st.timedeltas(timedelta(0), timedelta(days=300))] * 3)


class Streams(NamedTuple):
    """A history by streams, as the diff reads it."""

    told: dict[UUID, list[Told]]
    moments: list[Moment]

    def span(self, first: int, last: int) -> Span:
        return Span(self.moments[first], self.moments[last])


def streams(world: World, shares: list[float], waits: tuple[timedelta, ...]) -> Streams:
    """Every stream, and three moments in the order of time, each some time after its position was recorded."""
    told: dict[UUID, list[Told]] = {}
    events = list(world.events)
    for position, (stream, event) in enumerate(events, 1):
        told.setdefault(stream, []).append(Told(position, event.topic, event))
    positions = [round(len(events) * share) for share in shares]
    clocks = [T0 + sum(waits[: number + 1], timedelta(0)) for number in range(3)]
    return Streams(told, [Moment(position, at) for position, at in zip(positions, clocks, strict=True)])


def facts_at(told: list[Told], moment: Moment) -> Facts:
    """The facts by the aggregates' own folds."""
    events: list[Event] = [each.event for each in told if each.event and each.position <= moment.position]
    if not events or type(events[0]) not in COVERED:
        return {}
    return facts(AGGREGATE_OF[type(events[0])].fold(events), moment.at)


def lines_of(stream: UUID, told: list[Told], span: Span) -> tuple[Line, ...]:
    until = [each for each in told if each.position <= span.end.position]
    thing = thing_of(stream, until, span) if until else None
    return thing.lines if thing else ()


@settings(max_examples=60, deadline=None)
@given(world=histories, shares=shares, waits=waits)
def test_the_diff_leads_from_one_state_to_the_other(
    world: World, shares: list[float], waits: tuple[timedelta, ...]
) -> None:
    """For every thing, between any two moments; and through a third one in between, too."""
    history = streams(world, shares, waits)
    for stream, told in history.told.items():
        begun, halfway, ended = (facts_at(told, moment) for moment in history.moments)
        assert ended == applied(begun, lines_of(stream, told, history.span(0, 2)))
        assert halfway == applied(begun, lines_of(stream, told, history.span(0, 1)))
        assert ended == applied(halfway, lines_of(stream, told, history.span(1, 2)))


@settings(max_examples=40, deadline=None)
@given(world=histories, shares=shares, waits=waits)
def test_nothing_more_is_said(world: World, shares: list[float], waits: tuple[timedelta, ...]) -> None:
    """One line for each fact that differs, none for others; nothing between a moment and itself; events are cited that
    are in the span, unless time did it.
    """
    history = streams(world, shares, waits)
    span = history.span(0, 2)
    for stream, told in history.told.items():
        lines = lines_of(stream, told, span)
        assert () == lines_of(stream, told, history.span(1, 1))
        begun, ended = facts_at(told, span.start), facts_at(told, span.end)
        if begun:
            differing = {fact for fact in {*begun, *ended} if begun.get(fact) != ended.get(fact)}
            assert sorted(differing, key=str) == sorted((line.fact for line in lines), key=str)
        for line in lines:
            assert line.before != line.after
            within = [span.start.position < position <= span.end.position for position in line.positions]
            assert all(within) if not line.clock else not line.by
            assert sorted(set(line.positions)) == list(line.positions)
            cited = [each.event for each in told if each.event and each.position in line.positions]
            assert line.clock or {event.meta.actor for event in cited} == set(line.by)


@settings(max_examples=30, deadline=None)
@given(world=histories)
def test_every_line_can_be_said(world: World) -> None:
    """In a sentence that names the thing and ends with a full stop."""
    history = streams(world, [0.2, 0.5, 1.0], (timedelta(0), timedelta(days=40), timedelta(days=200)))
    for change in _changes(history, history.span(0, 2)):
        said = sentence(change)
        assert said.endswith(".")
        assert change.name in said
        assert "\n" not in said


def _changes(history: Streams, span: Span) -> Iterator[Any]:
    things = (thing_of(stream, told, span) for stream, told in history.told.items())
    return chain.from_iterable(changes_of(thing, {}) for thing in things if thing)


def test_a_connector_that_was_removed_and_came_back() -> None:
    """The same thing with another association: removed, then added again; within one span, another association."""
    first, again = associated(), associated(at=T0 + HOUR)
    removed = association.dissociate(state_of(*first), by(OPERATOR, T0 + MINUTE))
    told = [Told(n, each.topic, each) for n, each in enumerate((*first, *removed, *again), 1)]
    told_until = [
        [line.change for line in lines_of(CONNECTOR_ID, told, _span(a, b))] for a, b in ((0, 1), (1, 2), (2, 3))
    ]
    assert [[ChangeKind.ADDED], [ChangeKind.REMOVED], [ChangeKind.ADDED]] == told_until
    [line] = lines_of(CONNECTOR_ID, told, _span(1, 3))
    assert (ChangeKind.ADDED, (2, 3)) == (line.change, line.positions)
    thing = thing_of(CONNECTOR_ID, told[:2], _span(1, 2))
    assert thing is not None
    [change] = changes_of(thing, {CERTIFICATE_ID: "www.example.com", TARGET_ID: "web-1"})
    assert "Connector www.example.com on web-1 was removed." == sentence(change)


def _span(first: int, last: int) -> Span:
    return Span(Moment(first, T0), Moment(last, T0))


def test_an_event_that_cannot_be_read() -> None:
    """The thing stands as it was before, and the line says which event is to blame."""
    world = history(3, 200)
    stream = next(key for key in world.all("certificate") if len(world.streams[key]) > 1)
    told = [Told(position, event.topic, event) for position, event in enumerate(world.streams[stream], 1)]
    told[-1] = told[-1]._replace(event=None, error="ValidationError: no")
    span = Span(Moment(1, T0), Moment(len(told), T0))
    *_, last = lines_of(stream, told, span)
    assert (ChangeKind.UNREADABLE, (len(told),), "ValidationError: no") == (last.change, last.positions, last.after)
    assert [] == [line for line in lines_of(stream, told, Span(span.end, span.end)) if line is not last]
    thing = thing_of(stream, [told[0]._replace(event=None, error="x")], Span(Moment(0, T0), span.end))
    assert thing is not None
    assert [ChangeKind.UNREADABLE] == [line.change for line in thing.lines]
