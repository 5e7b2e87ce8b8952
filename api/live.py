"""Which pages have something new to show: one look at the ledger for all who look at pages of one kind."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from functools import cache

from api.directory import Positions
from api.streams import Streams
from domain.access import ACCESS_LOG
from domain.catalogue import TOPICS
from projections.audit_trail.view import AuditFilter, AuditTrail

KEEP_ALIVE_SECONDS = 15.0
BREATH_SECONDS = 1.0
_ESTATE = ("certificate.", "connector.", "work_order.", "target_system.", "bridge.")
KINDS: Mapping[str, tuple[str, ...]] = {
    "certificates": (*_ESTATE, "replacement."),
    "orders": ("certificate.",),
    "work-orders": ("certificate.", "work_order."),
    "target-systems": ("target_system.", "bridge."),
    "bridges": ("bridge.",),
    "verification": ("verification.", "connector."),
    "alerts": ("alert.",),
    "people": ("principal.", "role.", "token.", "session.", "invitation.", "password.", "identity."),
    "role-grants": ("role.", "principal."),
    "tokens": ("token.", "principal."),
    "approval-policies": ("approval_policy.",),
    "standing-approvals": ("standing_approval.",),
    "issuance-policies": ("issuance_policy.",),
    "expiry-alert-rules": ("expiry_alert_rule.",),
    "notification-channels": ("notification_channel.",),
    "reports": (*_ESTATE, "standing_approval.", "verification.", "inventory.", "report_schedule.", "role."),
}
"""What pages of each kind (their tab) are made of: the beginnings of topics."""


@cache
def topics(kind: str) -> tuple[str, ...]:
    """The topics that change what pages of a kind show. Reads and refusals change nothing."""
    reads = {event.topic for event in ACCESS_LOG.events}
    return tuple(sorted(topic for topic in TOPICS if topic.startswith(KINDS[kind]) and topic not in reads))


class Movement:
    """How far pages of one kind have moved, for all streams of this process: at most a statement a second, and none
    while nobody asks or nothing happens.
    """

    def __init__(self, kind: str, trail: AuditTrail, position: int) -> None:
        self._types = topics(kind)
        self._trail = trail
        self._looked = position
        self._moved = position
        self._turn = asyncio.Lock()
        self._rests_until = 0.0

    async def moved(self, positions: Positions) -> int:
        """A position by which everything that pages of this kind show is there."""
        known = positions.current
        async with self._turn:
            if self._looked < known:
                await self._look(positions)
        return self._moved

    async def _look(self, positions: Positions) -> None:
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(max(self._rests_until - clock(), 0.0))
        until = positions.current
        narrow = AuditFilter(types=self._types, until_position=until)
        if await self._trail.list(narrow, after_position=self._looked, limit=1):
            self._moved = until
        self._looked = until
        self._rests_until = clock() + BREATH_SECONDS


class Live:
    """The movements of one process, by kind."""

    def __init__(self) -> None:
        self._movements: dict[str, Movement] = {}

    def of(self, kind: str, trail: AuditTrail, after: int) -> Movement:
        """That of a kind; the first one looks on from `after`."""
        return self._movements.setdefault(kind, Movement(kind, trail, after))


async def follow(
    movement: Movement, positions: Positions, streams: Streams, after: int, welcome: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """The bytes of one stream: `moved` with its position as `id`, each time there is something new to show."""
    told = after
    yield b"retry: 5000\n\n"
    while not streams.closing and welcome():
        known = positions.current
        moved = await movement.moved(positions)
        if moved > told:
            told = moved
            yield b"id: %d\nevent: moved\ndata: %d\n\n" % (moved, moved)
        if not await streams.unless_closing(positions.wait(known + 1, KEEP_ALIVE_SECONDS)) and not streams.closing:
            yield b": still here\n\n"
