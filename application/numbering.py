"""Where the numbering of a connector's work orders stands: the read model's hint, carried on along the streams."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from application.house import House, Loaded, load_many
from application.ports import Change
from domain import ids
from domain.work_order_state import WORK_ORDER, WorkOrder


class Latest(NamedTuple):
    """A connector's last work order, if any, and the ordinal and stream of the next."""

    previous: Loaded[WorkOrder] | None
    next_ordinal: int
    next_id: UUID

    def earlier(self, connector_id: UUID) -> list[UUID]:
        """The connector's work orders before the previous one."""
        return [ids.work_order_id(connector_id, ordinal) for ordinal in range(1, self.next_ordinal - 1)]

    def none_later(self) -> Change:
        """Assert that nobody has opened the next one."""
        return Change(stream_id=self.next_id, expected_version=0)


async def latest_work_orders(house: House, connector_ids: Sequence[UUID]) -> dict[UUID, Latest]:
    """Where each connector's numbering stands: the read model's hint, carried on along the streams themselves."""
    hinted = await house.hints.latest_ordinals(connector_ids)
    found: dict[UUID, Latest] = {}
    # Two streams at a time: the one that should be the last, and the one that should not be there.
    reached = {cid: (hinted.get(cid, 0), _stream_of(cid, hinted.get(cid, 0))) for cid in connector_ids}
    while reached:
        following = {cid: ids.work_order_id(cid, ordinal + 1) for cid, (ordinal, _) in reached.items()}
        wanted = [stream for _, stream in reached.values() if stream is not None]
        streams = await load_many(house, WORK_ORDER, [*wanted, *following.values()])
        ahead: dict[UUID, tuple[int, UUID | None]] = {}
        for cid, (ordinal, stream) in reached.items():
            if streams[following[cid]].state is None:
                last = streams[stream] if stream else None
                found[cid] = Latest(last if last and last.state else None, ordinal + 1, following[cid])
            else:
                ahead[cid] = ordinal + 1, following[cid]
        reached = ahead
    return found


def _stream_of(connector_id: UUID, ordinal: int) -> UUID | None:
    return ids.work_order_id(connector_id, ordinal) if ordinal else None
