"""What target systems were called, in SQL."""

from uuid import UUID

import msgspec

from projections.reading.postgres import Reader
from projections.target_records.view import TargetRecord

# All target systems up to a position.
TARGETS = "SELECT id, doc FROM read.target_records WHERE created_position <= %b::bigint ORDER BY created_position"

_decode = msgspec.json.Decoder(TargetRecord).decode


async def target_names(reader: Reader, position: int) -> dict[UUID, str]:
    """What each was called at a position."""
    rows = await reader.rows(TARGETS, [position])
    return {key: _decode(doc).known(position).name for key, doc in rows}
