"""The contract of the Log as a sequential model, and random commands to try on it."""

import asyncio
from collections.abc import Sequence
from enum import Enum, auto
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st

from application.ports import Append, Appended, CommandIdReused, Log, VersionConflict
from tests.contracts.log_events import command, read_by, writing

STREAMS = 4


class Expected(Enum):
    """What a command has to get."""

    ACCEPTED = auto()
    REPEATED = auto()
    REUSED = auto()
    CONFLICT = auto()


class Model:
    """The contract, one command after the other."""

    def __init__(self) -> None:
        self.versions: dict[UUID, int] = {}
        self.known: dict[UUID, bytes] = {}

    def decide(self, each: Append) -> Expected:
        if each.command_id in self.known:
            return Expected.REPEATED if self.known[each.command_id] == each.body_sha256 else Expected.REUSED
        for change in each.changes:
            if change.expected_version not in {None, self.versions.get(change.stream_id, 0)}:
                return Expected.CONFLICT
        for change in each.changes:
            self.versions[change.stream_id] = self.versions.get(change.stream_id, 0) + len(change.events)
        self.known[each.command_id] = each.body_sha256
        return Expected.ACCEPTED


@st.composite
def changes(draw: st.DrawFn) -> list[tuple[int, int | None, int]]:
    """(stream, expected version, events) of one command."""
    streams = draw(st.lists(st.integers(0, STREAMS - 1), max_size=3, unique=True))
    made: list[tuple[int, int | None, int]] = []
    for stream in streams:
        expected = draw(st.none() | st.integers(0, 4))
        made.append((stream, expected, draw(st.integers(0 if expected is not None else 1, 3))))
    return made


# A command: its changes, and whether it repeats an earlier one (by index) with the same body or another one.
drawn_commands = st.tuples(changes(), st.none() | st.tuples(st.integers(0, 5), st.booleans()))
drawn_batches = st.lists(st.lists(drawn_commands, min_size=1, max_size=8), min_size=1, max_size=5)


def build(drawn: Any, streams: list[UUID], earlier: list[Append]) -> Append:
    drawn_changes, repeats = drawn
    if repeats and repeats[0] < len(earlier):
        known: Append = earlier[repeats[0]]
        if repeats[1]:
            return known
        return Append(command_id=known.command_id, body_sha256=b"\x07" * 32, changes=known.changes)
    made = command(*(writing(streams[s], version, *[read_by("x")] * n) for s, version, n in drawn_changes))
    earlier.append(made)
    return made


async def play(log: Log, drawn: Sequence[Sequence[Any]]) -> None:
    """Send random batches, each batch at once, and compare everything with the commands one after the other."""
    streams = [uuid4() for _ in range(STREAMS)]
    model, earlier = Model(), list[Append]()
    for drawn_batch in drawn:
        commands = [build(each, streams, earlier) for each in drawn_batch]
        expected = [model.decide(each) for each in commands]
        got = await asyncio.gather(*map(log.append, commands), return_exceptions=True)
        assert expected == [_seen(outcome) for outcome in got]
        _check_positions(commands, got)
    for stream, events in (await log.load(streams)).items():
        assert [each.version for each in events] == list(range(1, model.versions.get(stream, 0) + 1))


def _seen(outcome: Appended | BaseException) -> Expected:
    if isinstance(outcome, Appended):
        return Expected.REPEATED if outcome.repeated else Expected.ACCEPTED
    refusals: dict[type[BaseException], Expected] = {
        VersionConflict: Expected.CONFLICT,
        CommandIdReused: Expected.REUSED,
    }
    return refusals[type(outcome)]


def _check_positions(commands: Sequence[Append], got: Sequence[Appended | BaseException]) -> None:
    """Accepted commands follow one another in the order given, without a gap."""
    reached = None
    for each, outcome in zip(commands, got, strict=True):
        if not isinstance(outcome, Appended) or outcome.repeated:
            continue
        events = sum(len(change.events) for change in each.changes)
        before = outcome.last_position - events
        assert reached in {None, before}
        assert outcome.first_position == (before + 1 if events else before)
        reached = outcome.last_position
