"""Proofs out of the sealed ledger, and the pieces of it that others compute proofs from (C2SP tlog-tiles)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from domain.transparency.bundles import bundle
from domain.transparency.hashing import HASH_BYTES
from domain.transparency.note import parse_note, parse_signatures
from domain.transparency.proving import consistency_path, hashes_of, inclusion_path
from domain.transparency.subtrees import Range, root
from domain.transparency.tiles import WIDTH, Expanded, Tile, lookup_in, tiles_for, width_in
from domain.transparency.tlog_proof import TlogProof


class SealingIncomplete(Exception):
    """The stored tree lacks something that a checkpoint covers; the self-check will say what."""


class SealedCheckpoint(NamedTuple):
    """A stored checkpoint with what came in since: cosignatures (signature lines), a time stamp (DER, RFC 3161)."""

    number: int
    size: int
    root: bytes
    note: str
    sealed_at: datetime
    cosignatures: tuple[str, ...] = ()
    timestamp: bytes | None = None

    @property
    def signed(self) -> str:
        """The note with all signatures."""
        more = [line for text in self.cosignatures for line in parse_signatures(text)]
        return str(parse_note(self.note).signed_too(more))


class LogKey(NamedTuple):
    """A verifier key of the log: in use from a size and an instant on, and until."""

    vkey: str
    since: datetime
    from_size: int
    until: datetime | None
    until_size: int | None


class SealedLog(Protocol):
    """What is stored of the sealed ledger."""

    async def checkpoint(self, size: int | None = None) -> SealedCheckpoint | None:
        """The latest checkpoint, or the latest one over exactly so many events."""
        ...

    async def keys(self) -> Sequence[LogKey]:
        """Every key there ever was, oldest first."""
        ...

    async def tiles(self, tiles: Collection[Tile]) -> Mapping[tuple[int, int], Expanded]:
        """Tiles that lie within the sealed tree, by level and number. Raises SealingIncomplete."""
        ...

    async def leaves(self, start: int, end: int) -> Sequence[bytes]:
        """Leaves, counted from 0, from `start` up to, not including, `end`."""
        ...


class Consistency(NamedTuple):
    """That the log over `old` events, whose root is `old_root`, is the beginning of the one of the checkpoint."""

    old: int
    old_root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: SealedCheckpoint


async def inclusion_proof(log: SealedLog, position: int) -> TlogProof | None:
    """That the event at a position is in the latest checkpoint's tree; None while it is not sealed."""
    checkpoint = await log.checkpoint()
    if checkpoint is None or not 0 < position <= checkpoint.size:
        return None
    path = inclusion_path(position - 1, checkpoint.size)
    return TlogProof(position - 1, await _hashes(log, path, checkpoint.size), checkpoint.signed)


async def consistency_proof(log: SealedLog, old: int) -> Consistency | None:
    """From an older size to the latest checkpoint; None while there is none of at least that size."""
    checkpoint = await log.checkpoint()
    if checkpoint is None or not 0 <= old <= checkpoint.size:
        return None
    path = consistency_path(old, checkpoint.size)
    known = await log.tiles(tiles_for([*path, Range(0, old)], checkpoint.size))
    lookup = lookup_in(known)
    return Consistency(old, root(old, lookup), tuple(hashes_of(path, lookup)), checkpoint)


async def tile_bytes(log: SealedLog, tile: Tile) -> bytes | None:
    """A tile as it is served; a partial one is the beginning of what is there by now. None where that is less."""
    checkpoint = await log.checkpoint()
    there = width_in(tile.level, tile.number, checkpoint.size) if checkpoint else 0
    if there < tile.width:
        return None
    whole = Tile(tile.level, tile.number, there)
    return (await log.tiles([whole]))[tile.level, tile.number].layers[0][: tile.width * HASH_BYTES]


async def entry_bundle(log: SealedLog, number: int, width: int) -> bytes | None:
    """The leaves of a level 0 tile; None where there are not so many yet."""
    checkpoint = await log.checkpoint()
    if checkpoint is None or width_in(0, number, checkpoint.size) < width:
        return None
    return bundle(await log.leaves(number * WIDTH, number * WIDTH + width))


async def _hashes(log: SealedLog, path: list[Range], size: int) -> tuple[bytes, ...]:
    return tuple(hashes_of(path, lookup_in(await log.tiles(tiles_for(path, size)))))
