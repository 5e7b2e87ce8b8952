"""Sealing: checked and hashed events per second on one core against SHA-256 of the same bytes; proofs of a large log.

    python -m benchmarks.sealing [--events 50000] [--leaves 1000000] [--rounds 5] [--json FILE]

Sealing: every check of an event (row against leaf, payload against its digest), its leaf hash, the tree with all tiles.
Tree: the tree alone, given the leaf hashes. SHA-256: `hashlib` over the same payloads and leaves, nothing else. Proofs:
inclusion in the log of so many leaves, out of tiles as they are stored; reading these from the server comes on top.
"""

import argparse
import hashlib
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from struct import pack
from uuid import uuid4

from adapters.postgres.raw import RawEvent
from adapters.sealing.leaves import checked_hashes
from application.entries import entry
from application.leaf import complete_leaf
from benchmarks.support import results
from benchmarks.support.events import push_approved
from benchmarks.support.rounds import Measure, as_json, interleave, median, ratio
from domain.transparency.edge import Edge, grow
from domain.transparency.hashing import leaf_hash
from domain.transparency.proving import hashes_of, inclusion_path
from domain.transparency.tiles import Expanded, expanded_partial, lookup_in, packed, tiles_for, unpacked

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_PAGE = 5_000
_PROOFS = 2_000


def events(count: int) -> list[RawEvent]:
    """Events as they come out of the server."""
    found: list[RawEvent] = []
    for position in range(1, count + 1):
        stream = uuid4()
        made = entry(stream, push_approved(stream))
        at = datetime(2026, 3, 14, tzinfo=UTC) + timedelta(milliseconds=position // 10)
        microseconds = (at - _EPOCH) // timedelta(microseconds=1)
        sent, leaf = pack(">q", microseconds), complete_leaf(made.leaf_head, 1, position, at)
        rest = (made.topic, made.payload, leaf, made.salt, made.actor, made.correlation_id.bytes)
        found.append(RawEvent(position, stream.bytes, 1, sent, *rest))
    return found


def sealing(stored: list[RawEvent]) -> None:
    """What the sealer does with rows, page by page."""
    edge = Edge()
    for start in range(0, len(stored), _PAGE):
        edge = grow(edge, checked_hashes(stored[start : start + _PAGE], start)).edge
    edge.root()


def tree(hashes: list[bytes]) -> None:
    """The tree alone."""
    grow(Edge(), hashes).edge.root()


def sha256(stored: list[RawEvent]) -> None:
    """The same bytes through the hash function."""
    for event in stored:
        hashlib.sha256(event.salt + event.payload).digest()
        hashlib.sha256(b"\0" + event.leaf).digest()


def timed(work: Callable[[], None], count: int) -> Measure:
    """How many per second of the processor's time: other work of the machine does not count."""
    started = time.process_time()
    work()
    return Measure(count / (time.process_time() - started))


class Store:
    """The tiles of a log in memory, packed as the database keeps them."""

    def __init__(self, leaves: int) -> None:
        self.size = leaves
        edge, full = grow(Edge(), [number.to_bytes(32) for number in range(leaves)])
        self._packed = {(tile.level, tile.number): packed(tile.nodes) for tile in full}
        self._edge = {(level, leaves >> 8 * (level + 1)): hashes for level, hashes in enumerate(edge.levels)}

    def prove(self, index: int) -> list[bytes]:
        """An inclusion proof."""
        path = inclusion_path(index, self.size)
        return hashes_of(path, lookup_in({tile[:2]: self._tile(tile[:2]) for tile in tiles_for(path, self.size)}))

    def _tile(self, place: tuple[int, int]) -> Expanded:
        kept = self._packed.get(place)
        return unpacked(kept) if kept else expanded_partial(self._edge[place])


def proofs(store: Store) -> None:
    """Of random leaves."""
    chosen = random.Random(7)
    for _ in range(_PROOFS):
        store.prove(chosen.randrange(store.size))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--leaves", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    stored = events(given.events)
    hashes = [leaf_hash(event.leaf) for event in stored]
    store = Store(given.leaves)
    assert store.prove(0)[0] == (1).to_bytes(32)
    contestants = {
        "sealing": partial(timed, partial(sealing, stored), given.events),
        "tree alone": partial(timed, partial(tree, hashes), given.events),
        "SHA-256 alone": partial(timed, partial(sha256, stored), given.events),
        "proofs": partial(timed, partial(proofs, store), _PROOFS),
    }
    done = interleave(contestants, given.rounds)
    octets = sum(len(event.salt) + len(event.payload) + len(event.leaf) + 1 for event in stored) // len(stored)
    rows: list[tuple[object, ...]] = []
    for name in contestants:
        found = median(done, name)
        assert found
        each = f"{1e6 / found.per_second:.1f}"
        rows.append((name, f"{found.per_second:,.0f}", each, ratio(done, name, "SHA-256 alone")))
    print(f"{octets} bytes per event, {given.leaves:,} leaves\n")
    print(results.table(("", "/s of one core", "us each", "of SHA-256 alone"), rows))
    results.write(given.json, "sealing", {"events": given.events, "leaves": given.leaves, "rounds": as_json(done)})


if __name__ == "__main__":
    main()
