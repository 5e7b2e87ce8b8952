"""Versions of streams go on without gaps, however few streams stay in memory."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from adapters.postgres.raw import RawEvent
from adapters.replaying.aside import Aside
from adapters.replaying.streams import StreamVersions

# Which stream each event belongs to, and how a history is cut into pages.
histories = st.lists(st.integers(0, 6), min_size=1, max_size=60)
sizes = st.integers(1, 9)


def events(streams: list[int], first: int = 1) -> list[RawEvent]:
    """Events whose versions are right."""
    versions: dict[int, int] = {}
    found: list[RawEvent] = []
    for position, stream in enumerate(streams, 1):
        versions[stream] = versions.get(stream, first - 1) + 1
        key = bytes([stream]) * 16
        found.append(RawEvent(position, key, versions[stream], b"", "", b"", b"", b"", "", b""))
    return found


def taken(rows: list[RawEvent], page: int, most: int) -> tuple[int, str] | None:
    with Aside() as aside:
        versions = StreamVersions(aside, most=most)
        for start in range(0, len(rows), page):
            if wrong := versions.take(rows[start : start + page]):
                return wrong
    return None


@given(streams=histories, page=sizes, most=st.integers(0, 5), first=st.integers(0, 1))
def test_what_goes_on_holds(streams: list[int], page: int, most: int, first: int) -> None:
    """From 1, or from 0, as the event store library allows."""
    assert taken(events(streams, first), page, most) is None


@given(streams=histories, page=sizes, most=st.integers(0, 5), at=st.integers(0, 59), by=st.sampled_from([-1, 1, 2, 9]))
def test_what_does_not_is_named(streams: list[int], page: int, most: int, at: int, by: int) -> None:
    """A version that was left out, came twice or is another one: its position, or that of the next of its stream."""
    rows = events(streams)
    at %= len(rows)
    changed = rows[at]._replace(version=rows[at].version + by)
    wrong = taken([*rows[:at], changed, *rows[at + 1 :]], page, most)
    following = next((row.position for row in rows[at + 1 :] if row.stream == changed.stream), None)
    first_may_be_zero = rows[at].version == 1 and by == -1
    if first_may_be_zero and following is None:
        assert wrong is None
    else:
        assert wrong is not None
        assert wrong[0] == (following if first_may_be_zero else at + 1)
        assert "version" in wrong[1]


@given(streams=histories, cut=st.integers(0, 60))
def test_what_was_put_aside_is_gone_on_with(streams: list[int], cut: int) -> None:
    """Another object over the same file knows all that the first one had put aside."""
    rows = events(streams)
    with Aside() as aside:
        first = StreamVersions(aside)
        assert first.take(rows[:cut]) is None
        first.put_aside()
        assert StreamVersions(aside).take(rows[cut:]) is None


def test_a_file_keeps_what_was_saved(tmp_path: Path) -> None:
    """And forgets what was not."""
    rows = events([1, 1, 1])
    with Aside(tmp_path / "aside") as aside:
        versions = StreamVersions(aside)
        versions.take(rows[:2])
        versions.put_aside()
        aside.save()
        versions.take(rows[2:])
        versions.put_aside()
    with Aside(tmp_path / "aside") as aside:
        assert StreamVersions(aside).take(rows[2:]) is None
