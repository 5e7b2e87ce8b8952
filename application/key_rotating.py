"""That the master key was rotated, or a former one retired, stands in the ledger."""

from application.house import Context, House, append
from application.ports import Change
from domain import ids
from domain.entity import Event
from domain.master_key import MasterKeyRetired, MasterKeyRotated

STREAM = ids.derive("master-key")


async def record_rotation(house: House, context: Context, *, key_id: str, former: tuple[str, ...], values: int) -> int:
    """Everything is sealed by this key now; the position."""
    return await _append(
        house, context, MasterKeyRotated(meta=context.meta, key_id=key_id, former_key_ids=former, values=values)
    )


async def record_retirement(house: House, context: Context, key_id: str) -> int:
    """Nothing is sealed by this key any more; the position."""
    return await _append(house, context, MasterKeyRetired(meta=context.meta, key_id=key_id))


async def _append(house: House, context: Context, event: Event) -> int:
    change = Change(stream_id=STREAM, expected_version=None, events=(event,))
    return (await append(house, context, change)).last_position
