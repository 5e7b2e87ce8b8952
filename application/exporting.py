"""Taking evidence away: it is made first, then it is recorded who takes which file, then its bytes leave."""

from collections.abc import Awaitable
from uuid import UUID

from application.export_ports import EvidenceMaker, MadeEvidence
from application.house import Context, House
from application.viewing import record_export

LARGEST_RANGE = 1_000_000
"""Events in one archive; a longer stretch is taken in several."""


class Taken:
    """An archive that somebody may have now, and the position of the event that says so."""

    def __init__(self, evidence: MadeEvidence, position: int) -> None:
        self.evidence = evidence
        self.position = position


def wrong_range(first: int, last: int, head: int) -> str | None:
    """Why there is no such range to take, in a ledger that ends at `head`; None where there is."""
    if last < first:
        return "The range ends before it begins."
    if last > head:
        return f"The ledger ends at position {head}."
    return f"One archive has at most {LARGEST_RANGE} events; take several." if last - first >= LARGEST_RANGE else None


async def take_range(house: House, context: Context, maker: EvidenceMaker, first: int, last: int) -> Taken:
    """All events of a range that is not wrong (`wrong_range`). Raises what the maker raises."""
    return await _taken(house, context, maker.range(first, last))


async def take_push(house: House, context: Context, maker: EvidenceMaker, work_order_id: UUID) -> Taken:
    """One push. Raises what the maker raises."""
    return await _taken(house, context, maker.push(work_order_id))


async def _taken(house: House, context: Context, making: Awaitable[MadeEvidence]) -> Taken:
    evidence = await making
    about = evidence.about
    try:
        position = await record_export(
            house,
            context,
            about.form,
            "",
            from_position=about.first_position,
            to_position=about.last_position,
            subject_id=about.subject_id,
            events=about.events,
            tree_size=about.tree_size,
            archive_sha256=about.sha256,
        )
    except BaseException:
        await evidence.discard()
        raise
    return Taken(evidence, position)
