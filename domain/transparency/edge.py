"""The growing edge of the tree: all that a size, a root and the next tiles need, however many leaves there are."""

from collections.abc import Sequence
from typing import NamedTuple

from domain.transparency.hashing import HASH_BYTES
from domain.transparency.subtrees import Range, combined
from domain.transparency.tiles import TILE_HEIGHT, WIDTH, Expanded, expanded

_TILE_BYTES = WIDTH * HASH_BYTES


class FullTile(NamedTuple):
    """A tile that has become full."""

    level: int
    number: int
    nodes: Expanded


class Edge(NamedTuple):
    """The partial tiles at the right of the tree, lowest level first; a level's hashes are concatenated."""

    levels: tuple[bytes, ...] = ()

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return sum(len(hashes) // HASH_BYTES << TILE_HEIGHT * level for level, hashes in enumerate(self.levels))

    def root(self) -> bytes:
        """The Merkle tree hash over all leaves."""
        peaks: list[bytes] = []
        for hashes in reversed(self.levels):
            tile = expanded(hashes)
            width = len(hashes) // HASH_BYTES
            peaks.extend(tile.node(*part) for part in Range(0, width).parts())
        return combined(peaks)


class Growth(NamedTuple):
    """What leaves added: the new edge, and the tiles that they filled, those of lower levels first."""

    edge: Edge
    tiles: tuple[FullTile, ...]


def grow(edge: Edge, leaf_hashes: Sequence[bytes]) -> Growth:
    """Add leaves by their hashes, in order."""
    levels: list[bytes] = []
    tiles: list[FullTile] = []
    arriving = b"".join(leaf_hashes)
    old_size = edge.size
    level = 0
    while arriving or level < len(edge.levels):
        kept = edge.levels[level] if level < len(edge.levels) else b""
        full, rest = _filled(kept + arriving, level, old_size >> TILE_HEIGHT * (level + 1))
        tiles.extend(full)
        levels.append(rest)
        arriving = b"".join([tile.nodes.root for tile in full])
        level += 1
    return Growth(Edge(tuple(levels)), tuple(tiles))


def _filled(hashes: bytes, level: int, first: int) -> tuple[list[FullTile], bytes]:
    """The full tiles of one level, numbered from `first`, and the hashes that are left."""
    whole = len(hashes) // _TILE_BYTES * _TILE_BYTES
    tiles = [
        FullTile(level, first + start // _TILE_BYTES, expanded(hashes[start : start + _TILE_BYTES]))
        for start in range(0, whole, _TILE_BYTES)
    ]
    return tiles, hashes[whole:]


def edge_of(leaf_hashes: Sequence[bytes]) -> Edge:
    """The edge of the tree over these leaves alone."""
    return grow(Edge(), leaf_hashes).edge
