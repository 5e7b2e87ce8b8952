"""Events that were read a moment ago, for whoever wants one of them by its position."""

from application.ports import Log, Recorded


class RecentEvents:
    """The last `most` that were kept; any other one is read from the log. Not for several event loops at once."""

    def __init__(self, log: Log, most: int = 1000) -> None:
        self._log = log
        self._most = most
        self._kept: dict[int, Recorded] = {}

    def keep(self, recorded: Recorded) -> None:
        """Somebody will ask for it soon."""
        self._kept[recorded.position] = recorded
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]

    def forget(self) -> None:
        """What was kept may be of a log that is no longer the one that is asked."""
        self._kept.clear()

    async def at(self, position: int) -> Recorded:
        """The event at a position. Raises ValueError where the log has not come so far."""
        kept = self._kept.get(position)
        if kept is not None:
            return kept
        [recorded] = await self._log.read(position - 1, 1)
        return recorded
