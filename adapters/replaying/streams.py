"""Versions of streams: each begins with 1 (or 0, as the event store library allows) and goes on without gaps."""

from collections.abc import Sequence

from adapters.postgres.raw import RawEvent
from adapters.replaying.aside import Aside

_MOST_IN_MEMORY = 200_000
_FIRST = (0, 1)


class StreamVersions:
    """The last version of every stream so far; the streams of long ago lie aside."""

    def __init__(self, aside: Aside, *, most: int = _MOST_IN_MEMORY) -> None:
        aside.execute("CREATE TABLE IF NOT EXISTS stream_versions (stream BLOB PRIMARY KEY, version) WITHOUT ROWID")
        self._aside = aside
        self._most = most
        self._known: dict[bytes, int] = {}
        self._some_aside = aside.execute("SELECT EXISTS (SELECT 1 FROM stream_versions)").fetchone()[0] == 1

    def take(self, page: Sequence[RawEvent]) -> tuple[int, str] | None:
        """The events that follow; answers the first position that does not follow in its stream, and why."""
        known = self._known
        for row in page:
            before = known.get(row.stream)
            if before is None and self._some_aside:
                before = self._look(row.stream)
            follows = row.version in _FIRST if before is None else row.version == before + 1
            if not follows:
                return row.position, _sentence(row, before)
            known[row.stream] = row.version
        if len(known) > self._most:
            self.put_aside()
        return None

    def put_aside(self) -> None:
        """Nothing stays in memory."""
        self._aside.executemany("INSERT OR REPLACE INTO stream_versions VALUES (?, ?)", self._known.items())
        self._some_aside = self._some_aside or bool(self._known)
        self._known.clear()

    def _look(self, stream: bytes) -> int | None:
        row = self._aside.execute("SELECT version FROM stream_versions WHERE stream = ?", [stream]).fetchone()
        return row[0] if row else None


def _sentence(row: RawEvent, before: int | None) -> str:
    if before is None:
        return f"it is version {row.version} of its stream, which has no event before"
    return f"it is version {row.version} of its stream, whose last one was {before}"
