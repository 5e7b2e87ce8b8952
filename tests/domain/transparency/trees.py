"""Trees to prove things about: leaves, and their tiles as a store would keep them."""

from collections.abc import Sequence

from domain.transparency.edge import Edge, grow
from domain.transparency.hashing import leaf_hash
from domain.transparency.subtrees import Lookup
from domain.transparency.tiles import Expanded, expanded, lookup_in


def leaves(count: int) -> list[bytes]:
    return [f"leaf {number}".encode() for number in range(count)]


def tiles(entries: Sequence[bytes]) -> dict[tuple[int, int], Expanded]:
    edge, full = grow(Edge(), [leaf_hash(entry) for entry in entries])
    partial = {
        (level, len(entries) >> 8 * (level + 1)): expanded(hashes) for level, hashes in enumerate(edge.levels) if hashes
    }
    return {(tile.level, tile.number): tile.nodes for tile in full} | partial


def lookup(entries: Sequence[bytes]) -> Lookup:
    return lookup_in(tiles(entries))
