"""Is a stored event the one that its leaf names? What every leaf is asked before its hash enters the tree."""

from collections.abc import Iterable
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256

import msgspec

from adapters.postgres.raw import EPOCH, RawEvent, microseconds_of
from domain.transparency.bundles import LONGEST_LEAF
from domain.transparency.hashing import leaf_hash

_DAY = 86_400  # seconds


class Mismatch(Exception):
    """The ledger contradicts itself, or what was signed of it; `position` is that of the first bad event, if known."""

    def __init__(self, position: int | None, reason: str) -> None:
        super().__init__(reason if position is None else f"position {position}: {reason}")
        self.position = position
        self.reason = reason


class _Actor(msgspec.Struct, frozen=True):
    kind: str
    id: str


class _Leaf(msgspec.Struct, frozen=True):
    v: int
    type: str
    stream: str
    actor: _Actor
    correlation_id: str
    data_sha256: str
    version: int
    position: int
    recorded_at: str


_decode = msgspec.json.Decoder(_Leaf).decode


def checked_hashes(events: Iterable[RawEvent], after: int) -> list[bytes]:
    """The leaf hashes of the events that follow a position. Raises Mismatch."""
    hashes: list[bytes] = []
    for position, event in enumerate(events, after + 1):
        if event.position != position:
            raise Mismatch(position, f"the event is missing; the next one stands at position {event.position}")
        hashes.append(checked_hash(event))
    return hashes


def checked_hash(event: RawEvent) -> bytes:
    """The leaf hash of an event whose row says what its leaf says. Raises Mismatch."""
    try:
        said = _decode(event.leaf)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError):
        raise Mismatch(event.position, "the leaf is no leaf of this ledger") from None
    if len(event.leaf) > LONGEST_LEAF:
        raise Mismatch(event.position, f"the leaf is longer than {LONGEST_LEAF} bytes")
    if said.data_sha256 != sha256(event.salt + event.payload).hexdigest():
        raise Mismatch(event.position, "the payload is not the one that its leaf names (data_sha256)")
    told = (said.v, said.position, said.version, said.type, said.actor.kind + ":" + said.actor.id)
    if told != (1, event.position, event.version, event.topic, event.actor):
        raise Mismatch(event.position, "position, version, type or actor are not those of the leaf")
    if said.stream.replace("-", "") != event.stream.hex() or said.recorded_at != _instant(event.recorded_at):
        raise Mismatch(event.position, "stream or instant are not those of the leaf")
    if said.correlation_id.replace("-", "") != event.correlation_id.hex():
        raise Mismatch(event.position, "the correlation id is not that of the leaf")
    return leaf_hash(event.leaf)


def _instant(sent: bytes) -> str:
    """As the leaf writes it."""
    second, microsecond = divmod(microseconds_of(sent), 1_000_000)
    day, second = divmod(second, _DAY)
    return f"{_date(day)}T{_time(second)}.{microsecond:06}Z"


@lru_cache(maxsize=1024)
def _date(day: int) -> str:
    """Of the epoch of PostgreSQL; nothing that a leaf could say where there is no such date ("infinity" is none).

    Formatting costs more than everything else that is compared: each date and each time of day is formatted once.
    """
    try:
        return (EPOCH + timedelta(days=day)).date().isoformat()
    except OverflowError:
        return "no date"


@lru_cache(maxsize=_DAY)
def _time(second: int) -> str:
    """Of a day."""
    return (EPOCH + timedelta(seconds=second)).time().isoformat()
