"""Ledgers in memory, sealed: histories as stored rows, with a tree, a key and a checkpoint."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from io import BytesIO
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.evidence.writing import Anchor, write_range
from adapters.keys.ed25519 import NoteSigner
from adapters.postgres.raw import RawEvent
from application.entries import entry
from application.leaf import complete_leaf
from domain.transparency.checkpoint import Checkpoint
from domain.transparency.hashing import leaf_hash
from domain.transparency.keys import signed
from projections.columns import instant
from tests.domain.transparency.by_the_book import mth
from tests.domain.transparency.trees import lookup
from tests.projections.world import T0, World

ORIGIN = "ledger.example.com/test"
KEY = NoteSigner.named(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER_KEY = NoteSigner.named(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))


def raw_events(world: World) -> list[RawEvent]:
    """Every event as it is stored."""
    versions: dict[UUID, int] = {}
    found: list[RawEvent] = []
    for position, (stream, event) in enumerate(world.events, 1):
        versions[stream] = version = versions.get(stream, 0) + 1
        stored, at = entry(stream, event), T0 + timedelta(milliseconds=position)
        leaf = complete_leaf(stored.leaf_head, version, position, at)
        conversation = stored.correlation_id.bytes
        sent = instant(at), stored.topic, stored.payload, leaf, stored.salt, stored.actor, conversation
        found.append(RawEvent(position, stream.bytes, version, *sent))
    return found


class SealedLedger:
    """Events, the tree over them, and checkpoints that a key has signed."""

    def __init__(self, events: Sequence[RawEvent], key: NoteSigner = KEY) -> None:
        self.events = list(events)
        self._key = key

    @cached_property
    def leaves(self) -> list[bytes]:
        return [event.leaf for event in self.events]

    def note(self, size: int) -> str:
        """A signed checkpoint of that many events."""
        return str(signed(Checkpoint(ORIGIN, size, mth(self.leaves[:size])).text, [self._key]))

    def anchor(self, size: int | None = None) -> Anchor:
        """What evidence is proven by; by default all of it."""
        size = len(self.events) if size is None else size
        leaves = self.leaves[:size]
        return Anchor(ORIGIN, size, mth(leaves), self.note(size), (str(self._key.key),), lookup(leaves))

    def range(self, first: int, last: int, size: int | None = None) -> bytes:
        """An archive of a range."""
        out = BytesIO()
        write_range(out, self.anchor(size), first, last, [self.events[first - 1 : last]])
        return out.getvalue()


def saved(directory: Path, archive: bytes, name: str = "evidence.zip") -> Path:
    """An archive as a file."""
    path = directory / name
    path.write_bytes(archive)
    return path


def hashes(events: Sequence[RawEvent]) -> list[bytes]:
    return [leaf_hash(event.leaf) for event in events]
