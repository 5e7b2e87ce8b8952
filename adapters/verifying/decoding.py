"""Can every event be read? Whoever reads events anyway tells at once; only where that happens it is asked which one."""

from collections.abc import Iterable

from adapters.postgres.raw import RawEvent
from adapters.sealing.leaves import Mismatch
from application import codec
from projections.engine import Entry
from projections.fold import describe


def check_decodable(events: Iterable[RawEvent | Entry]) -> None:
    """Raises Mismatch for the first one that cannot be read."""
    for event in events:
        try:
            codec.decode(event.topic, event.payload)
        except Exception as error:
            raise Mismatch(event.position, f"the payload cannot be read ({describe(error)})") from error
