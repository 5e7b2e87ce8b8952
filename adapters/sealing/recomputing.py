"""Recomputing the sealed ledger from its stored bytes: leaves, tiles, every checkpoint with its signatures.

The self-check goes on from where it was; a verification begins at nothing. Neither believes any stored hash.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from psycopg import Connection

from adapters.keys.ed25519 import verify_ed25519
from adapters.postgres.raw import RawEvent, pages
from adapters.sealing import checkpoints
from adapters.sealing.checkpoints import Sealed
from adapters.sealing.leaves import Mismatch, checked_hashes
from adapters.sealing.tree_store import edge_at, stored_tiles
from domain.transparency.checkpoint import Checkpoint, open_checkpoint
from domain.transparency.edge import Edge, FullTile, grow
from domain.transparency.hashing import HASH_BYTES
from domain.transparency.keys import VerifierKey
from domain.transparency.proving import NotProven
from domain.transparency.tiles import TILE_HEIGHT, WIDTH


class Recomputation:
    """One pass over the ledger. `roots`: what outside checkpoints say, by size; they are compared on the way."""

    def __init__(
        self,
        connection: Connection[Any],
        *,
        start: int = 0,
        edge: Edge | None = None,
        keys: Sequence[VerifierKey] = (),
        roots: Mapping[int, bytes] | None = None,
        on_page: Callable[[Sequence[RawEvent]], None] = lambda _: None,
    ) -> None:
        """Go on at the size `start`, or at an edge that somebody kept. `keys`: trusted ones; by default those that the
        database itself names. `on_page` gets every page whose leaves were checked; it may raise Mismatch.
        """
        self._connection = connection
        self._on_page = on_page
        self._edge = edge_at(connection, start) if edge is None else edge
        self._keys = keys or [VerifierKey.parse(key.vkey) for key in checkpoints.keys(connection)]
        self._roots = dict(roots or {})
        newest = checkpoints.latest(connection)
        self._sealed = newest.size if newest else 0
        self._number: int | None = None
        self._good = self.size
        self._good_outside = 0
        self.checkpoints = 0

    @property
    def edge(self) -> Edge:
        """Where it could go on."""
        return self._edge

    @property
    def size(self) -> int:
        """How many leaves were recomputed."""
        return self._edge.size

    @property
    def end(self) -> int:
        """How many leaves there must be at least, by every checkpoint, those from elsewhere included."""
        return max(self._sealed, self.size, *self._roots)

    def root(self) -> bytes:
        """The root over the leaves that were recomputed."""
        return self._edge.root()

    def step(self, until: int) -> None:
        """Go on to a size. Raises Mismatch."""
        sealed = checkpoints.between(self._connection, self.size - (self.size == 0), until)
        found = {size: list(group) for size, group in groupby(sealed, lambda each: each.size)}
        for size in sorted({*found, *(size for size in self._roots if self.size <= size <= until), until}):
            self._grow(size)
            for checkpoint in found.get(size, ()):
                self._compare(checkpoint)
            self._compare_outside(size)

    def _grow(self, until: int) -> None:
        tiles: list[FullTile] = []
        for page in pages(self._connection, self.size, until):
            hashes = checked_hashes(page, self.size)
            self._on_page(page)
            growth = grow(self._edge, hashes)
            self._edge = growth.edge
            tiles += growth.tiles
        if self.size != until:
            raise Mismatch(self.size + 1, f"the ledger ends here, and not at {until}")
        for level, group in groupby(sorted(tiles, key=lambda tile: tile[:2]), lambda tile: tile.level):
            self._compare_tiles(level, list(group))

    def _compare_tiles(self, level: int, computed: list[FullTile]) -> None:
        stored = stored_tiles(self._connection, level, computed[0].number, computed[-1].number + 1)
        for tile in computed:
            kept = stored.get(tile.number)
            if kept and kept.nodes != tile.nodes:
                raise _difference(tile, kept)
            if not kept and (tile.number + 1) << TILE_HEIGHT * (level + 1) <= self._sealed:
                raise Mismatch(None, f"the stored tile {level}/{tile.number} is missing")

    def _compare(self, sealed: Sealed) -> None:
        if self._number is not None and sealed.number != self._number + 1:
            raise Mismatch(None, f"checkpoint {self._number + 1} is missing")
        self._number = sealed.number
        self.checkpoints += 1
        if self._edge.root() != sealed.root:
            raise self._bad(sealed)
        self._good = sealed.size
        try:
            origin = sealed.note.partition("\n")[0]
            opened = open_checkpoint(sealed.note, origin, self._keys, verify_ed25519)
        except NotProven as error:
            raise Mismatch(None, f"checkpoint {sealed.number} of {sealed.size} events: {error}") from error
        if opened.checkpoint != Checkpoint(origin, sealed.size, sealed.root):
            raise Mismatch(None, f"checkpoint {sealed.number} says something else than its note")

    def _compare_outside(self, size: int) -> None:
        expected = self._roots.pop(size, None)
        if expected is None:
            return
        if expected != self._edge.root():
            stretch = f"the events {self._good_outside + 1} to {size}"
            raise Mismatch(None, f"{stretch} are not those that the checkpoint from elsewhere sealed")
        self._good_outside = size

    def _bad(self, sealed: Sealed) -> Mismatch:
        """The first bad position where the sealed tile over the last leaves tells it, else the stretch it is in."""
        who = f"checkpoint {sealed.number} sealed"
        number = self.size // WIDTH
        kept = stored_tiles(self._connection, 0, number, number + 1).get(number)
        partial = self._edge.levels[0] if self._edge.levels else b""
        if kept and (position := _first_difference(number, partial, kept.nodes.layers[0])):
            return Mismatch(position, f"the leaf is not the one that {who}")
        return Mismatch(None, f"the events {self._good + 1} to {self.size} are not those that {who}")


def _difference(computed: FullTile, stored: FullTile) -> Mismatch:
    """Where a tile differs from the stored one: at level 0 the event's position."""
    ours, theirs = computed.nodes.layers[0], stored.nodes.layers[0]
    position = None if computed.level else _first_difference(computed.number, ours, theirs)
    if position is None:
        return Mismatch(None, f"the stored tile {computed.level}/{computed.number} is not the tree's")
    return Mismatch(position, "the leaf is not the one that was sealed")


def _first_difference(number: int, ours: bytes, theirs: bytes) -> int | None:
    """The position of the first leaf of a tile whose hash is another one there."""
    for at in range(0, len(ours), HASH_BYTES):
        if ours[at : at + HASH_BYTES] != theirs[at : at + HASH_BYTES]:
            return number * WIDTH + at // HASH_BYTES + 1
    return None
