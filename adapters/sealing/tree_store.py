"""The stored tree: full tiles, and the partial ones at any size's edge, which follow from roots and leaves.

Every function takes a connection of a role that may read `ledger`.
"""

from collections.abc import Iterable
from typing import Any

from psycopg import Connection

from adapters.postgres.raw import pages
from adapters.sealing.leaves import Mismatch, checked_hashes
from domain.transparency.edge import Edge, FullTile
from domain.transparency.hashing import HASH_BYTES
from domain.transparency.tiles import TILE_HEIGHT, WIDTH, Expanded, Tile, expanded_partial, packed, unpacked

_ROOTS = """
SELECT root FROM ledger.tiles WHERE level = %s AND number >= %s AND number < %s ORDER BY number
"""
_TILES = """
SELECT number, nodes, root FROM ledger.tiles WHERE level = %s AND number >= %s AND number < %s ORDER BY number
"""


def edge_at(connection: Connection[Any], size: int) -> Edge:
    """The edge of the tree over the first `size` leaves, all of which are in full tiles, or in the partial one after.

    Raises Mismatch when tiles or leaves are missing, or leaves are not what they should be.
    """
    return Edge(tuple(_partial(connection, level, size) for level in range(_levels(size))))


def _levels(size: int) -> int:
    return max(-(-size.bit_length() // TILE_HEIGHT), 0)


def _partial(connection: Connection[Any], level: int, size: int) -> bytes:
    """The hashes of the partial tile of a level."""
    end = size >> TILE_HEIGHT * level
    start = end // WIDTH * WIDTH
    if level == 0:
        hashes = leaf_hashes(connection, start, end)
    else:
        hashes = [root for (root,) in connection.execute(_ROOTS, [level - 1, start, end])]
    if len(hashes) != end - start or any(len(each) != HASH_BYTES for each in hashes):
        raise Mismatch(None, f"the stored tree lacks hashes of level {level} between {start} and {end}")
    return b"".join(hashes)


def leaf_hashes(connection: Connection[Any], start: int, end: int) -> list[bytes]:
    """The checked hashes of the leaves from `start` (from 0) up to, not including, `end`. Raises Mismatch."""
    found: list[bytes] = []
    for page in pages(connection, start, end):
        found += checked_hashes(page, start + len(found))
    if len(found) != end - start:
        raise Mismatch(start + len(found) + 1, f"the ledger ends here, and not at {end}")
    return found


def stored_tiles(connection: Connection[Any], level: int, start: int, end: int) -> dict[int, FullTile]:
    """Full tiles of a level by number. Raises Mismatch for one of the wrong length."""
    found: dict[int, FullTile] = {}
    for number, nodes, root in connection.execute(_TILES, [level, start, end]):
        if len(nodes) != (2 * WIDTH - 2) * HASH_BYTES:
            raise Mismatch(None, f"the stored tile {level}/{number} has {len(nodes)} bytes")
        tile = unpacked(nodes)
        if tile.root != root:
            raise Mismatch(None, f"the stored tile {level}/{number} does not lead to its root")
        found[number] = FullTile(level, number, tile)
    return found


def tiles_at(connection: Connection[Any], tiles: Iterable[Tile], size: int) -> dict[tuple[int, int], Expanded]:
    """Tiles of the tree of a sealed size, full or partial. Raises Mismatch."""
    found: dict[tuple[int, int], Expanded] = {}
    for tile in tiles:
        if tile.full:
            found[tile[:2]] = stored_tiles(connection, tile.level, tile.number, tile.number + 1)[tile.number].nodes
        else:
            found[tile[:2]] = expanded_partial(_partial(connection, tile.level, size))
    return found


def rows_of(tiles: Iterable[FullTile]) -> tuple[list[int], list[int], list[bytes], list[bytes]]:
    """Full tiles as the arrays that `ledger.seal` takes."""
    chosen = list(tiles)
    return (
        [tile.level for tile in chosen],
        [tile.number for tile in chosen],
        [packed(tile.nodes) for tile in chosen],
        [tile.nodes.root for tile in chosen],
    )
