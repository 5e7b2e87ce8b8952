"""Lines: read models that follow the ledger together. Each line has a position, and a runner, of its own."""

from typing import NamedTuple


class Line(NamedTuple):
    """How a line is followed, and its names in PostgreSQL: the table of its position and the function that moves it
    (schema `read`), the channel that tells of it, the keys of its advisory locks.

    `batch`: events taken at once. `cached_rows`: rows kept in memory, per projection. `held_rows`: changed rows that
    a replay from the beginning holds back, as long as none of those that it wrote changes again; `memory_rows`: those
    that it may hold (about a kilobyte each). `load`: how many events there must be for the first runner of a line to
    load them in bulk. `patience`: seconds from hearing that the ledger has grown to looking.
    """

    name: str
    positions: str
    advance: str
    channel: str
    leader: int
    rebuild: int
    batch: int
    cached_rows: int
    held_rows: int
    memory_rows: int
    load: int
    patience: float


LIVE = Line(
    name="projections",
    positions="positions",
    advance="advance",
    channel="read_position",
    leader=7163384699739510,
    rebuild=7163384699739512,
    batch=5000,
    cached_rows=20_000,
    held_rows=8000,
    memory_rows=100_000,
    load=5000,
    patience=0.0,
)
"""Everything as it is now."""

HISTORY = Line(
    name="history",
    positions="history_positions",
    advance="advance_history",
    channel="history_position",
    leader=7163384699739520,
    rebuild=7163384699739522,
    batch=1000,
    cached_rows=5000,
    held_rows=5000,
    memory_rows=20_000,
    load=5000,
    patience=0.03,
)
"""Everything as it was. A line of its own, and a patient one: it writes much, and the present must not wait for it."""
