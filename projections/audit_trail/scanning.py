"""Going through the audit trail between two positions in steps, none of which looks at more than so many positions.

Whoever narrows the trail to something rare would else have the whole ledger searched by one statement, again and again.
"""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import msgspec

from projections.audit_trail.view import AuditEvent, AuditFilter, AuditTrail

BATCH = 500
SPAN = 20_000


class Step(NamedTuple):
    """What was found, in order, and the position up to which everything has been looked at."""

    events: Sequence[AuditEvent]
    position: int


async def scan(
    trail: AuditTrail,
    narrow: AuditFilter,
    after_position: int,
    until_position: int,
    *,
    batch: int = BATCH,
    span: int = SPAN,
) -> AsyncIterator[Step]:
    """Steps from one position (exclusive) to another (inclusive); the last one ends exactly there.

    `until_position` must not be beyond the read position, else events that name a wanted subject may be passed over.
    """
    if narrow.until_position is not None:
        until_position = min(until_position, narrow.until_position)
    while after_position < until_position:
        edge = min(after_position + span, until_position)
        within = msgspec.structs.replace(narrow, until_position=edge)
        events = await trail.list(within, after_position=after_position, limit=batch)
        after_position = events[-1].position if len(events) == batch else edge
        yield Step(events, after_position)
