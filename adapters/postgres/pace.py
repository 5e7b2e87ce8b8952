"""Whether two batches should take turns."""

_OUR_WORK = 30e-6  # seconds to make a command, and for the server to store it: orders of magnitude, measured
_SERVER_WORK = 20e-6


class Pace:
    """How long a commit takes beside the work that grows with its commands (a moving average, in seconds)."""

    def __init__(self) -> None:
        self._fixed = 0.0
        self._last_end = 0.0

    def learn(self, sent: float, answered: float, commands: int) -> None:
        """Batches are served one after the other, so a batch's own time begins when the one before it has ended."""
        own = answered - max(sent, self._last_end)
        self._last_end = answered
        self._fixed += 0.2 * (max(0.0, own - commands * _SERVER_WORK) - self._fixed)

    def favours_turns(self, crowd: int) -> bool:
        """Whether making a crowd's commands takes longer than a commit does."""
        return self._fixed < crowd * _OUR_WORK
