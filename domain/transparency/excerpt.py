"""Some leaves of a tree, proven together: the hashes of the subtrees between, before and behind them give the root.

A stretch of leaves without gaps is proven to be complete: none is missing, added, moved or another one. By RFC 6962
(section 2.1) alone; the literature calls what is kept on the way a compact range.
"""

from collections.abc import Iterable, Iterator, Sequence

from domain.transparency.hashing import node_hash
from domain.transparency.proving import NotProven
from domain.transparency.subtrees import Lookup, Range, Subtree, combined


def gaps(stretches: Iterable[Range], size: int) -> Iterator[Range]:
    """What is between stretches of a tree (ascending, apart), before the first and behind the last; none is empty.

    Raises ValueError for stretches that the tree does not have.
    """
    end = 0
    for stretch in stretches:
        if not end <= stretch.start <= stretch.end <= size:
            raise ValueError(f"a tree of {size} leaves has no leaves {stretch.start} to {stretch.end} after {end}")
        if end < stretch.start:
            yield Range(end, stretch.start)
        end = stretch.end
    if end < size:
        yield Range(end, size)


def excerpt_proof(stretches: Iterable[Range], size: int, lookup: Lookup) -> list[bytes]:
    """The hashes of the perfect subtrees that the gaps consist of, from left to right."""
    return [lookup(part) for gap in gaps(stretches, size) for part in gap.parts()]


class CompactRange:
    """The perfect subtrees over all leaves so far, from left to right, each smaller than the one before."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[tuple[int, bytes]] = []

    def add(self, digest: bytes, height: int = 0) -> None:
        """The next leaf's hash, or that of the next perfect subtree of a height. Raises NotProven where none begins."""
        if self.size & ((1 << height) - 1):
            raise NotProven(f"no subtree of height {height} begins at leaf {self.size}")
        self.size += 1 << height
        while self._subtrees and self._subtrees[-1][0] == height:
            digest = node_hash(self._subtrees.pop()[1], digest)
            height += 1
        self._subtrees.append((height, digest))

    def fill(self, end: int, hashes: Iterator[bytes]) -> None:
        """Up to `end` with the next hashes of a proof. Raises NotProven where these are too few."""
        if end == self.size:
            return
        if end < self.size:
            raise NotProven(f"leaf {end} comes after leaf {self.size - 1}")
        for part in Range(self.size, end).parts():
            self._take(part, hashes)

    def root(self) -> bytes:
        """The root of the tree over them."""
        return combined([digest for _, digest in self._subtrees])

    def _take(self, part: Subtree, hashes: Iterator[bytes]) -> None:
        digest = next(hashes, None)
        if digest is None:
            raise NotProven("the proof has too few hashes")
        self.add(digest, part.height)


def check_excerpt(leaves: Iterable[tuple[int, bytes]], size: int, proof: Sequence[bytes], root: bytes) -> None:
    """The tree over `size` leaves has these (index from 0, leaf hash) at their places; raises NotProven otherwise."""
    seen, hashes = CompactRange(), iter(proof)
    for index, digest in leaves:
        seen.fill(index, hashes)
        seen.add(digest)
    seen.fill(size, hashes)
    if next(hashes, None) is not None:
        raise NotProven("the proof has too many hashes")
    if seen.root() != root:
        raise NotProven("the leaves lead to another root than the one that was signed")
