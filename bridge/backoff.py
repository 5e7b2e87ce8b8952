"""Pauses between attempts: longer each time, and random, so that many bridges do not come back in step."""

import random


class Backoff:
    """Full jitter: each pause is anywhere between nothing and a bound that doubles up to `most_seconds`."""

    def __init__(self, most_seconds: float, first_seconds: float = 0.5) -> None:
        self._most = most_seconds
        self._first = min(first_seconds, most_seconds)
        self._bound = self._first

    def reset(self) -> None:
        """It worked: begin again with short pauses."""
        self._bound = self._first

    def pause(self) -> float:
        """Seconds to wait now."""
        pause = random.uniform(0, self._bound)  # noqa: S311 # jitter is no secret
        self._bound = min(self._bound * 2, self._most)
        return pause
