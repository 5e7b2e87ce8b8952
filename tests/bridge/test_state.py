"""The state directory: ours alone, one bridge at a time, and a journal that a crash cannot confuse."""

import uuid
from pathlib import Path

import msgspec
import pytest

from bridge import state
from bridge.journal import Journal, Unfinished
from bridge.protocol import AssignmentKind, DiscoveryRequest, Outcome, ResultRequest
from tests.bridge.deploying import assignment

WORK = assignment({"transport": "local"})
RESULT = ResultRequest(assignment_id=WORK.assignment_id, fence=WORK.fence, outcome=Outcome.SUCCESS, message="done")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return state.open_state(tmp_path / "bridge")


def test_a_directory_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """The sentence has the command that mends it."""
    (tmp_path / "bridge").mkdir(mode=0o755)
    with pytest.raises(state.StateRefused, match="chmod 700"):
        state.open_state(tmp_path / "bridge")


def test_a_link_to_a_directory_is_refused(tmp_path: Path) -> None:
    """What the name says is what is used."""
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "bridge").symlink_to("real")
    with pytest.raises(state.StateRefused, match="must be a directory of the user"):
        state.open_state(tmp_path / "bridge")


def test_two_bridges_cannot_share_it(directory: Path) -> None:
    """The second one is told; after the first has ended there is room."""
    with (
        state.locked(directory),
        pytest.raises(state.StateRefused, match="Another certferry-bridge"),
        state.locked(directory),
    ):
        pass
    with state.locked(directory):
        pass


def test_without_enrolment_the_command_is_named(directory: Path) -> None:
    """The next step is in the sentence."""
    with pytest.raises(state.StateRefused, match="certferry-bridge enrol"):
        state.read_identity(directory)


async def reopened(directory: Path) -> tuple[Unfinished, ...]:
    journal = Journal(directory)
    journal.close()
    return journal.unfinished


async def test_the_journal_tells_what_is_unfinished(directory: Path) -> None:
    """Started; then with its report; then nothing more."""
    journal = Journal(directory)
    assert () == journal.unfinished
    await journal.started(WORK)
    assert (Unfinished(WORK),) == await reopened(directory)
    journal.close()
    journal = Journal(directory)
    await journal.applied(RESULT)
    assert (Unfinished(WORK, RESULT),) == await reopened(directory)
    journal.close()
    journal = Journal(directory)
    await journal.reported(RESULT)
    assert () == await reopened(directory)
    journal.close()


async def test_the_journal_keeps_discoveries_too(directory: Path) -> None:
    """Both kinds of report come back as what they were."""
    discovery = assignment({}, kind=AssignmentKind.DISCOVERY)
    report = DiscoveryRequest(assignment_id=discovery.assignment_id, fence=1, healthy=True, message="")
    journal = Journal(directory)
    await journal.started(discovery)
    await journal.applied(report)
    journal.close()
    assert (Unfinished(discovery, report),) == await reopened(directory)


async def test_a_line_that_a_crash_cut_is_dropped(directory: Path) -> None:
    """At every length of the last line: what came before it counts, and nothing else."""
    journal = Journal(directory)
    await journal.started(WORK)
    whole = (directory / state.JOURNAL).read_bytes()
    await journal.applied(RESULT)
    journal.close()
    data = (directory / state.JOURNAL).read_bytes()
    for length in range(len(whole), len(data)):
        (directory / state.JOURNAL).write_bytes(data[:length])
        assert (Unfinished(WORK),) == await reopened(directory)
    assert not (directory / "journal.damaged").exists()


async def test_a_damaged_line_does_not_hide_the_others(directory: Path) -> None:
    """It is left out, and the file is kept for people to look at."""
    other = msgspec.structs.replace(WORK, assignment_id=uuid.uuid4())
    journal = Journal(directory)
    await journal.started(WORK)
    await journal.started(other)
    journal.close()
    path = directory / state.JOURNAL
    path.write_bytes(b'{"record":"started","assignment":{"ass\n' + path.read_bytes())
    assert (Unfinished(WORK), Unfinished(other)) == await reopened(directory)
    assert (directory / "journal.damaged").exists()


async def test_the_journal_does_not_grow_for_ever(directory: Path) -> None:
    """What is reported is gone when the journal is opened again."""
    journal = Journal(directory)
    for _ in range(20):
        await journal.started(WORK)
        await journal.reported(RESULT)
    journal.close()
    await reopened(directory)
    assert b"" == (directory / state.JOURNAL).read_bytes()


async def test_the_same_assignment_under_a_later_fence_is_another_piece_of_work(directory: Path) -> None:
    """A report under the old fence does not finish the new one."""
    later = msgspec.structs.replace(WORK, fence=2)
    journal = Journal(directory)
    await journal.started(WORK)
    await journal.started(later)
    await journal.reported(RESULT)
    journal.close()
    assert (Unfinished(later),) == await reopened(directory)
