"""What every Log promises (application.ports.Log). Run on PostgreSQL and on the in-memory twin.

A module that tests a log makes a fixture `log` and subclasses LogContract.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID, uuid4

import msgspec
import pytest

from application.leaf import NotStorable
from application.ports import Change, CommandIdReused, Log, Recorded, VersionConflict
from tests.contracts.log_events import command, denied, read_by, writing


class LogContract:
    """The promises; a subclass says on which log."""

    async def test_an_empty_ledger(self, log: Log) -> None:
        """The head of an empty ledger is 0, its streams are empty lists, unknown commands are None."""
        stream = uuid4()
        assert await log.head() == 0
        assert await log.load([stream]) == {stream: []}
        assert await log.read(0, 10) == []
        assert await log.find_command(uuid4()) is None

    async def test_what_was_appended_is_read_back(self, log: Log) -> None:
        """Events come back equal, with stream, version and position, from load and from read."""
        stream, events = uuid4(), (read_by("ann"), read_by("bob"))
        appended = await log.append(command(writing(stream, 0, *events)))
        loaded = (await log.load([stream]))[stream]
        assert [(1, 1), (2, 2)] == [(each.position, each.version) for each in loaded]
        assert list(events) == [each.event for each in loaded]
        assert {stream} == {each.stream_id for each in loaded}
        assert loaded == await log.read(0, 10)
        assert (1, 2, False) == (appended.first_position, appended.last_position, appended.repeated)
        assert {appended.recorded_at} == {each.recorded_at for each in loaded}

    async def test_positions_are_dense_over_streams(self, log: Log) -> None:
        """Positions count through all streams without a gap, also after a refused command."""
        first, second = uuid4(), uuid4()
        await log.append(command(writing(first, 0, read_by("a"))))
        with pytest.raises(VersionConflict):
            await log.append(command(writing(first, 0, read_by("b"))))
        await log.append(command(writing(second, 0, read_by("c"), read_by("d"))))
        assert [1, 2, 3] == [each.position for each in await log.read(0, 10)]
        assert await log.head() == 3

    async def test_a_command_commits_whole_or_not_at_all(self, log: Log) -> None:
        """When one of several streams has moved on, nothing of the command is kept."""
        moved, other = uuid4(), uuid4()
        await log.append(command(writing(moved, 0, read_by("a"))))
        with pytest.raises(VersionConflict):
            await log.append(command(writing(other, 0, read_by("b")), writing(moved, 0, read_by("c"))))
        assert {moved: 1, other: 0} == {key: len(found) for key, found in (await log.load([moved, other])).items()}

    @pytest.mark.parametrize("expected", [1, 2, 7])
    async def test_a_version_that_is_not_there_conflicts(self, log: Log, expected: int) -> None:
        """A stream that is shorter than the decision assumed is a conflict as well."""
        with pytest.raises(VersionConflict):
            await log.append(command(writing(uuid4(), expected, read_by("a"))))

    async def test_an_assertion_holds_or_refuses(self, log: Log) -> None:
        """A change without events lets the command pass only while the stream is at that version."""
        asserted, stream = uuid4(), uuid4()
        await log.append(command(writing(asserted, 0, read_by("a"))))
        await log.append(command(writing(asserted, 1), writing(stream, 0, read_by("b"))))
        with pytest.raises(VersionConflict):
            await log.append(command(writing(asserted, 0), writing(stream, 1, read_by("c"))))
        assert await log.head() == 2

    async def test_appending_at_the_end_needs_no_version(self, log: Log) -> None:
        """Without an expected version events go to the end of the stream, from anyone, at once."""
        stream = uuid4()
        await asyncio.gather(
            *(log.append(command(writing(stream, None, read_by("a"), read_by("b")))) for _ in range(20))
        )
        assert list(range(1, 41)) == [each.version for each in (await log.load([stream]))[stream]]

    async def test_several_streams_in_one_command(self, log: Log) -> None:
        """A command may write, extend and assert different streams; its positions follow one another."""
        written, extended, asserted = uuid4(), uuid4(), uuid4()
        await log.append(command(writing(extended, 0, read_by("a"))))
        changes = writing(written, 0, read_by("b"), read_by("c")), writing(extended, None, read_by("d"))
        appended = await log.append(command(*changes, writing(asserted, 0)))
        assert (2, 4) == (appended.first_position, appended.last_position)
        assert [("b", 1), ("c", 2), ("d", 2)] == [(_who(each), each.version) for each in await log.read(1, 10)]

    async def test_one_of_many_at_once_wins(self, log: Log) -> None:
        """Of commands that decided on the same version at the same time exactly one is accepted."""
        stream = uuid4()
        outcomes = await asyncio.gather(
            *(log.append(command(writing(stream, 0, read_by(str(n))))) for n in range(30)), return_exceptions=True
        )
        assert 1 == sum(not isinstance(outcome, BaseException) for outcome in outcomes)
        assert {VersionConflict} == {type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)}
        assert await log.head() == 1

    async def test_a_conflict_hurts_only_its_own_command(self, log: Log) -> None:
        """Commands sent together with a conflicting one are accepted."""
        stale = uuid4()
        await log.append(command(writing(stale, 0, read_by("a"))))
        commands = [command(writing(uuid4() if n % 3 else stale, 0, read_by(str(n)))) for n in range(30)]
        outcomes = await asyncio.gather(*map(log.append, commands), return_exceptions=True)
        assert [not n % 3 for n in range(30)] == [isinstance(outcome, VersionConflict) for outcome in outcomes]
        assert list(range(1, 22)) == [each.position for each in await log.read(0, 100)]

    async def test_an_assertion_sees_what_was_sent_with_it(self, log: Log) -> None:
        """A command that relies on a stream and one that writes it do not both pass on the same version."""
        relied_on, other = uuid4(), uuid4()
        write = command(writing(relied_on, 0, read_by("writer")))
        rely = command(writing(relied_on, 0), writing(other, 0, read_by("relier")))
        outcomes = await asyncio.gather(log.append(write), log.append(rely), return_exceptions=True)
        assert [False, True] == [isinstance(outcome, VersionConflict) for outcome in outcomes]

    async def test_a_repeated_command_gets_the_first_result(self, log: Log) -> None:
        """The same id and body changes nothing and gets the first positions, instant and answer."""
        first = command(writing(uuid4(), 0, read_by("a"), read_by("b")), answer=b"first answer")
        appended = await log.append(first)
        await log.append(command(writing(uuid4(), 0, read_by("c"))))
        again = await log.append(first)
        assert again.repeated
        assert (appended.first_position, appended.last_position) == (again.first_position, again.last_position)
        assert (appended.recorded_at, b"first answer") == (again.recorded_at, again.answer)
        assert await log.head() == 3
        assert (first.body_sha256, again) == await log.find_command(first.command_id)

    async def test_a_command_repeated_at_the_same_moment(self, log: Log) -> None:
        """Of the same command sent several times at once one is carried out, the others are told so."""
        same = command(writing(uuid4(), 0, read_by("a")))
        outcomes = await asyncio.gather(*(log.append(same) for _ in range(10)))
        assert 1 == sum(not outcome.repeated for outcome in outcomes)
        assert {1} == {outcome.first_position for outcome in outcomes}
        assert await log.head() == 1

    async def test_a_command_id_with_another_body(self, log: Log) -> None:
        """A command id that was used with another body is refused, and nothing is kept of the second."""
        first = command(writing(uuid4(), 0, read_by("a")))
        await log.append(first)
        other = msgspec.structs.replace(first, body_sha256=b"\x01" * 32)
        with pytest.raises(CommandIdReused):
            await log.append(other)
        assert await log.head() == 1

    async def test_a_command_without_events(self, log: Log) -> None:
        """It is remembered, at the head of that moment, and moves nothing."""
        await log.append(command(writing(uuid4(), 0, read_by("a"))))
        appended = await log.append(command(answer=b"nothing to do"))
        assert (1, 1) == (appended.first_position, appended.last_position)
        assert await log.head() == 1

    async def test_a_refused_command_may_be_decided_again(self, log: Log) -> None:
        """A conflict does not use up the command id."""
        stream = uuid4()
        await log.append(command(writing(stream, 0, read_by("a"))))
        stale = command(writing(stream, 0, read_by("b")))
        with pytest.raises(VersionConflict):
            await log.append(stale)
        fresh = msgspec.structs.replace(stale, changes=(writing(stream, 1, read_by("b")),))
        assert not (await log.append(fresh)).repeated

    async def test_time_never_goes_back(self, log: Log) -> None:
        """Instants rise, or stay, with the positions."""
        for n in range(10):
            await log.append(command(writing(uuid4(), 0, read_by(str(n)))))
        instants = [each.recorded_at for each in await log.read(0, 10)]
        assert sorted(instants) == instants

    async def test_reading_in_pages(self, log: Log) -> None:
        """`read` gives at most `limit` events after a position, in order."""
        await log.append(command(writing(uuid4(), 0, *(read_by(str(n)) for n in range(7)))))
        assert [3, 4, 5] == [each.position for each in await log.read(2, 3)]
        assert [] == await log.read(7, 3)

    @pytest.mark.parametrize("text", ["a\0b", "half \ud800 pair"])
    async def test_unstorable_text_is_refused(self, log: Log, text: str) -> None:
        """A NUL or half a surrogate pair is refused with its topic; commands sent along are accepted."""
        good, bad = command(writing(uuid4(), 0, read_by("a"))), command(writing(uuid4(), 0, denied(text)))
        outcomes = await asyncio.gather(log.append(bad), log.append(good), return_exceptions=True)
        assert isinstance(outcomes[0], NotStorable)
        assert "access.denied" in str(outcomes[0])
        assert not isinstance(outcomes[1], BaseException)

    async def test_text_that_looks_like_an_escape_is_kept(self, log: Log) -> None:
        """The six characters of a written-out NUL escape are ordinary text."""
        stream = uuid4()
        await log.append(command(writing(stream, 0, denied("\\u0000"))))
        assert denied("\\u0000") == (await log.load([stream]))[stream][0].event

    async def test_too_many_subjects_are_refused(self, log: Log) -> None:
        """An event whose leaf would be longer than a leaf may be is refused."""
        with pytest.raises(NotStorable):
            await log.append(command(writing(uuid4(), 0, read_by("x" * 70_000))))

    async def test_following_from_the_start_and_live(self, log: Log) -> None:
        """A follower sees everything after its position, then what is appended later, each once, in order."""
        await log.append(command(writing(uuid4(), 0, *(read_by(str(n)) for n in range(5)))))
        async with aclosing(_positions(log, 2)) as positions:
            seen = [await anext(positions) for _ in range(3)]
            await log.append(command(writing(uuid4(), 0, read_by("later"), read_by("last"))))
            seen += [await anext(positions) for _ in range(2)]
        assert [3, 4, 5, 6, 7] == seen

    async def test_a_cancelled_caller_harms_nobody(self, log: Log) -> None:
        """Commands whose callers went away do not disturb those sent along, nor the density of positions."""
        tasks = [asyncio.create_task(log.append(command(writing(uuid4(), 0, read_by(str(n)))))) for n in range(20)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert not any(isinstance(outcome, BaseException) for outcome in outcomes[1::2])
        head = await log.head()
        assert list(range(1, head + 1)) == [each.position for each in await log.read(0, 100)]

    @pytest.mark.parametrize(
        "changes",
        [
            (Change(stream_id=UUID(int=1), expected_version=None),),
            (Change(stream_id=UUID(int=1), expected_version=-1),),
            (Change(stream_id=UUID(int=1), expected_version=0), Change(stream_id=UUID(int=1), expected_version=0)),
        ],
    )
    async def test_a_command_that_means_nothing(self, log: Log, changes: tuple[Change, ...]) -> None:
        """An assertion without a version, a negative version, a stream named twice: a ValueError at once."""
        with pytest.raises(ValueError, match=r"version|once"):
            await log.append(command(*changes))


def _who(recorded: Recorded) -> str:
    return recorded.event.meta.actor.id


async def _positions(log: Log, after: int) -> AsyncGenerator[int, None]:
    async with aclosing(log.follow(after)) as batches:
        async for batch in batches:
            for each in batch:
                yield each.position
