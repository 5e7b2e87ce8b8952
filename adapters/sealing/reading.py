"""The sealed ledger for the API: application.proving.SealedLog in SQL, one statement per question."""

from collections.abc import Collection, Mapping, Sequence

from adapters.sealing.checkpoints import keys_of
from application.proving import LogKey, SealedCheckpoint, SealingIncomplete
from domain.transparency.hashing import HASH_BYTES, leaf_hash
from domain.transparency.tiles import WIDTH, Expanded, Tile, expanded_partial, unpacked
from projections.columns import Type
from projections.reading.postgres import Reader
from projections.reading.queries import many

_CHECKPOINT = """
SELECT c.number, c.size, c.root, c.note, c.sealed_at,
    (SELECT coalesce(array_agg(s.line ORDER BY s.received_at, s.line), '{{}}') FROM ledger.cosignatures s
     WHERE s.checkpoint = c.number),
    (SELECT t.answer FROM ledger.timestamps t WHERE t.checkpoint = c.number)
FROM ledger.checkpoints c {where} ORDER BY c.number DESC LIMIT 1
"""
# Full tiles as they are stored; of partial ones what their hashes are: roots of the tiles below, or leaves.
_TILES = """
SELECT w.level, w.number, w.width, t.nodes,
    CASE WHEN w.width < 256 AND w.level > 0 THEN (
        SELECT string_agg(b.root, '' ORDER BY b.number) FROM ledger.tiles b
        WHERE b.level = w.level - 1 AND b.number >= w.number * 256 AND b.number < w.number * 256 + w.width) END,
    CASE WHEN w.width < 256 AND w.level = 0 THEN (
        SELECT array_agg(e.leaf ORDER BY e.notification_id) FROM ledger.events e
        WHERE e.notification_id > w.number * 256 AND e.notification_id <= w.number * 256 + w.width) END
FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[]) w(level, number, width)
    LEFT JOIN ledger.tiles t ON w.width = 256 AND t.level = w.level AND t.number = w.number
"""
_LEAVES = """
SELECT e.leaf FROM ledger.events e WHERE e.notification_id > %b::bigint AND e.notification_id <= %b::bigint
ORDER BY e.notification_id
"""
_KEYS = "SELECT vkey, used, size, at FROM ledger.log_keys ORDER BY number"


class PostgresSealedLog:
    """application.proving.SealedLog."""

    def __init__(self, rows: Reader) -> None:
        self._rows = rows

    async def checkpoint(self, size: int | None = None) -> SealedCheckpoint | None:
        """See SealedLog.checkpoint."""
        where, parameters = ("", []) if size is None else ("WHERE c.size = %b::bigint", [size])
        for number, size_, root, note, at, lines, stamp in await self._rows.rows(
            _CHECKPOINT.format(where=where), parameters
        ):
            return SealedCheckpoint(number, size_, root, note, at, tuple(lines), stamp)
        return None

    async def keys(self) -> Sequence[LogKey]:
        """See SealedLog.keys."""
        return [LogKey(*key) for key in keys_of(await self._rows.rows(_KEYS))]

    async def tiles(self, tiles: Collection[Tile]) -> Mapping[tuple[int, int], Expanded]:
        """See SealedLog.tiles."""
        if not tiles:
            return {}
        columns = [many(Type.BIGINT, column) for column in zip(*tiles, strict=True)]
        found: dict[tuple[int, int], Expanded] = {}
        for level, number, width, nodes, roots, leaves in await self._rows.rows(_TILES, columns):
            hashes = b"".join(map(leaf_hash, leaves)) if leaves else roots
            if (nodes is None) if width == WIDTH else (len(hashes or b"") != width * HASH_BYTES):
                raise SealingIncomplete(f"the tile {Tile(level, number, width).path} is not whole")
            found[level, number] = unpacked(nodes) if width == WIDTH else expanded_partial(hashes)
        return found

    async def leaves(self, start: int, end: int) -> Sequence[bytes]:
        """See SealedLog.leaves."""
        return [leaf for (leaf,) in await self._rows.rows(_LEAVES, [start, end])]
