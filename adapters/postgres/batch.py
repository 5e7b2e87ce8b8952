"""One batch of commands as the arguments of `ledger.append`, and its answer as one outcome per command."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from itertools import accumulate
from uuid import UUID

import msgspec

from adapters.postgres.arrays import Column, byteas, int4s, int8s, integers, texts, uuids
from application.entries import Prepared, PreparedChange
from application.ports import Appended

STATEMENT = f"SELECT base, at, outcomes, firsts FROM ledger.append({', '.join(['%b'] * 15)})"  # noqa: S608 - constants
NAME = b"append"
PREPARE = b"PREPARE append AS " + STATEMENT.replace("%b", "{}").format(*(f"${n}" for n in range(1, 16))).encode()

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # of a binary timestamptz, in microseconds


class Outcome(IntEnum):
    """What became of a command (`outcomes` of ledger.append)."""

    ACCEPTED = 0
    REPEATED = 1
    REUSED = 2
    CONFLICT = 3


class Answer(msgspec.Struct, frozen=True):
    """What ledger.append said: no `outcomes` when every command was accepted in the given order."""

    base: int
    at: datetime
    outcomes: list[int] | None
    firsts: list[int] | None


def arguments(commands: Sequence[Prepared]) -> list[Column | None]:
    """The column arrays of a batch, in the order of the function's parameters."""
    changes = [change for command in commands for change in command.changes]
    entries = [entry for change in changes for entry in change.entries]
    ids, streams = [command.command_id for command in commands], [change.stream_id for change in changes]
    answers = [command.answer for command in commands]
    ends, numbers, counts = _numbers(commands, changes)
    doubtful = _doubtful(commands, ids, streams)
    return [
        uuids(ids),
        byteas([command.body_sha256 for command in commands]),
        byteas(answers) if answers.count(None) < len(answers) else None,
        ends,
        numbers,
        uuids(streams),
        int8s([change.expected_version for change in changes]),
        counts,
        texts([entry.topic for entry in entries]),
        byteas([entry.payload for entry in entries]),
        byteas([entry.salt for entry in entries]),
        texts([entry.actor for entry in entries]),
        uuids([entry.correlation_id for entry in entries]),
        byteas([entry.leaf_head for entry in entries]),
        int4s(doubtful) if doubtful else None,
    ]


def parameters(commands: Sequence[Prepared]) -> list[bytes | None]:
    """`arguments` in the bytes that go to the server."""
    return [column.data if column else None for column in arguments(commands)]


def _numbers(commands: Sequence[Prepared], changes: Sequence[PreparedChange]) -> tuple[Column, Column, Column]:
    """Events up to the end of each command, the command of each change, and the events of each change."""
    ends = int4s(list(accumulate(command.events for command in commands)))
    numbers = int4s([number for number, command in enumerate(commands, 1) for _ in command.changes])
    return ends, numbers, int4s([len(change.entries) for change in changes])


def _doubtful(commands: Sequence[Prepared], ids: Sequence[UUID], streams: Sequence[UUID]) -> list[int]:
    """The numbers of the commands whose outcome may depend on another command of the batch."""
    if len({each.int for each in streams}) == len(streams) and len({each.int for each in ids}) == len(ids):
        return []
    contested = _contested(change for command in commands for change in command.changes)
    seen = Counter(ids)
    return [
        number
        for number, command in enumerate(commands, 1)
        if seen[command.command_id] > 1 or any(change.stream_id in contested for change in command.changes)
    ]


def _contested(changes: Iterable[PreparedChange]) -> set[UUID]:
    """Streams that one command writes and another one has an expectation of."""
    by_stream: dict[UUID, list[PreparedChange]] = {}
    for change in changes:
        by_stream.setdefault(change.stream_id, []).append(change)
    return {
        stream_id
        for stream_id, several in by_stream.items()
        if len(several) > 1
        and any(change.entries for change in several)
        and any(change.expected_version is not None for change in several)
    }


def decoded(row: Sequence[bytes | None]) -> Answer:
    """The answer from its binary form."""
    base, at, told, firsts = row
    assert base is not None
    assert at is not None
    instant = _EPOCH + timedelta(microseconds=int.from_bytes(at, "big", signed=True))
    return Answer(
        int.from_bytes(base, "big", signed=True),
        instant,
        None if told is None else integers(told),
        None if firsts is None else integers(firsts),
    )


def outcomes(commands: Sequence[Prepared], answer: Answer) -> list[Appended | Outcome]:
    """Per command: where it stands now, or why it does not."""
    if answer.outcomes is None or answer.firsts is None:
        return _all_accepted(commands, answer)
    return [
        _accepted(command, first, answer.at) if outcome == Outcome.ACCEPTED else Outcome(outcome)
        for command, outcome, first in zip(commands, answer.outcomes, answer.firsts, strict=True)
    ]


def _all_accepted(commands: Sequence[Prepared], answer: Answer) -> list[Appended | Outcome]:
    found: list[Appended | Outcome] = []
    head = answer.base
    for command in commands:
        found.append(_accepted(command, head + 1 if command.events else head, answer.at))
        head += command.events
    return found


def _accepted(command: Prepared, first: int, at: datetime) -> Appended:
    last = first + command.events - 1 if command.events else first
    return Appended(first_position=first, last_position=last, recorded_at=at, answer=command.answer)
