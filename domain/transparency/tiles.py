"""Tiles (C2SP tlog-tiles): the tree in pieces of 256 hashes, each a file that never changes once it is full.

A tile of level l stands for subtrees of height 8 * l; its hashes are the leaves of a small tree of height 8, whose
inner nodes are computed (or kept beside, see `expanded`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple, Self

from domain.transparency.hashing import HASH_BYTES, layer_above
from domain.transparency.proving import NotProven
from domain.transparency.subtrees import Lookup, Range, Subtree

WIDTH = 256
TILE_HEIGHT = 8
HIGHEST_LEVEL = 7  # 256 ** 8 leaves are more than positions can count
_NAME = re.compile(r"((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
_LAYERS = tuple(WIDTH >> height for height in range(TILE_HEIGHT))


class Tile(NamedTuple):
    """One tile by its place; a width below 256 names the partial tile of a smaller tree."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """As in a URL, below `tile/`: `0/x001/x234/067.p/8`."""
        return f"{self.level}/{tile_name(self.number, self.width)}"

    @property
    def full(self) -> bool:
        """Will it never change?"""
        return self.width == WIDTH

    @classmethod
    def parse(cls, path: str) -> Self:
        """The tile of a path below `tile/`. Raises NotProven for what names no tile."""
        level, _, name = path.partition("/")
        if len(level) != 1 or level not in "01234567":
            raise NotProven(f"a level is 0 to {HIGHEST_LEVEL}")
        return cls(int(level), *parse_tile_name(name))


def tile_name(number: int, width: int = WIDTH) -> str:
    """A tile's or bundle's number in a path: groups of three digits, all but the last with an x before."""
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    name = "/".join(["x" + group for group in groups[:-1]] + groups[-1:])
    return name if width == WIDTH else f"{name}.p/{width}"


def parse_tile_name(name: str) -> tuple[int, int]:
    """Number and width out of a path. Raises NotProven; only the one right spelling is taken."""
    found = _NAME.fullmatch(name)
    if found:
        number = int(found[1].replace("x", "").replace("/", ""))
        width = int(found[2]) if found[2] else WIDTH
        if 0 < width <= WIDTH and tile_name(number, width) == name:
            return number, width
    raise NotProven(f"{name[:80]!r} is no number of a tile")


def width_in(level: int, number: int, size: int) -> int:
    """How many hashes a tile has in the tree of a size: 0 to 256."""
    return max(0, min(WIDTH, (size >> TILE_HEIGHT * level) - number * WIDTH))


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of the tree of a size, the partial ones included, level by level."""
    level = 0
    while hashes := size >> TILE_HEIGHT * level:
        yield from (Tile(level, number) for number in range(hashes // WIDTH))
        if hashes % WIDTH:
            yield Tile(level, hashes // WIDTH, hashes % WIDTH)
        level += 1


def tile_holding(part: Subtree, size: int) -> Tile:
    """The tile that holds a subtree's hash, as its own or as one of its inner nodes."""
    level, height = divmod(part.height, TILE_HEIGHT)
    number = part.number >> TILE_HEIGHT - height
    return Tile(level, number, width_in(level, number, size))


def tiles_for(path: Iterable[Range], size: int) -> set[Tile]:
    """The tiles of the tree of a size that hold the hashes of a path."""
    return {tile_holding(part, size) for leaves in path for part in leaves.parts()}


class Expanded(NamedTuple):
    """A tile's hashes and inner nodes, `layers[h]` those of height h, concatenated from left to right."""

    layers: tuple[bytes, ...]

    def node(self, height: int, number: int) -> bytes:
        """The node at a height within the tile, counted from the tile's left edge. Raises IndexError."""
        start = number * HASH_BYTES
        if height >= len(self.layers) or start >= len(self.layers[height]):
            raise IndexError("the tile is narrower than that")
        return self.layers[height][start : start + HASH_BYTES]

    @property
    def root(self) -> bytes:
        """A full tile's own hash, one of the tile above. Raises IndexError for a partial one."""
        return self.node(TILE_HEIGHT, 0)


def expanded(hashes: bytes) -> Expanded:
    """A full or partial tile's hashes with all inner nodes."""
    layers = [hashes]
    while len(layers[-1]) > HASH_BYTES:
        layers.append(layer_above(layers[-1]))
    return Expanded(tuple(layers))


@lru_cache(maxsize=32)
def expanded_partial(hashes: bytes) -> Expanded:
    """`expanded`, remembered: all proofs under one checkpoint need the same few partial tiles."""
    return expanded(hashes)


def packed(tile: Expanded) -> bytes:
    """A full tile's hashes and inner nodes without its root: 510 hashes, the tile itself first."""
    return b"".join(tile.layers[:TILE_HEIGHT])


def unpacked(nodes: bytes) -> Expanded:
    """The full tile that was packed. Nothing is checked."""
    places = pairwise(accumulate(_LAYERS, initial=0))
    layers = [nodes[start * HASH_BYTES : end * HASH_BYTES] for start, end in places]
    return Expanded((*layers, layer_above(layers[-1])))


def lookup_in(tiles: Mapping[tuple[int, int], Expanded]) -> Lookup:
    """Subtrees' hashes out of tiles, by level and number."""

    def node(part: Subtree) -> bytes:
        level, height = divmod(part.height, TILE_HEIGHT)
        number, within = divmod(part.number, WIDTH >> height)
        return tiles[level, number].node(height, within)

    return node
